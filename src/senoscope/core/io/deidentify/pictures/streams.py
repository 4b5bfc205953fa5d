"""What compressed pixel data says beside the picture: comments, Exif and other blocks in its frames are overwritten.

Lengths stay, so that offsets of frames do; decoders skip what is overwritten.
"""

import re
import struct
from collections.abc import Iterator

from senoscope.core.errors import UnsupportedImageError
from senoscope.core.io.base import broken

JPEG = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 52, 53, 54, 55, 56, 57, 70, 80, 81))
JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 92, 93, 201, 202, 203))
RUN_LENGTHS = "1.2.840.10008.1.2.5"
"""Run lengths hold pixels and nothing else."""

_UNDEFINED = 0xFFFFFFFF
_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_START, _END, _SCAN, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_KEPT = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xE8: b"SPIFF\0", 0xEE: b"Adobe"}
"""Application blocks that decoders need, and what they begin with."""
_JFIF = 14
_CODESTREAM, _TILE, _DATA, _STREAM_END, _NOTE = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9, 0xFF64


def silenced(data: bytes, syntax: str) -> bytes:
    """Overwrite whatever the frames of encapsulated pixel data say in words.

    Args:
        data: value of the element: items, the first of which is the table of offsets.
        syntax: UID of the transfer syntax.

    Raises:
        UnsupportedImageError: frames of a kind that cannot be looked through, such as film.
        UnreadableImageError: the items do not fit, or the frames are no pictures of their kind.
    """
    if syntax == RUN_LENGTHS:
        return data
    if syntax not in JPEG + JPEG_2000:
        raise UnsupportedImageError("compressed in a way that may hold words beside the picture", "decompress it first")
    places = list(_fragments(data))[1:]
    frames = bytearray(b"".join(data[start:end] for start, end in places))
    try:
        (_silence_jpeg if syntax in JPEG else _silence_2000)(frames)
    except (IndexError, struct.error) as error:
        raise broken("DICOM") from error
    result, position = bytearray(data), 0
    for start, end in places:
        result[start:end] = frames[position : position + end - start]
        position += end - start
    return bytes(result)


def _fragments(data: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    while position + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHL", data, position)
        if (group, element) == (0xFFFE, 0xE0DD):
            return
        end = position + 8 + length
        if (group, element) != (0xFFFE, 0xE000) or length == _UNDEFINED or end > len(data):
            raise broken("DICOM")
        yield position + 8, end
        position = end


def _blank(frames: bytearray, start: int, end: int) -> None:
    frames[start:end] = bytes(max(0, min(end, len(frames)) - start))


def _silence_jpeg(frames: bytearray) -> None:
    """Go from marker to marker (ITU-T T.81 annex B, T.87 annex C), and blank what lies between pictures."""
    position = 0
    while (start := frames.find(b"\xff\xd8", position)) >= 0:
        _blank(frames, position, start)
        position = _one_jpeg(frames, start + 2)
    if position == 0 and frames:
        raise broken("JPEG")
    _blank(frames, position, len(frames))


def _one_jpeg(frames: bytearray, position: int) -> int:
    """Blank the blocks of one picture; returns where it ends."""
    scanned = False
    while found := _MARKER.search(frames, position):
        marker, position = frames[found.start() + 1], found.end()
        if marker in (_END, _START):  # a picture without an end ends where the next one starts
            position = position if marker == _END else found.start()
            break
        scanned |= marker == _SCAN
        length = struct.unpack_from(">H", frames, position)[0]
        if marker == _COMMENT or 0xE0 <= marker <= 0xEF:
            kept = _KEPT.get(marker, b"\xff" * 16)
            first = frames[position + 2 : position + 2 + len(kept)] == kept
            if not first:
                _blank(frames, position + 2, position + length)
            elif marker == 0xE0:  # a thumbnail may follow
                _blank(frames, position + 2 + _JFIF, position + length)
        position += length
    else:
        position = len(frames)
    if not scanned:
        raise broken("JPEG")
    return position


def _silence_2000(frames: bytearray) -> None:
    """Blank comments in the headers of codestream and tiles (ITU-T T.800 annex A), and what lies between pictures."""
    position = 0
    while (start := frames.find(b"\xff\x4f\xff\x51", position)) >= 0:
        _blank(frames, position, start)
        position = _one_2000(frames, start + 2)
    if position == 0 and frames:
        raise broken("JPEG 2000")
    _blank(frames, position, len(frames))


def _one_2000(frames: bytearray, position: int) -> int:
    part_end = 0
    while position + 2 <= len(frames):
        marker = struct.unpack_from(">H", frames, position)[0]
        if marker == _STREAM_END:
            return position + 2
        if marker == _DATA:
            position = part_end
            continue
        length = struct.unpack_from(">H", frames, position + 2)[0]
        if marker < _CODESTREAM:
            raise broken("JPEG 2000")
        if marker == _TILE:
            size = struct.unpack_from(">L", frames, position + 6)[0]
            part_end = position + size if size else _last_end(frames, position)
            if part_end <= position:
                raise broken("JPEG 2000")
        elif marker == _NOTE:
            # The two bytes behind the length say whether text or data follows.
            _blank(frames, position + 6, position + 2 + length)
        position += 2 + length
    if not part_end:
        raise broken("JPEG 2000")
    return len(frames)


def _last_end(frames: bytearray, position: int) -> int:
    found = frames.find(b"\xff\xd9", position)
    return found if found >= 0 else len(frames)
