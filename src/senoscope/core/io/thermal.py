"""Thermograms as text: one temperature in °C a pixel, a line a row, as infrared cameras export them.

Such a file has no signature and any extension, so its kind is told by its first row: many numbers, nothing else, and a
decimal sign among them. A README beside the pictures, a table with a header and a list of whole numbers are not taken.
"""

import re

import numpy as np
from numpy.typing import NDArray

from senoscope.core.errors import ImageTooLargeError, UnreadableImageError
from senoscope.core.io.base import HEAD, Decoded, Limits, Reader, check_size

FULL_SCALE = 50.0
"""°C that stand for full scale: a matrix declares none, and with one for all the levels of two matrices compare."""

COLDEST, HOTTEST = -50.0, 150.0
"""°C that a camera in a consulting room can have seen; Kelvin, Fahrenheit and counts of a sensor fall outside."""

FEWEST = 16
"""Rows and columns below which numbers are a table rather than a picture."""

LONGEST_SIDE = 4096
_MOST = Limits(pixels=5_000_000, bytes=64_000_000)
_LONGEST_NUMBER = 24
_HINT = "export the matrix again in °C: numbers only, one line a row"
_MARK = b"\xef\xbb\xbf"
_ALPHABET = b"0123456789.,+-eE; \t\r\n"
_NUMBER = re.compile(rb"[+-]?(?:\d{1,4}(?:\.\d{0,12})?|nan|inf)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(rb"\d,\d{1,12}[ \t;]+[+-]?\d")
_EMPTY_CELL = re.compile(rb"[,;][ \t]*[,;]")


def is_matrix(head: bytes) -> bool:
    """Whether a file that starts like this holds rows of decimal numbers and nothing else."""
    rows = _spaced(head.removeprefix(_MARK)).splitlines()
    words = [row.split() for row in rows]
    if len(head) >= HEAD and words:
        words[-1] = words[-1][:-1]  # the cut may go through a number
    words = [row for row in words if row]
    return (
        bool(words)
        and len(words[0]) >= FEWEST
        and all(_NUMBER.fullmatch(word) for row in words for word in row)
        and any(b"." in word for word in words[0])
    )


def decode_thermal(data: bytes, limits: Limits) -> Decoded:
    """Temperatures in °C as float32 with full scale `FULL_SCALE`; blanks, tabs, commas or semicolons part the numbers.

    A comma is the decimal sign where something else parts the numbers and no point is used.
    """
    if len(data) > _MOST.bytes:
        raise ImageTooLargeError(f"the matrix is longer than {_MOST.bytes / 1e6:g} MB", "cut out the part")
    text = data.removeprefix(_MARK)
    if strange := text.translate(None, _ALPHABET):
        start = text.index(strange[:1])
        word = text[start : start + 12].split()[:1] or [strange[:1]]
        raise UnreadableImageError(f"the matrix holds {word[0].decode('ascii', 'replace')!r}, no temperature", _HINT)
    if _EMPTY_CELL.search(text):
        raise UnreadableImageError("the matrix has an empty cell", _HINT)
    rows = _spaced(text.rstrip()).splitlines()
    values = _parsed(rows, _width(rows, limits))
    coldest, hottest = float(values.min()), float(values.max())
    if not COLDEST <= coldest <= hottest <= HOTTEST:
        odd = coldest if coldest < COLDEST else hottest
        raise UnreadableImageError(f"the matrix holds {odd:g}, outside {COLDEST:g} to {HOTTEST:g} °C", _HINT)
    return Decoded(values.astype(np.float32), FULL_SCALE)


def _spaced(text: bytes) -> bytes:
    """Part the numbers by blanks and write decimal signs as points."""
    comma = b"." if b"." not in text and _DECIMAL_COMMA.search(text) else b" "
    return text.replace(b",", comma).replace(b";", b" ")


def _width(rows: list[bytes], limits: Limits) -> int:
    """Count the numbers of the first row, having bounded rows and columns before anything is parsed."""
    longest = LONGEST_SIDE * _LONGEST_NUMBER
    width = len(rows[0].split()) if rows and len(rows[0]) <= longest else 0
    if max(len(rows), width) > LONGEST_SIDE or any(len(row) > longest for row in rows):
        raise ImageTooLargeError(f"the matrix has more than {LONGEST_SIDE} rows or columns", "cut out the part")
    if min(len(rows), width) < FEWEST:
        raise UnreadableImageError(f"the matrix has {len(rows)} rows of {width} numbers, too few for a picture", _HINT)
    check_size(width, len(rows), limits)
    check_size(width, len(rows), _MOST)
    return width


def _parsed(rows: list[bytes], width: int) -> NDArray[np.float64]:
    for number, row in enumerate(rows, 1):
        if (found := len(row.split())) != width:
            raise UnreadableImageError(f"row {number} of the matrix has {found} numbers, the first {width}", _HINT)
    try:
        return np.loadtxt([row.decode("ascii") for row in rows], np.float64, comments=None, ndmin=2)
    except ValueError as error:
        raise UnreadableImageError("the matrix holds something that is not a number", _HINT) from error


READERS = (Reader("temperature matrix", (), (), decode_thermal, is_matrix),)
