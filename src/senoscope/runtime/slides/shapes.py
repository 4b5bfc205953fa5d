"""Patches of a mask: which cells hang together, and the outlines of what does; in numpy alone."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Ring = list[tuple[int, int]]
"""Corners (x, y) of a closed line along the edges of cells; the last is the first."""


def components(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """Number the patches of cells that touch by their sides.

    Runs of cells are joined row by row and their numbers halved by pointer jumping, so no shape takes longer than its
    runs.

    Returns:
        (h, w) numbers from 1, in the order of each patch's first cell, 0 where the mask is not set; and how many.
    """
    height, width = mask.shape
    wide = np.zeros((height, width + 1), bool)
    wide[:, :-1] = mask
    steps = np.diff(np.concatenate(([False], wide.ravel(), [False])).astype(np.int8))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    found = _joined(starts, ends, width + 1)
    names, numbers = np.unique(found, return_inverse=True)
    labels = np.zeros(wide.size, np.int32)
    labels[wide.ravel()] = np.repeat(numbers + 1, ends - starts)
    return labels.reshape(wide.shape)[:, :-1], len(names)


def _joined(starts: NDArray[np.int64], ends: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """For each run the number of the first run it hangs together with."""
    first = np.searchsorted(ends, starts + width, side="right")
    last = np.searchsorted(starts, ends + width, side="left")
    counts = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(starts)), counts)
    below = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    parent = np.arange(len(starts))
    while True:
        one, other = parent[above], parent[below]
        if (one == other).all():
            return parent
        np.minimum.at(parent, np.maximum(one, other), np.minimum(one, other))
        while (parent != parent[parent]).any():
            parent = parent[parent]


def without_specks(mask: Mask, least: float) -> Mask:
    """Take off the patches of fewer than `least` cells."""
    labels, count = components(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= least
    keep[0] = False
    found: Mask = keep[labels]
    return found


def without_holes(mask: Mask, most: float) -> Mask:
    """Fill the holes of up to `most` cells; what reaches the edge is no hole."""
    labels, count = components(~mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    fill = sizes <= most
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        fill[edge] = False
    fill[0] = False
    found: Mask = mask | fill[labels]
    return found


def grown(mask: Mask, steps: int) -> Mask:
    """Add what lies within so many cells, by sides."""
    for _ in range(steps):
        wide = np.pad(mask, 1)
        mask = wide[1:-1, 1:-1] | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    return mask


def outlines(mask: Mask) -> list[Ring]:
    """Closed lines around one patch of cells: the outer one first, clockwise as seen, then its holes, the other way."""
    ends: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for start, end in _edges(mask):
        ends[start].append(end)
    rings = []
    for start in sorted(ends, key=lambda corner: (corner[1], corner[0])):
        while start in ends:
            rings.append(_followed(ends, start))
    return rings


def _edges(mask: Mask) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Sides of cells with nothing beyond them, each directed so that its cell lies to the right."""
    wide = np.pad(mask, 1)
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    # Which neighbour is missing, and where the side begins and ends, from the cell's upper left corner.
    for beyond, begin, end in (
        (wide[:-2, 1:-1], (0, 0), (1, 0)),
        (wide[1:-1, 2:], (1, 0), (1, 1)),
        (wide[2:, 1:-1], (1, 1), (0, 1)),
        (wide[1:-1, :-2], (0, 1), (0, 0)),
    ):
        rows, columns = np.nonzero(mask & ~beyond)
        for x, y in zip(columns.tolist(), rows.tolist(), strict=True):
            found.append(((x + begin[0], y + begin[1]), (x + end[0], y + end[1])))
    return found


def _followed(ends: defaultdict[tuple[int, int], list[tuple[int, int]]], start: tuple[int, int]) -> Ring:
    ring, corner, step = [start], start, (0, 0)
    while True:
        choices = ends[corner]
        # Where two cells touch by a corner alone, the line stays with its own: it turns right.
        right = (corner[0] - step[1], corner[1] + step[0])
        after = right if len(choices) > 1 and right in choices else choices[0]
        choices.remove(after)
        if not choices:
            del ends[corner]
        turned = (after[0] - corner[0], after[1] - corner[1])
        if turned == step:
            ring.pop()
        ring.append(after)
        if after == start and (len(ring) > 1):
            return ring
        corner, step = after, turned
