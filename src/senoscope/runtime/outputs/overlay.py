"""Pictures of the evidence: the image, the image with its saliency laid over, the saliency alone."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image

ANCHORS = np.array([[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]], float)
"""Colours of matplotlib's `inferno` at 0, 20, … 100 %: even in lightness, safe for colour blindness."""
VISIBLE = 0.15
"""Saliency below this is left uncovered, so that the picture stays readable where there is no evidence."""

_RUNS = 3
"""zlib's strategy Z_RLE, which looks for runs of one byte alone."""

STRIP = 512
"""Rows mixed at a time: in floating point, a whole picture of 100 megapixels would take gigabytes."""


def _colors(saliency: NDArray[np.float32]) -> NDArray[np.uint8]:
    stops = np.linspace(0, 1, len(ANCHORS))
    table = np.stack([np.interp(np.linspace(0, 1, 256), stops, ANCHORS[:, channel]) for channel in range(3)], axis=1)
    colors: NDArray[np.uint8] = table.astype(np.uint8)[(np.clip(saliency, 0, 1) * 255).astype(np.uint8)]
    return colors


def _cover(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of each pixel that is covered, 0 to 1."""
    cover: NDArray[np.float32] = np.clip((saliency - VISIBLE) / (1 - VISIBLE), 0, 1).astype(np.float32)
    return cover


def eight_bit(image: Image) -> NDArray[np.uint8]:
    """(H, W, 3) for display: full scale becomes 255, by division, whatever the picture holds."""
    pixels = image.pixels if image.pixels.ndim == 3 else np.repeat(image.pixels[..., None], 3, axis=2)
    if image.maximum == 255 and pixels.dtype == np.uint8:
        return pixels.copy()
    shown: NDArray[np.uint8] = np.clip(np.rint(pixels.astype(np.float32) * (255 / image.maximum)), 0, 255).astype(
        np.uint8
    )
    return shown


def display_png(image: Image) -> bytes:
    """The picture itself as an 8-bit PNG."""
    return png(eight_bit(image))


def heat_png(saliency: NDArray[np.float32]) -> bytes:
    """The evidence alone: RGBA of the image's size, transparent where there is none.

    Args:
        saliency: (H, W) in [0, 1].
    """
    alpha = np.rint(_cover(saliency) * 255).astype(np.uint8)
    return png(np.dstack([_colors(saliency), alpha]))


def overlay_png(image: Image, saliency: NDArray[np.float32], opacity: float = 0.45) -> bytes:
    """The picture with the evidence laid over it, as `overlaid` gives it, as a PNG file."""
    return png(overlaid(image, saliency, opacity))


def overlaid(image: Image, saliency: NDArray[np.float32], opacity: float = 0.45) -> NDArray[np.uint8]:
    """(H, W, 3), the picture with the evidence laid over it.

    Args:
        image: the picture.
        saliency: (H, W) in [0, 1], over the image as stored.
        opacity: share of the colour where the evidence is strongest, 0 to 1.
    """
    mixed = eight_bit(image)
    for top in range(0, len(mixed), STRIP):
        rows = slice(top, top + STRIP)
        cover = (_cover(saliency[rows]) * opacity)[..., None]
        mixed[rows] = np.rint(mixed[rows] * (1 - cover) + _colors(saliency[rows]) * cover)
    return mixed


def png(pixels: NDArray[np.uint8], *, quick: bool = False) -> bytes:
    """8-bit pixels (H, W) or (H, W, 3 or 4) as a PNG file; where `quick`, in a third of the time.

    Of photographs a quick file is a few percent larger: little repeats in them beyond runs of one byte.
    """
    buffer = io.BytesIO()
    Pil.fromarray(pixels).save(buffer, "PNG", compress_type=_RUNS if quick else -1)
    return buffer.getvalue()
