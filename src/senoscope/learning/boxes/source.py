"""Pictures with the boxes of their lesions, prepared once and changed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.boxes import Rows, carried, rows_of
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.squares import Corner, squares
from senoscope.learning.boxes.targets import Lesions
from senoscope.learning.data.jitter import Change, apply, draw
from senoscope.learning.data.pictures import stacked
from senoscope.learning.data.source import Part

LEAST = 2.0
"""Pixels a side below which what is left of a lesion is none."""


@dataclass(frozen=True, eq=False)
class Boxed:
    """Image files and the lesions in each.

    Args:
        paths: image files.
        boxes: of each, in pixels of the stored image; none where there is no lesion.
        pipeline: preprocessing.
        patch: side of the squares that are seen; 0 where all of the picture is.
    """

    paths: Sequence[Path]
    boxes: Sequence[Sequence[Box]]
    pipeline: Pipeline
    patch: int


@dataclass(frozen=True)
class Unit:
    """What is seen at once: a square of a picture, or all of it.

    Args:
        picture: its position.
        corner: left and top edge of the square in the prepared picture.
        lesion: whether the middle of a lesion lies in it.
    """

    picture: int
    corner: Corner
    lesion: bool


def changed(rows: Rows, change: Change, side: int) -> Lesions:
    """Move boxes as `jitter.apply` moves pixels: those whose middle stays in sight, and what is left of the others.

    Args:
        rows: (n, 4) in a square of this side.
        change: of the picture.
        side: in pixels.
    """
    if change.part is not None:
        width, height = (max(1, round(share * side)) for share in change.part[2:])
        left, top = min(round(change.part[0] * side), side - width), min(round(change.part[1] * side), side - height)
        across, down = side / width, side / height
        rows = (rows - np.array([left, top, left, top])) * np.array([across, down, across, down])
    if change.mirrored:
        rows = np.stack([side - rows[:, 2], rows[:, 1], side - rows[:, 0], rows[:, 3]], axis=1)
    for _ in range(change.turns):
        rows = np.stack([rows[:, 1], side - rows[:, 2], rows[:, 3], side - rows[:, 0]], axis=1)
    return seen(rows, side)


def seen(rows: Rows, side: int) -> Lesions:
    """Boxes cut to a square of this side: those whose middle lies in it, and what is left of the others."""
    middle = (rows[:, :2] + rows[:, 2:]) / 2
    inside = ((middle >= 0) & (middle < side)).all(axis=1)
    clipped = np.clip(rows, 0, side)
    large = (clipped[:, 2:] - clipped[:, :2] >= LEAST).all(axis=1)
    return Lesions(clipped[inside & large], clipped[~inside & large])


class BoxSource:
    """Batches of pictures and the lesions in them.

    Args:
        boxed: which.
        jitter: changes of training pictures.
        seed: of these changes, with epoch and place.
    """

    def __init__(self, boxed: Boxed, jitter: JitterRecipe, seed: int) -> None:
        self._boxed, self._jitter, self._seed = boxed, jitter, seed
        self._kept: dict[int, tuple[Tensor, Rows]] = {}

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Everything there is to be seen, picture by picture."""
        boxed = self._boxed
        if not boxed.patch:
            return tuple(Unit(row, (0, 0), bool(boxes)) for row, boxes in enumerate(boxed.boxes))
        places = range(len(boxed.paths))
        return tuple(unit for (found,) in batches(self._units_of, places, batch=1) for unit in found)

    def _units_of(self, position: int) -> list[Unit]:
        picture, rows = self._get(position)
        corners = squares(picture.numpy().astype(np.float32), self._boxed.patch)
        return [
            Unit(position, corner, bool(len(seen(_within(rows, corner), self._boxed.patch).rows))) for corner in corners
        ]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Units of an epoch, shuffled: of pictures in squares, those with a lesion, and of each picture one other."""
        random = np.random.default_rng((self._seed, epoch))
        if not self._boxed.patch:
            return random.permutation(len(self.units))
        others: dict[int, list[int]] = {}
        for place, unit in enumerate(self.units):
            if not unit.lesion:
                others.setdefault(unit.picture, []).append(place)
        chosen = [place for place, unit in enumerate(self.units) if unit.lesion]
        chosen += [int(random.choice(places)) for places in others.values()]
        return random.permutation(np.array(chosen, np.int64))

    def labels(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) 1 where a unit has a lesion."""
        return np.array([self.units[row].lesion for row in rows], np.int64)

    def batches(self, parts: Sequence[Part], epoch: int | None) -> Iterator[tuple[Tensor, list[Lesions]]]:
        """(n, 3, s, s) float32 in [0, scale] and the lesions of each, for each part, in threads ahead of their use.

        Each is changed as drawn from epoch and place, or as it is where there is no epoch.
        """
        scale = self._boxed.pipeline.scale

        def prepared(part: Part) -> tuple[Tensor, list[Lesions]]:
            changes = [
                Change() if epoch is None else draw(self._jitter, self._seed, epoch, int(place))
                for place in part.places
            ]
            rows = [self._cut(self.units[int(row)]) for row in part.rows]
            pictures = [apply(change, picture) for change, (picture, _) in zip(changes, rows, strict=True)]
            together = stacked(pictures)
            side = together.shape[-1]
            return together, [changed(boxes, change, side) for change, (_, boxes) in zip(changes, rows, strict=True)]

        for ((images, lesions),) in batches(prepared, parts, batch=1):
            yield images * scale, lesions

    def _cut(self, unit: Unit) -> tuple[Tensor, Rows]:
        picture, rows = self._get(unit.picture)
        if not self._boxed.patch:
            return picture, rows
        (x, y), side = unit.corner, self._boxed.patch
        return picture[:, y : y + side, x : x + side], _within(rows, unit.corner)

    def _get(self, position: int) -> tuple[Tensor, Rows]:
        """(3, S, S) uint8 picture and (n, 4) boxes in it, prepared when they are first asked for."""
        if position not in self._kept:
            pipeline = self._boxed.pipeline
            prepared = pipeline.apply(read(self._boxed.paths[position]))
            rows = carried(rows_of(self._boxed.boxes[position]), prepared.placements)
            levels = np.rint(prepared.array * (255 / pipeline.scale)).astype(np.uint8)
            self._kept[position] = torch.from_numpy(levels), rows
        return self._kept[position]


def _within(rows: Rows, corner: Corner) -> Rows:
    x, y = corner
    return np.asarray(rows - np.array([x, y, x, y]))
