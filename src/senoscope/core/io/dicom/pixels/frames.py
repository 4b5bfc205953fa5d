"""The bytes of one frame: where nothing is compressed by its place, else from the fragments (DICOM PS3.5 A.4)."""

import struct

import numpy as np
from numpy.typing import NDArray

from senoscope.core.errors import UnreadableImageError, UnsupportedImageError
from senoscope.core.io.dicom.guard import COPY_AGAIN, cut_short, damaged
from senoscope.core.io.dicom.parsing import UNDEFINED, Parsed
from senoscope.core.io.dicom.pixels.layout import Layout

MOST_FRAGMENTS = 100_000

_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
"""First bytes of JPEG and JPEG-LS, and of JPEG 2000."""


def native_frame(parsed: Parsed, layout: Layout, frame: int) -> tuple[NDArray[np.uint8], int]:
    """Return the bytes that hold a frame, and how many bits of the first belong to the one before.

    Raises:
        UnreadableImageError: the file ends before the frame does, or says at once that it is and is not compressed.
    """
    assert parsed.pixels is not None
    if parsed.pixels.length == UNDEFINED:
        raise UnreadableImageError("the DICOM file says its pixels are not compressed, and they are", COPY_AGAIN)
    halved = layout.photometric == "YBR_FULL_422"
    bits = layout.numbers * layout.allocated * (2 if halved else 3) // 3
    first, last, value = frame * bits, (frame + 1) * bits, parsed.value()
    if last > 8 * len(value):
        raise cut_short()
    start, end = first // 8, (last + 7) // 8
    in_words = not parsed.little and layout.allocated == 8 and parsed.pixels.representation == "OW"
    return _swapped(value, start, end) if in_words else np.frombuffer(value[start:end], np.uint8), first % 8


def _swapped(value: memoryview, start: int, end: int) -> NDArray[np.uint8]:
    """Put single bytes in order that are written in words of two, high byte first (PS3.5 A.3)."""
    words = np.frombuffer(value[: len(value) // 2 * 2], ">u2")[start // 2 : (end + 1) // 2]
    return words.astype("<u2").view(np.uint8)[start % 2 : start % 2 + end - start]


def encoded_frame(parsed: Parsed, layout: Layout, frame: int) -> bytes:
    """Return the compressed bytes of a frame.

    Raises:
        UnreadableImageError: the file ends before the frame does, or is damaged.
        UnsupportedImageError: nothing tells which of the fragments are the frame's.
    """
    assert parsed.pixels is not None
    if parsed.pixels.length != UNDEFINED:
        raise UnreadableImageError("the DICOM file says its pixels are compressed, and they are not", COPY_AGAIN)
    offsets, fragments = _fragments(parsed.value())
    if layout.frames == 1:
        mine = fragments
    elif len(fragments) == layout.frames:
        mine = fragments[frame : frame + 1]
    else:
        start, end = _span(offsets, fragments, layout.frames, frame)
        mine = [one for one in fragments if start <= one[0] < end]
    return b"".join(part for _, part in mine)


def _fragments(value: memoryview) -> tuple[tuple[int, ...], list[tuple[int, memoryview]]]:
    """Return the table of offsets and the fragments, each with its own offset, which counts from the first one."""
    found: list[tuple[int, memoryview]] = []
    position = 0
    while position + 8 <= len(value):
        group, number, length = struct.unpack_from("<HHI", value, position)
        if (tag := group << 16 | number) == _END:
            break
        if tag != _ITEM:
            raise damaged("its compressed pixels are not in fragments")
        if position + 8 + length > len(value):
            raise cut_short()
        if len(found) > MOST_FRAGMENTS:
            raise damaged(f"its pixels are in more than {MOST_FRAGMENTS:,} fragments")
        found.append((position, value[position + 8 : position + 8 + length]))
        position += 8 + length
    if len(found) < 2:
        raise cut_short()
    table = found[0][1]
    start = found[1][0]
    offsets = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
    return offsets, [(place - start, part) for place, part in found[1:]]


def _span(
    offsets: tuple[int, ...], fragments: list[tuple[int, memoryview]], frames: int, frame: int
) -> tuple[int, int]:
    """Tell frames of several fragments apart by the table of offsets, else by how a picture starts."""
    starts = offsets or tuple(place for place, part in fragments if bytes(part[:4]).startswith(_STARTS))
    if len(starts) != frames or list(starts) != sorted(set(starts)):
        what = f"of {frames} frames in {len(fragments)} fragments nothing tells which is which"
        raise UnsupportedImageError(what, COPY_AGAIN)
    return starts[frame], (*starts, fragments[-1][0] + 1)[frame + 1]
