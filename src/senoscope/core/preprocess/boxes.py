"""Boxes between the picture as stored and the network's grid, from maps to boxes, and which of them are duplicates.

Here a box is a row of left, top, right and bottom, in floating pixels; right and bottom are exclusive.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.geometry import Box, Placement, Size

Rows = NDArray[np.float64]

LEAST = 1.0
"""Pixels of the network's input a side below which a box is none."""


def rows_of(boxes: Sequence[Box]) -> Rows:
    """(D, 4) rows of boxes."""
    return np.array([box.edges for box in boxes], np.float64).reshape(-1, 4)


def box_of(row: ArrayLike, size: Size) -> Box:
    """Whole pixels of a picture of this size that a row covers, at least one."""
    left, top, right, bottom = (float(value) for value in np.asarray(row, np.float64))
    x0, y0 = min(max(round(left), 0), size.width - 1), min(max(round(top), 0), size.height - 1)
    x1, y1 = min(max(round(right), x0 + 1), size.width), min(max(round(bottom), y0 + 1), size.height)
    return Box(x0, y0, x1 - x0, y1 - y0)


def carried(rows: Rows, placements: Sequence[Placement]) -> Rows:
    """(D, 4) in the picture as stored → where the network's input has them; what was cropped away lies outside it."""
    for placement in placements:
        rows = _turned(rows, placement, placement.turned) if placement.turned else _laid(rows, placement)
    return rows


def carried_back(rows: Rows, placements: Sequence[Placement]) -> Rows:
    """(D, 4) in the network's input → in the picture as stored."""
    for placement in reversed(placements):
        rows = _turned(rows, placement, -placement.turned) if placement.turned else _lifted(rows, placement)
    return rows


def _laid(rows: Rows, placement: Placement) -> Rows:
    moved = (rows - _corner(placement.source_box)) * _scale(placement)
    if placement.mirrored:
        moved = _mirrored(moved, placement.target_box.width)
    return np.asarray(moved + _corner(placement.target_box))


def _lifted(rows: Rows, placement: Placement) -> Rows:
    moved = rows - _corner(placement.target_box)
    if placement.mirrored:
        moved = _mirrored(moved, placement.target_box.width)
    return np.asarray(moved / _scale(placement) + _corner(placement.source_box))


def _corner(box: Box) -> Rows:
    return np.array([box.left, box.top, box.left, box.top], np.float64)


def _scale(placement: Placement) -> Rows:
    source, target = placement.source_box, placement.target_box
    across, down = target.width / source.width, target.height / source.height
    return np.array([across, down, across, down])


def _mirrored(rows: Rows, width: int) -> Rows:
    return np.stack([width - rows[:, 2], rows[:, 1], width - rows[:, 0], rows[:, 3]], axis=1)


def _turned(rows: Rows, placement: Placement, degrees: float) -> Rows:
    """Boxes around the corners of boxes that were turned against the clock about the picture's centre."""
    angle = np.deg2rad(degrees)
    middle = np.array([placement.source.width, placement.source.height]) / 2
    corners = rows[:, [[0, 1], [2, 1], [2, 3], [0, 3]]] - middle
    # Down is positive, so against the clock is the other way round than on paper.
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = corners @ turn + middle
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)


def overlaps(one: Rows, other: Rows) -> Rows:
    """(N, M) intersection over union; 0 where a box has no extent."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    joined = _areas(one)[:, None] + _areas(other)[None] - shared
    return np.asarray(shared / np.maximum(joined, np.finfo(np.float64).tiny))


def _areas(rows: Rows) -> Rows:
    return np.asarray(np.clip(rows[:, 2:] - rows[:, :2], 0, None).prod(axis=1))


def distinct(rows: Rows, scores: ArrayLike, overlap: float, most: int) -> NDArray[np.int64]:
    """Which boxes are no duplicates of a surer one, the surest first, at most so many.

    Args:
        rows: (D, 4).
        scores: (D,); of equal ones the first comes first.
        overlap: intersection over union from which the less sure of two is a duplicate.
        most: how many are kept.
    """
    waiting = np.argsort(-np.asarray(scores), kind="stable")
    kept: list[int] = []
    while len(waiting) and len(kept) < most:
        first, waiting = int(waiting[0]), waiting[1:]
        kept.append(first)
        waiting = waiting[overlaps(rows[[first]], rows[waiting])[0] < overlap]
    return np.array(kept, np.int64)


def decoded(heat: NDArray[np.float32], sides: NDArray[np.float32], side: int, most: int) -> tuple[Rows, Rows]:
    """Boxes around the likeliest middles of a map (Zhou et al. 2019, arXiv:1904.07850): its local maxima.

    Args:
        heat: (h, w) logits.
        sides: (4, h, w) distances of left, upper, right and lower edge, in pixels of the input.
        side: of the input, in pixels.
        most: so many maxima at most.

    Returns:
        (D, 4) rows within the input, and (D,) their logits, the surest first. Boxes without extent are left out.
    """
    wide = np.pad(heat, 1, constant_values=-np.inf)
    around = [wide[y : y + heat.shape[0], x : x + heat.shape[1]] for y in range(3) for x in range(3)]
    peaks = np.flatnonzero(heat >= np.max(around, axis=0))
    peaks = peaks[np.argsort(-heat.ravel()[peaks], kind="stable")][:most]
    y, x = np.divmod(peaks, heat.shape[1])
    middle = np.stack([(x + 0.5) * (side / heat.shape[1]), (y + 0.5) * (side / heat.shape[0])], axis=1)
    reach = sides[:, y, x].T.astype(np.float64)
    rows = np.clip(np.concatenate([middle - reach[:, :2], middle + reach[:, 2:]], axis=1), 0, side)
    sound = (rows[:, 2:] - rows[:, :2] >= LEAST).all(axis=1)
    return rows[sound], heat.ravel()[peaks][sound].astype(np.float64)
