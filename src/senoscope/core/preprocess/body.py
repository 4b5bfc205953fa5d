"""Where the woman is in a thermogram: what is warm and joined to the middle of the picture, and her axis.

Found on a grid of at most `GRID` points a side, in the same way whatever the unit and the camera's range: by what parts
warm from cool (Otsu 1979, doi:10.1109/TSMC.1979.4310076), and by what overlaps best with its own mirror image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box, Size

GRID = 160
"""Points of the longer side on which the body is sought."""

BINS = 256

PARTED = 0.6
"""Share of the variance between warm and cool from which on a picture has a body before a background."""

SMALLEST, LARGEST = 0.2, 0.97
"""Shares of the picture that a body can fill; of one that fills it all no outline is seen."""

SOLID = 0.75
"""Share of the body that is left without its outermost points; of noise that passes for one less is."""

ALIKE = 0.75
"""Overlap of the torso with its mirror image from which on it has an axis."""

TORSO, NECK = 0.5, 0.2
"""Rows below the first share are torso without arms; rows above the second are neck, chin and raised arms."""

WIDEST = 0.9
"""Share of the torso's rows that the crop is as wide as, so that an elbow does not set the scale."""

Mask = NDArray[np.bool_]
Levels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Body:
    """A body in a picture.

    Args:
        mask: (H, W) where it is; everywhere where it was not found.
        axis: column of its axis, in pixels from the left edge.
        box: the torso, about the axis; it may reach beyond the picture on either side.
        found: whether there is one; if not, the whole picture stands for it.
    """

    mask: Mask
    axis: float
    box: Box
    found: bool


def find_body(pixels: Levels) -> Body:
    """Find the body in (H, W) finite levels; warm is bright."""
    size = Size(pixels.shape[1], pixels.shape[0])
    grid = _reduced(pixels)
    mask = _warm(grid)
    if mask is None:
        return _whole(size)
    twice, alike = _axis(mask)
    if alike < ALIKE:
        return _whole(size)
    scale = size.width / grid.shape[1]
    axis = (twice + 1) / 2 * scale
    half = _half_width(mask, twice) * scale
    left, right = round(axis - half), round(axis + half)
    top = int(NECK * size.height)
    return Body(_enlarged(mask, size), axis, Box(left, top, max(2, right - left), size.height - top), True)


def _whole(size: Size) -> Body:
    return Body(np.ones((size.height, size.width), bool), size.width / 2, Box(0, 0, size.width, size.height), False)


def _reduced(pixels: Levels) -> Levels:
    height, width = pixels.shape
    scale = GRID / max(height, width)
    if scale >= 1:
        return pixels
    size = max(2, round(width * scale)), max(2, round(height * scale))
    return np.asarray(Pil.fromarray(pixels).resize(size, Pil.Resampling.BOX))


def _enlarged(mask: Mask, size: Size) -> Mask:
    picture = Pil.fromarray(mask.astype(np.uint8) * 255).resize((size.width, size.height), Pil.Resampling.BILINEAR)
    return np.asarray(picture) > 127


def _warm(grid: Levels) -> Mask | None:
    """Points of the body, its holes filled; None where nothing warm stands out, or nothing of a body's size."""
    bound, parted = otsu(grid)
    if parted < PARTED:
        return None
    warm = grid > bound
    height, width = grid.shape
    middle = np.zeros_like(warm)
    middle[height // 3 :, width // 3 : width - width // 3] = True
    body = _grown(warm & middle, warm)
    edge = np.ones_like(warm)
    edge[1:-1, 1:-1] = False
    filled = ~_grown(edge & ~body, ~body)
    solid = eroded(body, 1).sum() >= SOLID * body.sum()
    return filled if solid and SMALLEST <= filled.mean() <= LARGEST else None


def otsu(grid: Levels) -> tuple[float, float]:
    """Level that parts warm from cool best, and the share of the variance that lies between the two."""
    low, high = float(grid.min()), float(grid.max())
    if not high > low:
        return low, 0.0
    counts, edges = np.histogram(grid, BINS, (low, high))
    centres = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = grid.size - below
    sums = np.cumsum(counts * centres)
    means = sums[:-1] / np.maximum(below, 1) - (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    between = below * above * means**2 / float(grid.size) ** 2
    best = int(np.argmax(between))
    spread = float(grid.astype(np.float64).var())
    return float(edges[best + 1]), float(between[best]) / spread if spread > 0 else 0.0


def _grown(seed: Mask, within: Mask) -> Mask:
    """Points of `within` that are joined to the seed by sides, as far as a walk of height + width steps goes."""
    current = seed & within
    for _ in range(sum(seed.shape)):
        wider = _shifted(current, np.logical_or) & within
        if np.array_equal(wider, current):
            break
        current = wider
    return current


def _shifted(mask: Mask, join: np.ufunc) -> Mask:
    """Join every point with its four neighbours; beyond the picture it goes on as at its edge."""
    padded = np.pad(mask, 1, mode="edge")
    result: Mask = join(mask, padded[:-2, 1:-1])
    for neighbour in (padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        result = join(result, neighbour)
    return result


def eroded(mask: Mask, steps: int) -> Mask:
    """Take away the outermost points, where a camera mixes body and background; the picture's edge is no outline."""
    for _ in range(steps):
        mask = _shifted(mask, np.logical_and)
    return mask


def _axis(mask: Mask) -> tuple[float, float]:
    """Twice the column about which the torso overlaps best with its mirror image, and the share that overlaps."""
    torso = mask[int(TORSO * len(mask)) :].astype(np.float64)
    length = 2 * torso.shape[1] - 1
    spectrum = np.fft.rfft(torso, length, axis=1)
    overlap = np.round(np.fft.irfft((spectrum**2).sum(axis=0), length))
    best = float(overlap.max())
    # Of equally good axes the middle one, so that a mirrored woman has the mirrored axis.
    return float(np.flatnonzero(overlap == best).mean()), best / max(float(torso.sum()), 1.0)


def _half_width(mask: Mask, twice: float) -> float:
    torso = mask[int(TORSO * len(mask)) :]
    rows = torso[torso.any(axis=1)]
    columns = np.abs(2 * np.arange(rows.shape[1]) - twice) / 2 + 0.5
    return float(np.quantile((rows * columns).max(axis=1), WIDEST))


def closed(levels: Levels, side: int) -> Levels:
    """Fill what is colder than all around it and fits into a square of `side` pixels: grey closing."""
    return -_highest(-_highest(levels, side), side)


def _highest(levels: Levels, side: int) -> Levels:
    reach = side // 2
    for axis in (0, 1):
        widths = [(reach, reach) if along == axis else (0, 0) for along in (0, 1)]
        padded = np.pad(levels, widths, constant_values=-np.inf)
        levels = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis).max(axis=-1)
    return levels
