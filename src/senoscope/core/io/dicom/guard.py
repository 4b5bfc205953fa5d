"""What keeps a hostile header from costing time or memory: bounds on reading, and one voice for what pydicom raises."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from senoscope.core.errors import ImageTooLargeError, InputError, UnreadableImageError
from senoscope.core.io.base import DECODER_ERRORS, SAVE_AGAIN

LONGEST_HEADER = 32 * 2**20
"""Bytes of the header that are read; values that nobody asks for are skipped and do not count."""

COPY_AGAIN = "copy or export it again"

_PARTS = (2, 4, 8)
"""Bytes of tags, representations and lengths, which are missing where a file ends and nothing follows."""

_LOCK = threading.Lock()


@dataclass(frozen=True)
class Bounds:
    """On what is read of a header.

    Args:
        value: bytes of one value; a table of grey levels has 128 kB, the notes on 1,000 frames 1 MB.
        reads: steps of reading, two or three an element; a header of 1,000 frames takes 100,000.
    """

    value: int = 4 * 2**20
    reads: int = 200_000


PICTURE = Bounds()
DIRECTORY = Bounds(value=8 * 2**20, reads=1_000_000)
"""A DICOMDIR has about 400 bytes and 50 steps a picture."""


@cache
def header_errors() -> tuple[type[Exception], ...]:
    """Return what pydicom raises on a broken header; none of it reaches a user."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (*DECODER_ERRORS, BytesLengthException, InvalidDicomError)


class Guard:
    """A file of which pydicom reads the header, within bounds.

    It refuses before memory is taken: a value that claims to be longer than the file, one longer than a header's values
    are, and elements without end. pydicom hides some errors behind others, so the refusal is kept too.

    Args:
        file: that can seek.
        size: its bytes.
        bounds: on what is read.
    """

    def __init__(self, file: BinaryIO, size: int, bounds: Bounds = PICTURE) -> None:
        self.refusal: InputError | None = None
        self.size = size
        self._file, self._bounds = file, bounds
        self._read = self._reads = 0

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def seek(self, position: int, whence: int = 0) -> int:
        """Move within the file; raises `UnreadableImageError` for a place beyond its end."""
        if (there := self._file.seek(position, whence)) > self.size:
            raise self._refused(cut_short())
        return there

    def read(self, count: int = -1) -> bytes:
        """Read so many bytes; raises an `InputError` beyond the bounds."""
        self._reads += 1
        self._read += max(count, 0)
        if self._reads > self._bounds.reads:
            raise self._refused(too_long(f"more than {self._bounds.reads // 3:,} elements"))
        if count in _PARTS:
            return self._file.read(count)
        if not 0 <= count <= self.size - self._file.tell():
            raise self._refused(cut_short())
        if count > self._bounds.value:
            raise self._refused(too_long(f"a value of {count / 1e6:.0f} MB"))
        if self._read > LONGEST_HEADER:
            raise self._refused(too_long(f"more than {LONGEST_HEADER / 1e6:.0f} MB"))
        return self._file.read(count)

    def _refused(self, error: InputError) -> InputError:
        self.refusal = error
        return error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's remarks on odd files from users.

    One thread at a time: Python keeps what is muted in one place for all. Only headers are read in here, which is
    Python's own work and gains nothing from several threads; pixels are decoded outside.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def cut_short() -> UnreadableImageError:
    """Return the error for a file that ends before what it announces."""
    return UnreadableImageError("the DICOM file is cut short", COPY_AGAIN)


def damaged(what: str = "") -> UnreadableImageError:
    """Return the error for a file that does not parse, with what is wrong where that is known."""
    return UnreadableImageError(f"the DICOM file is damaged{what and f': {what}'}", COPY_AGAIN)


def too_long(what: str) -> ImageTooLargeError:
    """Return the error for a header beyond the bounds."""
    return ImageTooLargeError(f"the header of the DICOM file holds {what}", SAVE_AGAIN)
