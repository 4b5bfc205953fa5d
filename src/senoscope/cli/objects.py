"""What `senoscope predict` writes for an archive: DICOM objects and FHIR bundles, beside the answers in `--out`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from senoscope.core.domain.prediction import Answer
    from senoscope.runtime.outputs.dicom import Source

RELEASES: dict[str, Literal["R4B", "R5"]] = {"r4b": "R4B", "r5": "R5"}
SHOWN = ("sc", "pdf")
"""Kinds that show the picture, for which it is read again."""


@dataclass(frozen=True)
class Objects:
    """What is wanted of each answer.

    Args:
        kinds: of DICOM objects.
        release: of FHIR; "" for none.
        out: folder for the files.
        networks: SHA-256 of each bundle's network, by the bundle's name.
    """

    kinds: tuple[str, ...]
    release: str
    out: Path
    networks: dict[str, str]

    def write(self, answer: "Answer") -> list[Path]:
        """Write what is wanted of an answer; returns the files.

        Raises:
            InputError: what was asked about is no DICOM image.
            UsageError: a kind is not of such images.
        """
        import datetime
        import io
        import json

        from senoscope.evidence.tables.rows import write_bytes, write_text
        from senoscope.runtime.outputs.dicom import KINDS, Subject
        from senoscope.runtime.outputs.fhir import bundle

        subject = Subject(answer, self._sources(answer), self.networks[answer.bundle], datetime.datetime.now())
        stem = re.sub(r"[^\w.-]+", "_", Path(answer.source).stem)[:50] + f"_{subject.uid('file')[-8:]}"
        # All are built before one is written: a kind that cannot be must not leave half of an answer behind.
        made = [(kind, one) for kind in self.kinds for one in KINDS.get(kind)(subject)]
        written = []
        for place, (kind, one) in enumerate(made, 1):
            buffer = io.BytesIO()
            one.save_as(buffer, enforce_file_format=True)
            written.append(self.out / f"{stem}_{place:02}_{kind}.dcm")
            write_bytes(written[-1], buffer.getvalue())
        if self.release:
            written.append(self.out / f"{stem}_fhir.json")
            content = json.dumps(bundle(subject, RELEASES[self.release]), ensure_ascii=False, indent=1)
            write_text(written[-1], f"{content}\n")
        return written

    def _sources(self, answer: "Answer") -> "tuple[Source, ...]":
        from senoscope.core.domain.prediction import ExamPrediction
        from senoscope.core.errors import InputError
        from senoscope.core.io import read
        from senoscope.runtime.outputs.dicom import Source

        found = []
        for path in [view.source for view in answer.views] if isinstance(answer, ExamPrediction) else [answer.source]:
            dataset = dicom_source(Path(path))
            if dataset is None:
                raise InputError(
                    f"{path} is no DICOM image", "results are filed with the study of one; leave out --dicom"
                )
            found.append(Source(dataset, read(path) if set(self.kinds) & set(SHOWN) else None))
        return tuple(found)


def objects_asked(dicom: str, fhir: str, out: Path | None, networks: dict[str, str]) -> Objects | None:
    """What `--dicom` and `--fhir` ask for; None where they ask for nothing.

    Raises:
        UsageError: a kind or a release is not known, or there is no folder to write into.
        MissingExtraError: DICOM objects are asked for, and highdicom is not installed.
    """
    from senoscope.core.errors import UsageError
    from senoscope.runtime.outputs.dicom import KINDS
    from senoscope.runtime.outputs.dicom.library import highdicom

    kinds = tuple(dict.fromkeys(word.strip() for word in dicom.split(",") if word.strip()))
    for kind in kinds:
        KINDS.get(kind)
    if fhir and fhir not in RELEASES:
        raise UsageError(f"there is no FHIR release {fhir!r} here", f"--fhir {' or '.join(RELEASES)}")
    if not kinds and not fhir:
        return None
    if out is None:
        raise UsageError("DICOM objects and FHIR are files, and no folder is named for them", "--out DIR")
    if kinds:
        highdicom()
    return Objects(kinds, fhir, out, networks)


def dicom_source(path: Path) -> "Dataset | None":
    """The attributes of a DICOM file, without its pixels; None of any other file.

    Raises:
        InputError: it cannot be read, or its header is damaged.
    """
    from pydicom import dcmread

    from senoscope.core.io.base import named
    from senoscope.core.io.dicom.facts import facts_if_dicom
    from senoscope.core.io.dicom.guard import damaged, header_errors, quiet

    # Within bounds first: pydicom has none.
    if facts_if_dicom(path) is None:
        return None
    with named(str(path)):
        try:
            with quiet():
                # What the reader has taken without a preamble is taken here.
                return dcmread(path, stop_before_pixels=True, force=True)
        except header_errors() as error:
            raise damaged() from error
