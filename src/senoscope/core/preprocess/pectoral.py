"""The pectoral muscle in oblique mammograms: a bright corner behind the breast, cut off along one straight line."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Pixels
from senoscope.core.preprocess.regions import breast_mask

GRID = 192
"""Cells of the longer side of the grid on which the line is sought."""

ANGLES = np.deg2rad(np.arange(10, 71, 1.0))
"""Between the line's normal and the horizontal: the edge of the muscle is steep."""

TOLERANCE = np.cos(np.deg2rad(30))
"""Least cosine between the gradient and the line's normal for a cell to count."""

REACH = (0.08, 1.0)
"""Least and greatest share of the breast's width, at its upper edge, and of its height, at the chest wall, that the
muscle takes."""

BAND = 6
"""Cells on either side of the line that are compared."""

EDGE = 8
"""Cells along the breast's edge that do not count: film border and skin fall more steeply than any muscle."""

STEP = 0.1
"""Least difference of mean grey levels across the line, over the deviation of all of the breast's."""

Levels = NDArray[np.float32]


@dataclass(frozen=True)
class Line:
    """Where the muscle ends: on a straight line from the upper edge to the chest wall, which is on the left.

    Args:
        top: where it meets the upper edge, in pixels from the left; the muscle is left of it.
        side: where it meets the left edge, in pixels from the top; the muscle is above it.
    """

    top: float
    side: float

    def muscle(self, height: int, width: int) -> NDArray[np.bool_]:
        """(height, width) pixels of the muscle."""
        y, x = np.ogrid[:height, :width]
        return np.asarray((x + 0.5) / self.top + (y + 0.5) / self.side < 1)


def muscle_line(pixels: Pixels) -> Line | None:
    """Find the edge of the pectoral muscle in an oblique mammogram with the chest wall on the left.

    The edge is the straight line over which grey levels fall most, by a Hough transform of the gradients that point
    away from the upper left corner (Karssemeijer 1998, doi:10.1088/0031-9155/43/2/011, who seeks the edge so). A line
    counts its votes over the square root of its length, and is believed where what lies before it is brighter than what
    lies behind it. A view from above has no such corner, but nearly always some such line: ask of oblique views only.

    Args:
        pixels: (H, W) grey or (H, W, 3), as `steps.Breast` leaves them.

    Returns:
        The line, or None where there is no muscle to be found.
    """
    cells, inside = _grid(pixels)
    if inside is None:
        return None
    grey = _smooth(cells / cells.max())
    votes = _votes(grey, inside)
    found = _best(votes, inside)
    if found is None or _step(grey, inside, found) < STEP:
        return None
    across, down = pixels.shape[1] / cells.shape[1], pixels.shape[0] / cells.shape[0]
    return Line(found.top * across, found.side * down)


def _grid(pixels: Pixels) -> tuple[Levels, NDArray[np.bool_] | None]:
    """Grey levels on the grid, and cells well inside the breast; None where there is no breast."""
    grey = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    scale = min(1.0, GRID / max(grey.shape))
    size = max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale))
    cells = np.asarray(Pil.fromarray(grey.astype(np.float32)).resize(size, Pil.Resampling.BOX), np.float32)
    mask = breast_mask(pixels)
    if mask is None or cells.max() <= 0:
        return cells, None
    wide = np.asarray(Pil.fromarray(mask).resize(size, Pil.Resampling.NEAREST))
    for _ in range(EDGE):
        edged = np.pad(wide, 1, mode="edge")
        wide = edged[1:-1, 1:-1] & edged[:-2, 1:-1] & edged[2:, 1:-1] & edged[1:-1, :-2] & edged[1:-1, 2:]
    return cells, wide


def _smooth(values: Levels) -> Levels:
    """Mean over 5 × 5 cells, twice."""
    for _ in range(2):
        for axis in (0, 1):
            wide = np.pad(values, [(2, 2) if axis == at else (0, 0) for at in (0, 1)], mode="edge")
            shifted = [np.take(wide, np.arange(k, k + values.shape[axis]), axis) for k in range(5)]
            values = np.asarray(np.mean(shifted, axis=0), np.float32)
    return values


def _votes(grey: Levels, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(angles, distances) sums of gradients across lines with these normals, at these distances from the corner."""
    down, across = np.gradient(grey, axis=0), np.gradient(grey, axis=1)
    y, x = np.nonzero(inside)
    fall = np.stack([-across[y, x], -down[y, x]])
    length = np.maximum(np.hypot(*fall), 1e-9)
    most = int(np.hypot(*grey.shape)) + 2
    votes = np.zeros((len(ANGLES), most))
    for row, angle in enumerate(ANGLES):
        along = fall[0] * np.cos(angle) + fall[1] * np.sin(angle)
        kept = along > TOLERANCE * length
        distance = (x[kept] + 0.5) * np.cos(angle) + (y[kept] + 0.5) * np.sin(angle)
        votes[row] = np.bincount(distance.astype(int), along[kept], most)[:most]
    return votes


def _best(votes: NDArray[np.float64], inside: NDArray[np.bool_]) -> Line | None:
    if not inside.any():
        return None
    height, width = (int(np.ptp(np.flatnonzero(inside.any(axis=axis)))) + 1 for axis in (1, 0))
    distance = np.arange(votes.shape[1]) + 0.5
    top, side = distance[None] / np.cos(ANGLES)[:, None], distance[None] / np.sin(ANGLES)[:, None]
    fits = (REACH[0] * width <= top) & (top <= REACH[1] * width) & (REACH[0] * height <= side)
    fits &= side <= REACH[1] * height
    worth = np.where(fits, votes / np.sqrt(np.hypot(top, side)), 0)
    angle, at = np.unravel_index(int(np.argmax(worth)), worth.shape)
    if worth[angle, at] <= 0:
        return None
    return Line(float(top[angle, at]), float(side[angle, at]))


def _step(grey: Levels, inside: NDArray[np.bool_], line: Line) -> float:
    """Mean fall of grey levels across the line, over their deviation within the breast."""
    y, x = np.ogrid[: grey.shape[0], : grey.shape[1]]
    normal = np.hypot(1 / line.top, 1 / line.side)
    beyond = ((x + 0.5) / line.top + (y + 0.5) / line.side - 1) / normal
    near, far = (inside & (low <= beyond) & (beyond < low + BAND) for low in (-BAND - 1, 1))
    if not near.any() or not far.any():
        return 0.0
    return float((grey[near].mean() - grey[far].mean()) / max(float(grey[inside].std()), 1e-9))


@dataclass(frozen=True)
class Muscle:
    """Black out the pectoral muscle of a mammogram that `Breast` has turned; where none is found all of it stays."""

    kind: Literal["muscle"] = "muscle"

    def apply(self, pixels: Pixels) -> Pixels:
        """(H, W) or (H, W, 3) of any dtype in, the same out."""
        line = muscle_line(pixels)
        if line is None:
            return pixels
        shown = pixels.copy()
        shown[line.muscle(*pixels.shape[:2])] = 0
        return shown
