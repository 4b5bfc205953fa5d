"""How a picture lies, by its Exif orientation; read by hand because Pillow warns on other broken tags of the block."""

import struct

import numpy as np

from senoscope.core.domain.image import Pixels

ORIENTATION = 0x0112
TURNED = "turned upright as its Exif orientation says"

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_MOST_TAGS = 1000


def orientation(block: bytes) -> int:
    """Return the orientation (Exif 2.32, tag 0x0112) of an Exif block, 1 to 8; 1 where it says nothing sensible.

    Args:
        block: TIFF structure, with or without the word Exif and two zero bytes before it.
    """
    block = block.removeprefix(b"Exif\0\0")
    order = _ORDERS.get(block[:4], "")
    if not order or len(block) < 8:
        return 1
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    if start + 2 > len(block):
        return 1
    (count,) = struct.unpack_from(f"{order}H", block, start)
    for entry in range(min(count, _MOST_TAGS)):
        offset = start + 2 + 12 * entry
        if offset + 12 > len(block):
            return 1
        tag, kind, number, value = struct.unpack_from(f"{order}HHIH", block, offset)
        if tag == ORIENTATION:
            return value if (kind, number) == (3, 1) and 1 <= value <= 8 else 1
    return 1


def upright(pixels: Pixels, value: int) -> Pixels:
    """Turn and mirror (H, W) or (H, W, 3) pixels so that the first row is the top, by an orientation of 1 to 8."""
    if value >= 5:
        pixels = pixels.swapaxes(0, 1)
    if value in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if value in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
