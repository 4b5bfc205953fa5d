"""Regions of an answer as closed lines, in columns and rows from the upper left corner of the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.boxes import BoxPrediction
from senoscope.core.domain.geometry import Box
from senoscope.core.domain.outline import OutlinePrediction, Region
from senoscope.core.domain.prediction import Shown
from senoscope.runtime.slides.shapes import components, outlines

MOST_CORNERS = 4000
"""Of one line: of twice 8191 numbers a data element of explicit VR FL has no room (PS3.5 7.1.2)."""


@dataclass(frozen=True, eq=False)
class Outlined:
    """One region of an answer.

    Args:
        label: what it is.
        probability: that it is so.
        corners: (N, 2) column and row of each, the last is the first; edges of pixels are whole numbers.
        pixels: that belong to it; None of a box.
    """

    label: str
    probability: float
    corners: NDArray[np.float32]
    pixels: int | None = None

    @property
    def center(self) -> tuple[float, float]:
        """Column and row of the middle of the smallest box around it."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        return float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2


def regions_of(shown: Shown) -> list[Outlined]:
    """What an answer says is where, the first the surest or largest; nothing of an answer that is withheld."""
    if shown.trust.abstained:
        return []
    if isinstance(shown, BoxPrediction):
        return [Outlined(one.label, one.score, around(one.box)) for one in shown.boxes]
    if isinstance(shown, OutlinePrediction):
        return [Outlined(one.label, one.probability, _line(shown, one), one.pixels) for one in shown.regions]
    return []


def around(box: Box) -> NDArray[np.float32]:
    """(5, 2) corners of a box, clockwise from the upper left one, which is also the last."""
    left, top, right, bottom = box.edges
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], np.float32)


def box_of(corners: NDArray[np.floating]) -> Box:
    """The smallest box around a line, in whole pixels."""
    left, top = (int(edge) for edge in np.floor(corners.min(axis=0)))
    right, bottom = (int(edge) for edge in np.ceil(corners.max(axis=0)))
    return Box(left, top, right - left, bottom - top)


def _line(shown: OutlinePrediction, region: Region) -> NDArray[np.float32]:
    """The outer edge of a region; its holes are in the segmentation alone."""
    left, top, right, bottom = region.box.edges
    part = shown.codes[top:bottom, left:right] == shown.labels.index(region.label)
    numbers, count = components(part)
    mask = next(patch for patch in (numbers == 1 + place for place in range(count)) if _spans(patch, region.pixels))
    corners = np.array(outlines(mask)[0], np.float32) + np.array([left, top], np.float32)
    return thinned(corners)


def _spans(patch: NDArray[np.bool_], pixels: int) -> bool:
    """Whether of all patches that reach into a region's box this is the region: it fills the box, and has its size."""
    edges = (patch[0], patch[-1], patch[:, 0], patch[:, -1])
    return int(patch.sum()) == pixels and all(edge.any() for edge in edges)


def thinned(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Evenly so many of a line's corners that it has at most `MOST_CORNERS`; it stays closed."""
    if len(corners) <= MOST_CORNERS:
        return corners
    kept = np.unique(np.linspace(0, len(corners) - 1, MOST_CORNERS).round().astype(int))
    left: NDArray[np.float32] = corners[kept]
    return left
