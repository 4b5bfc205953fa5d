"""`senoscope predict auto`: the question is chosen by what the DICOM headers say."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from senoscope.core.domain.prediction import Answer
    from senoscope.core.io.dicom import Archive
    from senoscope.runtime.choosing import Choice
    from senoscope.runtime.reading import Failure
    from senoscope.runtime.store import Manifest

AUTO = "auto"
"""Stands where a task's name would."""


@dataclass(frozen=True)
class Found:
    """Answers to come.

    Args:
        answers: bundle by bundle.
        count: how many.
        networks: SHA-256 of each bundle's network, by the bundle's name.
    """

    answers: Iterator["Answer | Failure"]
    count: int
    networks: dict[str, str]


def answers_by_header(paths: Sequence[Path], bundle: str, operating_point: str) -> Found:
    """Choose a bundle for every picture, say what is left out, and answer the rest.

    Args:
        paths: DICOM files, folders of them, or DICOMDIRs.
        bundle: goes before those that ship, for the pictures it is about; "" for none.
        operating_point: name of the threshold; each bundle's default where empty.

    Raises:
        InputError: a path does not exist, or nothing can be asked about.
        UsageError: none is named, or the bundle joins several pictures in an answer.
    """
    from senoscope.core.errors import UnsupportedImageError, UsageError
    from senoscope.runtime.choosing import choose
    from senoscope.runtime.store import load_any

    if not paths:
        raise UsageError("no DICOM file or folder is named", "senoscope predict auto FOLDER")
    archive, manifests = _archive(paths), _manifests(bundle)
    choice = choose(archive, manifests)
    _tell(archive, choice)
    if not choice.asked:
        raise UnsupportedImageError("nothing here can be asked about", "what was found is listed above")
    own = manifests[0].name if bundle else ""

    def answers() -> Iterator["Answer | Failure"]:
        for name, files in choice.asked.items():
            model = load_any(bundle if name == own else name)
            yield from model.stream(list(files), operating_point=operating_point)

    # The named bundle comes last, for it goes before one that ships under its name.
    networks = {one.name: one.model.sha256 for one in reversed(manifests)}
    return Found(answers(), sum(map(len, choice.asked.values())), networks)


def _archive(paths: Sequence[Path]) -> "Archive":
    from senoscope.core.errors import InputError
    from senoscope.core.io.dicom import DicomFile, Refused, read_facts, scan
    from senoscope.core.io.dicom.archive import arranged

    found: list[DicomFile] = []
    refused: list[Refused] = []
    others, remarks = 0, list[str]()
    for path in paths:
        if os.path.isdir(path) or path.name.upper() == "DICOMDIR":
            held = scan(path)
            found += [
                file
                for patient in held.patients
                for study in patient.studies
                for series in study.series
                for file in series.files
            ]
            refused += held.refused
            others += held.others
            remarks += held.remarks
            continue
        try:
            found.append(DicomFile(path, read_facts(path)))
        except InputError as error:
            refused.append(Refused(path, error))
    joined = arranged(found, refused, others)
    return type(joined)(joined.patients, joined.refused, others, (*remarks, *joined.remarks))


def _manifests(bundle: str) -> list["Manifest"]:
    """Bundles in the order in which they are asked: the named one, then those that ship."""
    from senoscope.core.domain.bundle import BundleManifest
    from senoscope.core.domain.chain import ChainManifest
    from senoscope.core.errors import UsageError
    from senoscope.runtime.store import locate, read_manifest, shipped

    named = [read_manifest(locate(bundle))] if bundle else []
    for one in named:
        if isinstance(one, BundleManifest) and not isinstance(one, ChainManifest) and one.exam is not None:
            raise UsageError(f"{one.name} joins several pictures in an answer", "name its task in place of auto")
    return [*named, *shipped()]


def _tell(archive: "Archive", choice: "Choice") -> None:
    from senoscope.core.errors import printable

    for remark in archive.remarks:
        typer.echo(f"note: {printable(remark)}", err=True)
    for left in choice.unused:
        pictures = f"{left.files} file{'s' * (left.files != 1)}"
        name = f"{left.series} {left.text}".strip()
        typer.echo(f"not asked: {printable(name)}, {pictures}: {printable(left.reason)}", err=True)
    if archive.others:
        typer.echo(f"not asked: {archive.others} files that are not DICOM: name the task for these", err=True)
