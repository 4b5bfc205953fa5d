"""The headers of a folder or a DICOMDIR, read in threads."""

import os
from pathlib import Path

from senoscope.core.errors import InputError, UnreadableImageError
from senoscope.core.io.ahead import batches
from senoscope.core.io.base import HEAD, named
from senoscope.core.io.contents import opened
from senoscope.core.io.dicom.archive import Archive, DicomFile, Refused, arranged
from senoscope.core.io.dicom.facts import read_facts
from senoscope.core.io.dicom.guard import COPY_AGAIN, damaged, header_errors, quiet
from senoscope.core.io.dicom.parsing import is_dicom, parse_directory
from senoscope.core.io.dicom.reading import SUFFIXES
from senoscope.core.io.dicom.values import items, words
from senoscope.core.io.listing import files_below

DIRECTORY = "1.2.840.10008.1.3.10"
"""SOP class of a DICOMDIR, DICOM's Media Storage Directory."""

_BATCH = 64


def scan(path: str | Path, *, workers: int = 4) -> Archive:
    """Read the headers of the DICOM files that a path means, and lay them out by patient, study and series.

    Args:
        path: a folder, in which and below which every file is looked at; or a DICOMDIR, whose files are those it names.
        workers: threads, which wait for the disk.

    Returns:
        What there is. A file that cannot be used is listed with the reason, and the rest goes on; one that a DICOMDIR
        names outside its own folder is refused without being opened (PS3.10 8.5).

    Raises:
        InputError: there is no such folder, or the DICOMDIR does not parse.
    """
    refused: list[Refused] = []
    if os.path.isdir(path):
        paths, unlisted = files_below(Path(path))
        hint = "ask for the right to read it"
        refused += (Refused(one, UnreadableImageError(f"{one}: may not be listed", hint)) for one in unlisted)
    else:
        paths, refused = _named(Path(path))
    found: list[DicomFile] = []
    others = 0
    for group in batches(_looked_at, paths, batch=_BATCH, workers=workers):
        for one in group:
            if isinstance(one, DicomFile) and one.facts.sop_class != DIRECTORY:
                found.append(one)
            elif isinstance(one, Refused):
                refused.append(one)
            others += one is None
    return arranged(found, refused, others)


def _looked_at(path: Path) -> DicomFile | Refused | None:
    """Read a header; None for a file that is not DICOM and does not claim to be."""
    try:
        facts = read_facts(path)
        if not facts.frames and not facts.ids.instance and facts.sop_class != DIRECTORY:
            # Cut between two elements, so that it parses.
            raise UnreadableImageError(f"{path}: the DICOM file holds neither pixels nor its own name", COPY_AGAIN)
        return DicomFile(path, facts)
    except InputError as error:
        return Refused(path, error) if path.suffix.lower() in SUFFIXES or _claims(path) else None


def _claims(path: Path) -> bool:
    try:
        with opened(path) as (file, _):
            return is_dicom(file.read(HEAD))
    except (InputError, OSError):
        return False


def _named(path: Path) -> tuple[list[Path], list[Refused]]:
    """List the files that a DICOMDIR names (PS3.3 F.3.2.2), and those that it must not or cannot name."""
    with opened(path) as (file, size), named(str(path)):
        if not is_dicom(file.read(HEAD)):
            raise UnreadableImageError("this is no DICOMDIR", "name a folder or a DICOMDIR")
        try:
            with quiet():
                parsed = parse_directory(file, size)
                records = items(parsed.header, "DirectoryRecordSequence")
                parts = [words(record, "ReferencedFileID") for record in records]
        except header_errors() as error:
            raise damaged() from error
        if not records and parsed.sop_class != DIRECTORY:
            raise UnreadableImageError("this is no DICOMDIR", "name a folder or a DICOMDIR")
    found: dict[Path, None] = {}
    refused = []
    for names in filter(None, parts):
        try:
            found[_inside(path, names)] = None
        except InputError as error:
            refused.append(Refused(path.parent.joinpath(*names), error))
    return list(found), refused


def _inside(directory: Path, names: tuple[str, ...]) -> Path:
    """Return the path of a file that a DICOMDIR names, which lies below the DICOMDIR's own folder, links followed."""
    folder, hint = directory.parent.resolve(), "export the disc or the exam again"
    for cased in (names, tuple(name.lower() for name in names)):
        # Some systems show the names of a disc in small letters.
        path = folder.joinpath(*cased)
        plain = not any(name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name for name in cased)
        if not plain or not path.resolve().is_relative_to(folder):
            raise UnreadableImageError(f"{directory}: names a file outside its folder: {'/'.join(names)[:100]}", hint)
        if path.is_file():
            return path
    raise UnreadableImageError(f"{directory}: names a file that is not there: {'/'.join(names)[:100]}", hint)
