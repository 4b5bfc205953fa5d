"""What a network without anchors is to say of a picture: where middles of lesions are, and how far their edges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SPREAD = 0.54 / 6
"""Deviation of the bell around a lesion's middle, as a share of its side (Liu et al. 2020, arXiv:1909.00700)."""

LEAST = 0.7
"""Cells that deviation has at least."""


@dataclass(frozen=True, eq=False)
class Lesions:
    """Lesions of one picture as a network sees it.

    Args:
        rows: (n, 4) left, top, right, bottom in pixels of the input.
        rest: (m, 4) what is left of lesions whose middle was cut off: neither lesion nor ordinary tissue.
    """

    rows: NDArray[np.float64]
    rest: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Targets:
    """What is to be said of N pictures.

    Args:
        heat: (N, 1, h, w) from 0 to 1; 1 at the place of each lesion's middle.
        counted: (N, 1, h, w) 0 where nothing is asked, else 1.
        edges: (N, 4, h, w) left, top, right and bottom of the lesion around each place, in pixels of the input.
        weight: (N, h, w) how much the edges count; 1 in sum for each lesion that no smaller one lies over.
        lesions: of all pictures.
    """

    heat: Tensor
    counted: Tensor
    edges: Tensor
    weight: Tensor
    lesions: int


def targets_of(pictures: Sequence[Lesions], shape: tuple[int, int], stride: float) -> Targets:
    """Draw what is to be said on a grid of this shape, with `stride` pixels from place to place."""
    drawn = [_drawn(one, shape, stride) for one in pictures]
    heat, counted, edges, weight = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
    return Targets(heat[:, None], counted[:, None], edges, weight, sum(len(one.rows) for one in pictures))


def _drawn(one: Lesions, shape: tuple[int, int], stride: float) -> tuple[NDArray[np.float32], ...]:
    heat, counted = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    edges, weight = np.zeros((4, *shape), np.float32), np.zeros(shape, np.float32)
    for left, top, right, bottom in one.rest / stride:
        counted[_cells(top, bottom, shape[0]), _cells(left, right, shape[1])] = 0
    areas = (one.rows[:, 2:] - one.rows[:, :2]).prod(axis=1)
    # The largest first, so that of two over each other the smaller is seen.
    for row in one.rows[np.argsort(-areas, kind="stable")]:
        bell = _bell(row / stride, shape)
        heat = np.maximum(heat, bell)
        inside = bell > 0
        weight[inside] = bell[inside] / bell.sum()
        edges[:, inside] = row.astype(np.float32)[:, None]
        counted[inside] = 1
    return heat, counted, edges, weight


def _cells(low: float, high: float, count: int) -> slice:
    return slice(max(0, int(np.floor(low))), min(count, int(np.ceil(high))))


def _bell(row: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w) 1 at the place in which the middle lies, falling off along each side, 0 beyond three deviations."""
    left, top, right, bottom = row
    columns = _along((left + right) / 2, right - left, shape[1])
    rows = _along((top + bottom) / 2, bottom - top, shape[0])
    return rows[:, None] * columns[None]


def _along(middle: float, side: float, count: int) -> NDArray[np.float32]:
    place, deviation = min(max(int(middle), 0), count - 1), max(LEAST, SPREAD * side)
    distance = np.arange(count) - place
    values = np.exp(-(distance**2) / (2 * deviation**2))
    return np.where(np.abs(distance) <= 3 * deviation, values, 0).astype(np.float32)
