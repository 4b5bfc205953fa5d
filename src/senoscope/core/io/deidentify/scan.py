"""A walk over the bones of a DICOM file before anything is read: bounds on size, depth and number, and where it ends.

Nothing is trusted: lengths, nesting and a deflated stream are followed only as far as the bounds go. The walk keeps a
list instead of recursing, so that no file can exhaust the stack.
"""

import struct
import zlib
from dataclasses import dataclass, field
from functools import cache

from senoscope.core.errors import ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from senoscope.core.io.base import broken

MOST_ELEMENTS = 200_000
"""Elements and items of one file, at all depths."""

DEEPEST = 32
"""Sequences within each other; the standard's own objects need fewer than ten."""

LARGEST_ELEMENT = 100_000_000
"""Bytes of one element that is not pixel data."""

LARGEST_INFLATED = 400_000_000
"""Bytes that a deflated file may come to."""

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS = 0x7FE00010


@dataclass
class _Level:
    """A dataset, an item, a sequence or the fragments of pixel data that the walk is in.

    Args:
        holds: elements, items or fragments.
        end: where it ends; None where a delimiter says so.
        implicit: whether its elements name no VR.
    """

    holds: str
    end: int | None
    implicit: bool
    little: bool


@dataclass
class Walk:
    """The walk over one dataset.

    Args:
        data: the bytes, or a map of the file.
        position: where the dataset begins.
        implicit: whether elements name no VR.
        little: whether the least significant byte comes first.
    """

    data: "bytes | memoryview"
    position: int
    implicit: bool
    little: bool
    count: int = 0
    _levels: list[_Level] = field(default_factory=list)

    def end(self) -> int:
        """Return where the dataset ends: what lies behind belongs to no element.

        Raises:
            UnreadableImageError: lengths that do not fit.
            UnsupportedImageError: too deep nesting.
            ImageTooLargeError: more elements than the bound, or one that is too large.
        """
        self._levels = [_Level("elements", len(self.data), self.implicit, self.little)]
        good, last, over = self.position, -1, False
        while self._levels:
            top = len(self._levels) == 1
            if top:
                good = self.position
            try:
                tag = self._step()
            except (UnreadableImageError, struct.error) as error:
                if over and top:
                    return good
                raise broken("DICOM") from error
            # Whatever follows the pixels out of order was put behind the dataset.
            if top and tag is not None:
                if over and tag <= last:
                    return good
                last, over = tag, over or tag >> 16 == 0x7FE0
        return self.position

    def _step(self) -> int | None:
        """Go over one header, and into or over what it heads; returns its tag unless a level ended."""
        level = self._levels[-1]
        if level.end is not None and self.position >= level.end:
            if self.position > level.end:
                raise broken("DICOM")
            self._levels.pop()
            return None
        self.count += 1
        if self.count > MOST_ELEMENTS:
            raise ImageTooLargeError(f"holds more than {MOST_ELEMENTS:,} elements", "split it into smaller objects")
        if level.holds == "elements":
            return self._element(level)
        self._item(level)
        return None

    def _item(self, level: _Level) -> None:
        tag, length = self._plain(level)
        if tag == _SEQUENCE_END:
            self._levels.pop()
        elif tag != _ITEM:
            raise broken("DICOM")
        elif level.holds == "fragments":
            self._over(length)
        else:
            self._into("elements", length, level.implicit, level.little)

    def _element(self, level: _Level) -> int | None:
        start = self.position
        tag, length = self._plain(level)
        if tag == _ITEM_END and len(self._levels) > 1:
            self._levels.pop()
            return None
        vr = b""
        if not level.implicit and tag >> 16 != 0xFFFE:
            vr = bytes(self.data[start + 4 : start + 6])
            # Some writers fall back to implicit elements in the middle of a file; pydicom reads them so.
            if b"AA" <= vr <= b"ZZ" and vr.isalpha():
                length = self._explicit_length(start, vr, level.little)
        if length == _UNDEFINED:
            unknown = vr == b"UN"
            fragments = tag == _PIXELS or vr in (b"OB", b"OW")
            holds = "fragments" if fragments else "items"
            self._into(holds, length, level.implicit or unknown, level.little or unknown)
        elif vr == b"SQ" or (vr in (b"", b"UN") and _is_sequence(tag)):
            self._into("items", length, level.implicit or vr == b"UN", level.little or vr == b"UN")
        else:
            self._over(length)
            if length > LARGEST_ELEMENT and tag >> 16 != 0x7FE0:
                raise ImageTooLargeError(f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) is too large", "leave it out")
        return tag

    def _plain(self, level: _Level) -> tuple[int, int]:
        order = "<" if level.little else ">"
        group, element, length = struct.unpack_from(f"{order}HHL", self.data, self.position)
        self.position += 8
        return group << 16 | element, length

    def _explicit_length(self, start: int, vr: bytes, little: bool) -> int:
        order = "<" if little else ">"
        if vr not in _LONG:
            return int(struct.unpack_from(f"{order}H", self.data, start + 6)[0])
        self.position = start + 12
        return int(struct.unpack_from(f"{order}L", self.data, start + 8)[0])

    def _into(self, holds: str, length: int, implicit: bool, little: bool) -> None:
        if len(self._levels) > 2 * DEEPEST:
            raise UnsupportedImageError(f"sequences more than {DEEPEST} deep", "the standard has no such object")
        end = None if length == _UNDEFINED else self._within(length)
        self._levels.append(_Level(holds, end, implicit, little))

    def _over(self, length: int) -> None:
        self.position = self._within(length)

    def _within(self, length: int) -> int:
        end = self.position + length
        if end > next(level.end for level in reversed(self._levels) if level.end is not None):
            raise broken("DICOM")
        return end


def inflated(data: "bytes | memoryview") -> bytes:
    """Inflate a dataset (PS3.5 A.5), up to `LARGEST_INFLATED` bytes.

    Raises:
        ImageTooLargeError: it comes to more.
        UnreadableImageError: it does not inflate.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = stream.decompress(data, LARGEST_INFLATED + 1)
    except zlib.error as error:
        raise broken("DICOM") from error
    if len(found) > LARGEST_INFLATED:
        most = f"{LARGEST_INFLATED / 1e6:g} MB"
        raise ImageTooLargeError(f"inflates to more than {most}", "write it without deflating")
    if not stream.eof:
        raise broken("DICOM")
    return found


@cache
def _is_sequence(tag: int) -> bool:
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return False
