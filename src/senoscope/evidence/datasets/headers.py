"""What a DICOM file says of itself, without its pixels; hostile until read."""

import io
import struct
import warnings
from collections.abc import MutableSequence, Sequence
from pathlib import Path

from senoscope.core.errors import InputError, MissingFileError, UnreadableImageError, UnsupportedImageError

LARGEST_HEADER = 4 * 2**20
"""Bytes read from the start of a file: what lies before the pixels has a few kilobytes, seldom a few hundred."""

LONGEST_VALUE = 200
"""Characters kept of a value."""

DEFLATED = b"1.2.840.10008.1.2.1.99"


def read_header(path: Path, keywords: Sequence[str]) -> dict[str, str]:
    """Read some attributes of a DICOM file.

    Only the start of the file is read, and a deflated data set is refused: nothing grows in memory.

    Args:
        path: the file, with the preamble and the meta information of DICOM PS3.10.
        keywords: names of attributes, as in PS3.6 ("PatientID"). Of a code sequence ("ViewCodeSequence") the code value
            of its first item is taken, of other sequences nothing.

    Returns:
        The value of each keyword as one line of text, several values joined by a backslash as DICOM writes them; "" for
        an attribute that is absent or empty.

    Raises:
        InputError: there is no such file, or it is not DICOM, or its header is damaged or deflated.
    """
    from pydicom import dcmread
    from pydicom.errors import BytesLengthException, InvalidDicomError

    head = _head(path)
    if head[128:132] != b"DICM":
        raise UnreadableImageError(f"{path}: this is not DICOM", "is the download complete?")
    if DEFLATED in head:
        raise UnsupportedImageError(f"{path}: deflated DICOM is not read", "convert it to explicit VR little endian")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = dcmread(io.BytesIO(head), stop_before_pixels=True, specific_tags=list(keywords))
            return {keyword: _text(found.get(keyword)) for keyword in keywords}
    except (
        InvalidDicomError,
        BytesLengthException,
        EOFError,
        struct.error,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise _damaged(path, error) from error
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, OSError) as error:
        raise _damaged(path, error) from error


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise MissingFileError(f"{path}: there is no such file", "check the spelling")
        with path.open("rb") as file:
            return file.read(LARGEST_HEADER)
    except OSError as error:
        raise UnreadableImageError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error


def _damaged(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return UnreadableImageError(f"{path}: a damaged DICOM header ({reason})", "copy it and try again")


def _text(value: object) -> str:
    from pydicom.dataset import Dataset

    several = list(value) if isinstance(value, MutableSequence) else [value]
    if several and isinstance(several[0], Dataset):
        return _text(several[0].get("CodeValue"))
    line = " ".join("\\".join("" if item is None else str(item) for item in several).split())
    return "".join(sign for sign in line if sign.isprintable())[:LONGEST_VALUE]
