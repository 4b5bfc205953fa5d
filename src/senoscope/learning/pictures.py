"""Picture files as fine-tuning takes them: prepared once where they fit into memory, in threads ahead of their use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.learning.jitter import Change, apply, draw

HELD = 2 * 2**30
"""Bytes of prepared pictures that are held; those beyond are read again in every epoch."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Image files, how they are prepared, and labels (N,) of 0 and 1."""

    paths: Sequence[Path]
    pipeline: Pipeline
    labels: NDArray[np.int64]


class Shelf:
    """Pictures by position, each read and prepared when it is first asked for.

    Args:
        pictures: which.
        held: bytes that may be kept.
    """

    def __init__(self, pictures: Pictures, held: int = HELD) -> None:
        self._pictures = pictures
        self._held = held
        self._kept: dict[int, Tensor] = {}

    def get(self, position: int) -> Tensor:
        """(3, S, S) uint8: geometry that varies is drawn later, on what was prepared once. Safe to call in threads."""
        if position in self._kept:
            return self._kept[position]
        pipeline = self._pictures.pipeline
        prepared = pipeline.apply(read(self._pictures.paths[position])).array
        picture = torch.from_numpy(np.rint(prepared * (255 / pipeline.scale)).astype(np.uint8))
        if (len(self._kept) + 1) * picture.nbytes <= self._held:
            self._kept[position] = picture
        return picture

    def plain(self, batch: int) -> Iterator[Tensor]:
        """All pictures in order, (n, 3, S, S) float32 in [0, 1], in batches."""
        for group in batches(lambda row: apply(Change(), self.get(row)), range(len(self._pictures.paths)), batch=batch):
            yield torch.stack(group)

    def jittered(self, rows: NDArray[np.int64], batch: int, recipe: JitterRecipe, *seed: int) -> Iterator[Tensor]:
        """Pictures of these positions, changed as drawn from the seed and the place in the order, in batches."""

        def change(place: int) -> Tensor:
            return apply(draw(recipe, *seed, place), self.get(int(rows[place])))

        for group in batches(change, range(len(rows)), batch=batch):
            yield torch.stack(group)
