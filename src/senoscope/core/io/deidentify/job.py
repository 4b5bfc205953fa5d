"""A folder of DICOM to a folder of de-identified DICOM."""

import filecmp
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from senoscope.core.errors import (
    BurnedInError,
    InputError,
    MissingFileError,
    NotDicomError,
    SenoscopeError,
    UsageError,
)
from senoscope.core.io.base import broken
from senoscope.core.io.deidentify.actions import Cleaner, patient_of, uids_of
from senoscope.core.io.deidentify.keys import Key
from senoscope.core.io.deidentify.kinds import BURNED_IN, IDENTITY, PIXELS, check_kind, said, shows_words
from senoscope.core.io.deidentify.marking import file_meta, mark
from senoscope.core.io.deidentify.pictures.pixels import NATIVE, Blanked, clean_pixels
from senoscope.core.io.deidentify.pictures.streams import silenced
from senoscope.core.io.deidentify.reading import FAULTS, quiet, read_dataset

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

WRITTEN, KEPT, REFUSED, OTHER = "written", "already there", "not copied", "not DICOM"
"""What became of a file."""

RETAINABLE = ("patient", "device", "institution")
"""Columns of the table that a user may retain beside dates."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Settings:
    """What was asked for beside the Basic Profile.

    Args:
        keep_dates: whether dates are moved instead of removed.
        clean_pixels: whether words are looked for in pixels that are known to show them.
        retain: of `RETAINABLE`, what stays.
    """

    keep_dates: bool = False
    clean_pixels: bool = False
    retain: tuple[str, ...] = ()

    @property
    def options(self) -> frozenset[str]:
        """Columns of the table that apply."""
        return frozenset((*self.retain, *(("modified_dates",) if self.keep_dates else ())))


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Args:
        source: the file that was read.
        status: written, already there, not copied, or not DICOM.
        target: of the new file, relative to the folder of results; None where there is none.
        reason: why it was not copied; names no value of the file's.
        notes: what to know about the new file.
        done: (tag, what was done) → how often.
    """

    source: Path
    status: str
    target: Path | None = None
    reason: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    done: Counter[tuple[str, str]] = field(default_factory=Counter)


def deidentify(
    source: Path, dest: Path, key: Key, settings: Settings | None = None, progress: Progress | None = None
) -> list[Outcome]:
    """De-identify the DICOM files in a folder and below it, or one file (PS3.15 Annex E, Basic Profile).

    New files are named by their new UIDs: study, series, object. Each appears whole or not at all; one that is there
    already is replaced by nothing but the same. A file that cannot be read or made safe is not copied, and the others
    go on.

    Args:
        source: the folder, or the file.
        dest: folder of the results, made if it is not there; not within `source`, nor around it.
        key: makes new identities.
        settings: what is wanted beside the Basic Profile.
        progress: told stage, files done, and of how many.

    Returns:
        What became of each file, sorted by path.

    Raises:
        MissingFileError: there is no `source`.
        UsageError: `dest` lies within `source` or around it.
    """
    if not source.exists():
        raise MissingFileError(f"{source}: there is no such file or folder", "check the spelling")
    inner, outer = dest.resolve(), source.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise UsageError(f"{dest} and {source} lie within each other", "name a folder elsewhere for the results")
    files = sorted(_files(source))
    found = []
    for number, file in enumerate(files):
        found.append(_outcome(file, dest, key, settings or Settings()))
        if progress is not None:
            progress("files", number + 1, len(files))
    return found


def _files(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield source
        return
    for root, _, names in os.walk(source):
        yield from (Path(root) / name for name in names)


def _outcome(file: Path, dest: Path, key: Key, settings: Settings) -> Outcome:
    try:
        if not file.is_file():
            return Outcome(file, OTHER, reason="no regular file")
        return _one(file, dest, key, settings)
    except NotDicomError:
        return Outcome(file, OTHER, reason="not DICOM")
    except SenoscopeError as error:
        return Outcome(file, REFUSED, reason=error.message, hint=error.hint)
    except OSError as error:
        return Outcome(file, REFUSED, reason=(error.strerror or "cannot be read or written").lower())
    except FAULTS:
        # The words of such an error may quote the file.
        return Outcome(file, REFUSED, reason=broken("DICOM").message, hint=broken("DICOM").hint)


def _one(file: Path, dest: Path, key: Key, settings: Settings) -> Outcome:
    read = read_dataset(file)
    dataset, syntax = read.dataset, read.syntax
    with quiet():
        identity = uids_of(dataset, IDENTITY)
        check_kind(dataset, identity)
        notes = ["data behind the dataset were dropped"] if read.tail else []
        blanked = None
        if shows_words(dataset, identity[0]):
            if not settings.clean_pixels:
                raise BurnedInError("its pixels may show who the patient is", "--clean-pixels looks for words in them")
            blanked, syntax = clean_pixels(dataset, syntax), NATIVE
            notes.append(_told(blanked))
        elif PIXELS in dataset and dataset[PIXELS].is_undefined_length:
            dataset[PIXELS].value = silenced(dataset[PIXELS].value, syntax)
        if said(dataset, BURNED_IN).upper() == "NO" and blanked is None:
            notes.append("says of itself that its pixels show no words, and was believed")
        cleaner = Cleaner(key, patient_of(dataset), identity[0], settings.options)
        cleaner.clean(dataset)
        mark(dataset, settings.options, blanked)
        target = Path(*(key.uid(uid) if uid else "unknown" for uid in identity[2:]), f"{key.uid(identity[1])}.dcm")
        status = _write(dataset, syntax, dest / target)
    return Outcome(file, status, target, notes=tuple(notes), done=cleaner.done)


def _told(blanked: Blanked) -> str:
    where = "everything outside the ultrasound regions and " if blanked.regions else ""
    look = "" if blanked.regions else "; look at it before it is shared"
    return f"blanked {where}{blanked.lines} areas like words, {blanked.share:.0%} of the picture{look}"


def _write(dataset: "Dataset", syntax: str, target: Path) -> str:
    """Write under another name, and take the right one only when all of it is there."""
    from pydicom.filewriter import dcmwrite

    dataset.file_meta = file_meta(dataset, syntax)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".part")
    try:
        with fresh.open("wb") as file:
            dcmwrite(file, dataset, enforce_file_format=True)
            file.flush()
            os.fsync(file.fileno())
        if not target.exists():
            fresh.replace(target)
            return WRITTEN
        if filecmp.cmp(fresh, target, shallow=False):
            return KEPT
        raise InputError(
            "another object of its identity is there already", "two files share a UID, or key or options are others"
        )
    finally:
        fresh.unlink(missing_ok=True)
