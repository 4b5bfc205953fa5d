"""Pictures of what is marked: the image with the outlines drawn on it, and the mask alone."""

import colorsys
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.runtime.outputs.overlay import eight_bit, png

ORANGE = (252, 165, 10)
"""Colour of the one thing that is marked."""

FINE = 250
"""A line is as wide as a pixel for every so many of the picture's shorter side."""


def outline_png(image: Image, codes: NDArray[np.uint8]) -> bytes:
    """The picture with a line along the inner edge of every region.

    Args:
        image: the picture.
        codes: (H, W) label of each of its pixels; 0 is left as it is.
    """
    shown, line = eight_bit(image), _edges(codes)
    for _ in range(round(min(codes.shape) / FINE) - 1):
        line |= _shifted(line)
    line &= codes > 0
    for code in np.unique(codes[line]):
        shown[line & (codes == code)] = colour(int(code))
    return png(shown)


def mask_png(codes: NDArray[np.uint8], labels: int) -> bytes:
    """The mask alone, of the size of the image.

    Of two labels grey, 0 and 255; of more the code of each pixel, with a palette of the colours of `outline_png`, so
    that programs read codes and people see them.
    """
    if labels == 2:
        return png(np.asarray(codes > 0, np.uint8) * np.uint8(255))
    picture, buffer = Pil.fromarray(codes).convert("P"), io.BytesIO()
    picture.putpalette([level for code in range(256) for level in (colour(code) if code else (0, 0, 0))])
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def shares_csv(codes: NDArray[np.uint8], labels: tuple[str, ...]) -> str:
    """What each code is and how much of the picture it takes: label, code, colour in hex, pixels and share."""
    counts = np.bincount(codes.ravel(), minlength=len(labels))
    lines = [
        f"{label},{code},#{bytes(colour(code) if code else (0, 0, 0)).hex()},{count},{count / codes.size:.6f}"
        for code, (label, count) in enumerate(zip(labels, counts, strict=True))
    ]
    return "\n".join(["label,code,colour,pixels,share", *lines]) + "\n"


def _edges(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with a neighbour across a side that has another code."""
    found = np.zeros(codes.shape, np.bool_)
    for here, there in ((codes, found), (codes.T, found.T)):
        other = here[1:] != here[:-1]
        there[1:] |= other
        there[:-1] |= other
    return found


def _shifted(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The neighbours of a mask's pixels across a side."""
    found = np.zeros_like(mask)
    for here, there in ((mask, found), (mask.T, found.T)):
        there[1:] |= here[:-1]
        there[:-1] |= here[1:]
    return found


def colour(code: int) -> tuple[int, ...]:
    """RGB of a label: orange first; further hues by the golden ratio, so that neighbours differ however many."""
    if code == 1:
        return ORANGE
    hue = colorsys.hsv_to_rgb((0.11 + 0.618034 * (code - 1)) % 1, 0.9, 1)
    return tuple(round(255 * part) for part in hue)
