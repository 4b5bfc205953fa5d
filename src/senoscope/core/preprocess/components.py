"""Connected parts of a mask, numbered."""

import numpy as np
from numpy.typing import NDArray


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the parts of a mask that hang together across the sides of pixels.

    Rows are taken as runs of marked pixels; runs that touch in neighbouring rows are joined until nothing changes, so
    that the work grows with the number of runs and not with that of pixels.

    Args:
        mask: (H, W).

    Returns:
        (H, W) numbers, 0 outside the mask and 1, 2, … in the order in which the parts begin, row by row; and how many
        there are.
    """
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    owner = _joined(*_touching(rows, starts, ends, mask.shape[1]), len(rows))
    names, number = np.unique(owner, return_inverse=True)
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = np.repeat(number.astype(np.int32) + 1, ends - starts)
    return labels, len(names)


def _touching(
    rows: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp], width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of runs, upper and lower, that share a column in neighbouring rows."""
    # On one line of rows that do not overlap, the runs of the row above that reach into a run are next to each other.
    stride = width + 1
    left, right = rows * stride + starts, rows * stride + ends
    first = np.searchsorted(right, left - stride, side="right")
    behind = np.searchsorted(left, right - stride, side="left")
    count = np.maximum(behind - first, 0)
    lower = np.repeat(np.arange(len(rows)), count)
    within = np.arange(len(lower)) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(first, count) + within, lower


def _joined(upper: NDArray[np.intp], lower: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """The first run of each run's part."""
    owner = np.arange(count)
    while True:
        least = np.minimum(owner[upper], owner[lower])
        joined = owner.copy()
        for side in (upper, lower):
            np.minimum.at(joined, side, least)
            np.minimum.at(joined, owner[side], least)
        joined = joined[joined]
        if (joined == owner).all():
            return owner
        owner = joined
