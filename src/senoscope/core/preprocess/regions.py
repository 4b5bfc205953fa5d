"""Where the breast lies in a mammogram: found on a coarse grid, by grey levels alone."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Pixels

GRID = 128
"""Cells of the coarse grid's longer side, whatever the picture's size: the work is bounded by it."""

SMALLEST = 0.03
"""Share of the grid below which what was found is taken for a label or for dust, and the picture left whole."""

MARGIN = 0.02
"""Of the picture's longer side, left around the breast."""

Mask = NDArray[np.bool_]


def breast_box(pixels: Pixels) -> tuple[Box, bool, bool]:
    """Find the breast: the smallest box around it with a margin, if the chest wall is on its right, and if it is there.

    The breast is the largest connected patch of the grid that is brighter than Otsu's threshold of log grey levels
    (Otsu 1979, doi:10.1109/TSMC.1979.4310076), after whatever is thinner than five cells was taken off; so labels and
    scratches stay outside, and the muscle behind the breast inside. The chest wall is on the side where the patch is
    taller. A picture in which nothing is found, or too little, is its own box, and the last of the answers says so.

    Args:
        pixels: (H, W) or (H, W, 3), any dtype; only grey levels relative to the brightest cell count.
    """
    height, width = pixels.shape[:2]
    whole = Box(0, 0, width, height)
    found = breast_mask(pixels)
    if found is None:
        return whole, False, False
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    margin = round(MARGIN * max(height, width))
    left, right = _edges(columns, found.shape[1], width, margin)
    top, bottom = _edges(rows, found.shape[0], height, margin)
    heights = found.sum(axis=0)[columns[0] : columns[-1] + 1]
    quarter = -(-len(heights) // 4)
    mirrored = bool(heights[-quarter:].sum() > heights[:quarter].sum())
    return Box(left, top, right - left, bottom - top), mirrored, True


def breast_mask(pixels: Pixels) -> Mask | None:
    """(h, w) cells of the coarse grid that the breast covers; None where there is none to be found."""
    cells = _cells(pixels)
    brightest = float(cells.max())
    if not np.isfinite(brightest) or brightest <= 0:
        return None
    grey = np.log1p(np.clip(cells / brightest, 0, 1) * 255)
    found = _largest(_opened(grey > _otsu(grey[grey > 0])))
    return found if found.mean() >= SMALLEST else None


def _cells(pixels: Pixels) -> NDArray[np.float32]:
    grey = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    height, width = grey.shape
    scale = min(1.0, GRID / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # In float32 whatever the depth: eight bits would be rounded, and be cut elsewhere than the same film in sixteen.
    reduced = Pil.fromarray(grey.astype(np.float32)).resize(size, Pil.Resampling.BOX)
    return np.asarray(reduced, np.float32)


def _otsu(values: NDArray[np.float32]) -> float:
    """Threshold with the greatest variance between what is below and what is above it, of 256 levels."""
    counts, edges = np.histogram(values, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    parted = (below > 0) & (above > 0)
    if not parted.any():
        return float(edges[0]) - 1
    means_below, means_above = sums / np.maximum(below, 1), (sums[-1] - sums) / np.maximum(above, 1)
    return float(centres[np.argmax(np.where(parted, below * above * (means_below - means_above) ** 2, -1))])


def _opened(mask: Mask) -> Mask:
    """Take off what is thinner than five cells; beyond the edge everything counts as marked, or the chest would go."""
    return _grown(~_grown(~mask))


def _grown(mask: Mask) -> Mask:
    for _ in range(2):
        wide = np.pad(mask, 1)
        mask = wide[1:-1, 1:-1] | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    return mask


def _largest(mask: Mask) -> Mask:
    """Keep the largest patch of cells that touch by their sides, the first of equals."""
    best, left = np.zeros_like(mask), mask.copy()
    while left.any():
        patch = _connected(left, int(np.argmax(left)))
        left &= ~patch
        if patch.sum() > best.sum():
            best = patch
        if left.sum() <= best.sum():
            break
    return best


def _connected(mask: Mask, start: int) -> Mask:
    """Cells that hang together with one, found by a stack, so that no shape takes longer than its cells."""
    height, width = mask.shape
    free = mask.ravel().tolist()
    found = np.zeros(height * width, bool)
    waiting = [start]
    free[start] = False
    while waiting:
        cell = waiting.pop()
        found[cell] = True
        row, column = divmod(cell, width)
        for near, inside in (
            (cell - width, row > 0),
            (cell + width, row + 1 < height),
            (cell - 1, column > 0),
            (cell + 1, column + 1 < width),
        ):
            if inside and free[near]:
                free[near] = False
                waiting.append(near)
    return found.reshape(height, width)


def _edges(cells: NDArray[np.int64], count: int, length: int, margin: int) -> tuple[int, int]:
    """First and last but one pixel of a run of cells, with a margin, within the picture."""
    scale = length / count
    first, last = int(cells[0] * scale) - margin, -int(-(cells[-1] + 1) * scale // 1) + margin
    return max(0, first), min(length, last)
