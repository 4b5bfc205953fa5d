"""From a DICOM file to its header and the place of its pixels; hostile until parsed.

DICOM PS3.10 7.1 (preamble and meta information), PS3.5 7.1 (elements) and A (transfer syntaxes).
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from senoscope.core.errors import ImageTooLargeError, InputError
from senoscope.core.io.base import SAVE_AGAIN
from senoscope.core.io.dicom.guard import (
    DIRECTORY,
    LONGEST_HEADER,
    PICTURE,
    Bounds,
    Guard,
    cut_short,
    damaged,
    header_errors,
)
from senoscope.core.io.dicom.tags import tags
from senoscope.core.io.dicom.values import text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"

LARGEST_INFLATED = 256 * 2**20
"""Bytes that a deflated file may become; the largest mammograms have 60 MB."""

UNDEFINED = 0xFFFFFFFF
_PREAMBLE = 128
_META = 0x0002
_PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}


@dataclass(frozen=True)
class PixelElement:
    """Where the pixels lie.

    Args:
        keyword: PixelData or one of its kin of floating point.
        representation: DICOM's VR, "" where the file does not say it.
        start: first byte of the value.
        length: bytes of it; `UNDEFINED` for what is compressed.
    """

    keyword: str
    representation: str
    start: int
    length: int


@dataclass(frozen=True)
class Parsed:
    """A header.

    Args:
        header: the attributes of `tags` that lie before the pixels.
        syntax: UID of the transfer syntax; of a file that does not say it, the one it is written in.
        sop_class: UID of the kind of object; "" where the file does not say it.
        pixels: where they are; None for an object that has none.
        content: the file, inflated where it is deflated; empty where only the header was asked for.
    """

    header: "Dataset"
    syntax: str
    sop_class: str
    pixels: PixelElement | None
    content: bytes = b""

    @property
    def little(self) -> bool:
        """Whether numbers are written with the low byte first."""
        return self.syntax != BIG_ENDIAN

    def value(self) -> memoryview:
        """Return the bytes of the pixels, where they are compressed up to the end of the file; fewer if it is cut."""
        assert self.pixels is not None
        start, length = self.pixels.start, self.pixels.length
        return memoryview(self.content)[start : None if length == UNDEFINED else start + length]


def is_dicom(head: bytes) -> bool:
    """Whether a file that starts like this is DICOM: by the word at byte 128, or by its first two elements.

    Files older than PS3.10 start with an element. It is of group 2 or 8, its representation is a known one or its
    length is short, and the next element has a higher tag.
    """
    if head[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return True
    first = _element(head, 0)
    if first is None or first[0] >> 16 not in (_META, 0x0008) or first[1] > 256:
        return False
    second = _element(head, first[2] + first[1])
    return second is not None and first[0] < second[0] < 0x00200000


def parse(data: bytes) -> Parsed:
    """Read a header up to the pixels, from the bytes of a whole file, which are kept.

    Called within `quiet`, as every look into the header is.

    Raises:
        UnreadableImageError: it is damaged or cut short.
        ImageTooLargeError: its header is beyond the bounds, or it inflates to more than `LARGEST_INFLATED`.
    """
    return _parsed(BytesIO(data), len(data), data)


def parse_header(file: BinaryIO, size: int) -> Parsed:
    """Read a header up to the pixels, and no more of the file.

    Called within `quiet`, as every look into the header is.

    Args:
        file: that can seek.
        size: its bytes.

    Raises:
        UnreadableImageError: it is damaged or cut short.
        ImageTooLargeError: its header is beyond the bounds.
    """
    return _parsed(file, size, None)


def parse_directory(file: BinaryIO, size: int) -> Parsed:
    """Read a DICOMDIR, whose bounds are wider; called and refusing as `parse_header` is."""
    return _parsed(file, size, None, DIRECTORY)


def _parsed(file: BinaryIO, size: int, data: bytes | None, bounds: Bounds = PICTURE) -> Parsed:
    guard = Guard(file, size, bounds)
    try:
        meta = _meta(guard)
        syntax = text(meta, "TransferSyntaxUID")
        if syntax == DEFLATED:
            whole = data is not None
            data = _inflated(file, whole)
            guard = Guard(BytesIO(data), len(data), bounds)
        header, pixels = _header(guard, syntax or _guessed(guard))
    except InputError:
        raise
    except header_errors() as error:
        raise guard.refusal or damaged() from error
    if guard.refusal:
        raise guard.refusal
    sop_class = text(header, "SOPClassUID") or text(meta, "MediaStorageSOPClassUID")
    if pixels is None and "Rows" in header:
        raise cut_short()  # between two elements, so that it parses
    return Parsed(header, syntax or _written(header), sop_class, pixels, data or b"")


def _meta(guard: Guard) -> "Dataset":
    """Read the meta information, leaving the guard behind it; empty where there is none."""
    guard.seek(0)
    if guard.read(min(_PREAMBLE + 4, guard.size))[_PREAMBLE:] != b"DICM":
        guard.seek(0)
    return _dataset(guard, EXPLICIT, lambda tag, _, __: tag >> 16 != _META)


def _header(guard: Guard, syntax: str) -> "tuple[Dataset, PixelElement | None]":
    found: list[PixelElement] = []

    def at_pixels(tag: int, representation: str | None, length: int) -> bool:
        if tag in _PIXELS:
            found.append(PixelElement(_PIXELS[tag], representation or "", guard.tell(), length))
        return tag in _PIXELS

    header = _dataset(guard, syntax, at_pixels)
    return header, found[-1] if found else None


def _dataset(guard: Guard, syntax: str, stop: Callable[[int, str | None, int], bool]) -> "Dataset":
    from pydicom.filereader import read_dataset

    file, wanted = cast(BinaryIO, guard), list(tags())
    return read_dataset(file, syntax == IMPLICIT, syntax != BIG_ENDIAN, stop_when=stop, specific_tags=wanted)


def _guessed(guard: Guard) -> str:
    """Return how a data set is written that no meta information describes, by its first element."""
    start = guard.tell()
    head = guard.read(8)
    guard.seek(start)
    first = _element(head, 0)
    if first is None or not head[4:6].isalpha():
        return IMPLICIT
    return BIG_ENDIAN if head[0] < head[1] else EXPLICIT


def _written(header: "Dataset") -> str:
    implicit, little = header.original_encoding
    return IMPLICIT if implicit else EXPLICIT if little else BIG_ENDIAN


def _inflated(file: BinaryIO, whole: bool) -> bytes:
    """Inflate what follows the meta information, or as much of it as a header takes (PS3.5 A.5)."""
    bound = LARGEST_INFLATED if whole else LONGEST_HEADER
    content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(bound), bound)
    if whole and len(content) == bound:
        raise ImageTooLargeError(f"the deflated DICOM file holds more than {bound / 1e6:.0f} MB", SAVE_AGAIN)
    return content


def _element(head: bytes, start: int) -> tuple[int, int, int] | None:
    """Return tag, length of the value and where it starts, of an element in any transfer syntax; None if it is none."""
    part = head[start : start + 12]
    if len(part) < 8:
        return None
    order: Literal["big", "little"] = "big" if part[0] == 0 and part[1] else "little"
    group, number = (int.from_bytes(part[at : at + 2], order) for at in (0, 2))
    tag = group << 16 | number
    if not (part[4:6].isalpha() and part[4:6].isupper()):
        return tag, int.from_bytes(part[4:8], "little"), start + 8
    if part[4:6] in (b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"UC", b"UR", b"OD", b"OL", b"OV"):
        return tag, int.from_bytes(part[8:12], order), start + 12
    return tag, int.from_bytes(part[6:8], order), start + 8
