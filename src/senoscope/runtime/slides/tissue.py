"""What of a slide is tissue, what is ink, and which tiles are blurred.

Tissue is where colour is: above Otsu's threshold of chroma (Otsu 1979, doi:10.1109/TSMC.1979.4310076) on a picture of
the slide of some 16 µm per pixel, specks taken off and holes filled. H&E stain is red to violet, so green is never
above red in it: what is green, cyan or a blue without violet was drawn by a pen, and so was what is black.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.io.slide import Rgb, SlideReader
from senoscope.core.preprocess.body import otsu
from senoscope.runtime.slides.shapes import Mask, grown, without_holes, without_specks

MICRONS = 16.0
"""Per pixel of the picture that tissue is sought in."""

SIDES = (512, 4096)
"""Least and most pixels of that picture's longer side."""

LEAST_CHROMA = 14.0
"""Of 255; greyer than this is glass, whatever Otsu's threshold says: a bare slide has no tissue."""

MOST_CHROMA = 60.0
"""More colourful than this is tissue, even where a darker stain draws Otsu's threshold up."""

SPECK, HOLE = 0.01, 0.05
"""mm²: patches of tissue smaller than the first are dust, holes smaller than the second belong to the tissue."""

COOL, COLOURED, VIOLET = 10.0, 25.0, 40.0
BLACK, COLOURLESS = 75.0, 30.0
"""Ink, of 255: green over red and chroma; blue over red; the brightest channel and chroma of black ink."""

SHARPNESS = 0.05
"""Energy of a tile's Laplacian by its variance, below which it is blurred; see `sharpness`."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """What is where on a slide.

    Args:
        picture: (h, w, 3) the slide, small.
        tissue: (h, w) stained, and not drawn over.
        ink: (h, w) drawn over by a pen.
    """

    picture: Rgb
    tissue: Mask
    ink: Mask


def find_tissue(reader: SlideReader) -> Tissue:
    """Look for tissue and ink on a slide whose µm per pixel are known."""
    assert reader.microns is not None
    longest = max(reader.size.width * reader.microns[0], reader.size.height * reader.microns[1])
    picture = reader.thumbnail(int(min(max(longest / MICRONS, SIDES[0]), SIDES[1])))
    across = reader.size.width * reader.microns[0] / picture.shape[1]
    down = reader.size.height * reader.microns[1] / picture.shape[0]
    return tissue_of(picture, across * down / 1e6)


def tissue_of(picture: Rgb, pixel: float) -> Tissue:
    """Part a picture of a slide into tissue, ink and glass.

    Args:
        picture: (h, w, 3) uint8.
        pixel: mm² of one of its pixels.
    """
    smooth = _smoothed(picture)
    chroma = _brightest(smooth) + _brightest(-smooth)
    ink = grown(without_specks(_ink(smooth, chroma), SPECK / pixel), 1)
    threshold = min(max(otsu(chroma[~ink])[0], LEAST_CHROMA), MOST_CHROMA) if not ink.all() else MOST_CHROMA
    stained = without_specks((chroma > threshold) & ~ink, SPECK / pixel)
    return Tissue(picture, without_holes(stained, HOLE / pixel) & ~ink, ink)


def sharpness(tile: Rgb) -> float:
    """Energy of the Laplacian of a tile's grey levels by their variance, so that pale tissue counts as much as dark.

    White noise has 20, an edge about 1, and what a lens left out of focus by a few pixels close to nothing. It is
    measured at the resolution that the question is asked at: blur too fine to be seen there changes no answer.
    """
    return sharpness_of(*detail(tile))


def detail(pixels: Rgb) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(h, w) grey levels and (h − 2, w − 2) squares of their Laplacian, once for all tiles that were read together."""
    grey = np.asarray(Pil.fromarray(pixels).convert("L"), np.float32)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return grey, around * around


def sharpness_of(grey: NDArray[np.float32], energy: NDArray[np.float32]) -> float:
    """Sharpness of a tile whose grey levels and squares of the Laplacian, without its outermost pixels, these are."""
    spread = float(grey.var())
    return float(energy.mean()) / spread if spread > 1 else 0.0


def _smoothed(picture: Rgb) -> NDArray[np.float32]:
    """Mean of three by three pixels: single pixels are coloured by the camera and by JPEG."""
    values = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.uint16)
    rows = values[:-2] + values[1:-1] + values[2:]
    smooth: NDArray[np.float32] = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]).astype(np.float32) / 9
    return smooth


def _brightest(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Highest of three channels; several times as fast as over the last axis."""
    highest: NDArray[np.float32] = np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2])
    return highest


def _ink(smooth: NDArray[np.float32], chroma: NDArray[np.float32]) -> Mask:
    red, green, blue = smooth[..., 0], smooth[..., 1], smooth[..., 2]
    cool = (green > red + COOL) & (chroma > COLOURED)
    violetless = (blue > red + VIOLET) & (green > red - COOL / 2)
    black = (_brightest(smooth) < BLACK) & (chroma < COLOURLESS)
    found: Mask = cool | violetless | black
    return found
