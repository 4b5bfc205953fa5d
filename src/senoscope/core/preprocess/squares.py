"""Overlapping squares over what a picture shows, and what is found in them put together again."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from senoscope.core.preprocess.boxes import Rows

SHARED = 0.25
"""Of a square's side that it shares with the next, at least: what lies across an edge is whole in one of them."""

ALIGNED = 8
"""Pixels on whose multiples squares begin, so that their maps lie on one grid."""

COVERED = 0.1
"""Share of a square that shows something, below which it is left out."""

Corner = tuple[int, int]
"""Left and top edge of a square."""


def squares(array: NDArray[np.float32], side: int) -> tuple[Corner, ...]:
    """Corners of squares that cover what a prepared picture shows, row by row, evenly spaced.

    Args:
        array: (C, S, S); what is black in all channels shows nothing: borders, and what was taken away.
        side: of the squares in pixels; from S on, or 0, one square is all of the picture.

    Returns:
        At least one.
    """
    whole = array.shape[-1]
    if not 0 < side < whole:
        return ((0, 0),)
    seen = array.max(axis=0) > 0
    spans = [np.flatnonzero(seen.any(axis=axis)) for axis in (0, 1)]
    if not len(spans[0]):
        return ((0, 0),)
    lefts, tops = (_starts(int(span[0]), int(span[-1]) + 1, side, whole) for span in spans)
    every = [(left, top) for top, left in product(tops, lefts)]
    kept = [(x, y) for x, y in every if seen[y : y + side, x : x + side].mean() >= COVERED]
    return tuple(kept or every[:1])


def _starts(first: int, behind: int, side: int, whole: int) -> list[int]:
    """Nearly evenly spaced starts of pieces of length `side` that cover [first, behind) and share what they must."""
    length, last = behind - first, whole - side
    if length <= side:
        middle = min(max(0, (first + behind - side) // 2), last)
        aligned = middle // ALIGNED * ALIGNED
        return [aligned if aligned + side >= behind else middle]
    count = 1 + int(np.ceil((length - side) / (side * (1 - SHARED))))
    starts = np.linspace(first, behind - side, count) // ALIGNED * ALIGNED
    # Down to the multiple below, but for the last, which must reach the end.
    starts[-1] = min(last, -(-(behind - side) // ALIGNED) * ALIGNED)
    return [int(start) for start in starts]


def cut(array: NDArray[np.float32], corners: Sequence[Corner], side: int) -> NDArray[np.float32]:
    """(C, S, S) → (P, C, side, side) squares at these corners; a side of 0 is all of the picture."""
    reach = side or array.shape[-1]
    return np.stack([array[:, y : y + reach, x : x + reach] for x, y in corners])


def moved(rows: Sequence[Rows], corners: Sequence[Corner]) -> Rows:
    """Boxes of each square, in its own pixels → (D, 4) in the picture's, square by square."""
    return np.concatenate([found + np.array([x, y, x, y]) for found, (x, y) in zip(rows, corners, strict=True)])


def joined(maps: NDArray[np.float32], corners: Sequence[Corner], side: int, whole: int) -> NDArray[np.float32]:
    """Maps (P, h, w) of squares → one (H, W) map of the picture: the highest value wherever squares overlap.

    Args:
        maps: not negative.
        corners: of the squares.
        side: of the squares in the picture's pixels.
        whole: side of the picture.
    """
    if not 0 < side < whole:
        first: NDArray[np.float32] = maps[0]
        return first
    step = side / maps.shape[-1]
    width = round(whole / step)
    result = np.zeros((width, width), np.float32)
    for one, (left, top) in zip(maps, corners, strict=True):
        x, y = round(left / step), round(top / step)
        place = result[y : y + one.shape[0], x : x + one.shape[1]]
        place[:] = np.maximum(place, one[: place.shape[0], : place.shape[1]])
    return result
