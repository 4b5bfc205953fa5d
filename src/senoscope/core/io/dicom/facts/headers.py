"""From a path or bytes to the facts of a header, without the pixels."""

import io
from pathlib import Path
from typing import BinaryIO

from senoscope.core.errors import UnreadableImageError
from senoscope.core.io.base import HEAD, named
from senoscope.core.io.contents import opened
from senoscope.core.io.dicom.facts.facts import Facts, facts_of
from senoscope.core.io.dicom.guard import damaged, header_errors, quiet
from senoscope.core.io.dicom.parsing import is_dicom, parse_header


def facts_if_dicom(path: str | Path) -> Facts | None:
    """Read what the header of a file knows; None where the file is no DICOM. Raises as `read_facts`."""
    with opened(path) as (file, _), named(str(path)):
        if not is_dicom(file.read(HEAD)):
            return None
    return read_facts(path)


def read_facts(path: str | Path) -> Facts:
    """Read what the header of a DICOM file knows of its picture; of the file no more than the header is read.

    Raises:
        MissingFileError: there is no such file.
        UnreadableImageError: it is not DICOM, is damaged, or may not be read.
        ImageTooLargeError: its header is beyond the bounds.
    """
    with opened(path) as (file, size), named(str(path)):
        if not is_dicom(file.read(HEAD)):
            raise UnreadableImageError("this is not DICOM", "export it from the archive again")
        return _facts(file, size)


def facts_in(data: bytes, source: str) -> Facts | None:
    """Read what the header knows in the bytes of a file; None where they are no DICOM. Raises as `read_facts`."""
    with named(source):
        return _facts(io.BytesIO(data), len(data)) if is_dicom(data[:HEAD]) else None


def _facts(file: BinaryIO, size: int) -> Facts:
    try:
        with quiet():
            return facts_of(parse_header(file, size))
    except header_errors() as error:
        raise damaged() from error
