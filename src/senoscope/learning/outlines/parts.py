"""Parts of pictures in and around a box, with what is marked in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from senoscope.core.domain.geometry import Box, part_of
from senoscope.core.domain.image import Image
from senoscope.core.domain.recipe import Recipe
from senoscope.core.io import read
from senoscope.core.preprocess.boxes import rows_of
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.surrounding import enlarged
from senoscope.evidence.datasets.lesions import mask_box, true_mask
from senoscope.evidence.index import Index
from senoscope.learning.boxes.folds import Look
from senoscope.learning.outlines.marks import levels
from senoscope.learning.outlines.source import KEPT, MarkedSource
from senoscope.runtime.marking import laid_part

Edges = Sequence[float]
"""Left, top, right and bottom."""


@dataclass(frozen=True, eq=False)
class _Whole:
    """A picture with its (H, W) marks, the part of it that shows something, and (L, 4) edges of its lesions."""

    image: Image
    marked: NDArray[np.bool_]
    shown: Box
    lesions: NDArray[np.float64]


def found_part(look: Look, shown: Box, context: float) -> Box | None:
    """What is outlined of a picture: in and around its surest box; None where there is none."""
    if not len(look.boxes):
        return None
    left, top, width, height = look.boxes[0]
    return enlarged((left, top, left + width, top + height), shown, context)


def shown_part(image: Image, pipeline: Pipeline) -> Box:
    """The part of a picture that a pipeline shows to a network."""
    return pipeline.apply(image).placements[0].source_box


def astray(edges: Edges, amount: float, *seed: int) -> Edges:
    """A box that is moved and resized at random, as one that a network found might be.

    Args:
        edges: of the lesion.
        amount: standard deviation of either, in shares of its sides.
        seed: numbers ≥ 0, such as those of run, epoch and picture.
    """
    right, down, wide, high = np.random.default_rng(seed).normal(0, amount, 4)
    left, top, behind, below = edges
    across, along = behind - left, below - top
    x, y = (left + behind) / 2 + right * across / 2, (top + below) / 2 + down * along / 2
    across, along = across * exp(wide), along * exp(high)
    return x - across / 2, y - along / 2, x + across / 2, y + along / 2


class PartSource(MarkedSource):
    """Batches of what lies in and around a box, and what is marked there.

    To be asked about (no epoch), it is the surest box that a network put which had not seen the picture, or all that is
    shown where it put none; to be trained on, one of the picture's lesions, the box astray.

    Args:
        index: which, with the mask files of what is marked.
        looks: what was found in each.
        outer: preprocessing of the network that puts boxes, which says what of a picture is shown.
        inner: preprocessing of the parts.
        recipe: context, how far astray, changes and seed.
    """

    def __init__(self, index: Index, looks: Sequence[Look], outer: Pipeline, inner: Pipeline, recipe: Recipe) -> None:
        super().__init__(index, inner, recipe.jitter, recipe.fit.seed)
        self._looks, self._outer, self._recipe = looks, outer, recipe
        self._wholes: dict[int, _Whole] = {}
        self._held = 0

    def _get(self, position: int, epoch: int | None) -> tuple[Tensor, Tensor]:
        """(3, S, S) picture and (1, S, S) marks, uint8, of a part."""
        whole, outline = self._whole(position), self._recipe.outline
        part = found_part(self._looks[position], whole.shown, outline.context) or whole.shown
        if epoch is not None:
            seed = (self._seed, epoch, position)
            chosen = whole.lesions[np.random.default_rng((*seed, 0)).integers(len(whole.lesions))]
            part = enlarged(astray(chosen.tolist(), outline.astray, *seed, 1), whole.shown, outline.context)
        laid = laid_part(whole.image, part, self._pipeline)
        picture = np.rint(laid.array * (255 / self._pipeline.scale)).astype(np.uint8)
        marks = levels(whole.marked, (part_of(whole.image.size, part), *laid.placements))
        return torch.from_numpy(picture), torch.from_numpy(marks)

    def _whole(self, position: int) -> _Whole:
        found = self._wholes.get(position)
        if found is None:
            sample, image = self._index.samples[position], read(self._paths[position])
            boxes = [mask_box(self._index.root / mask, image.size) for mask in sample.masks]
            found = _Whole(
                image,
                true_mask(sample, self._index.root, image.size),
                shown_part(image, self._outer),
                rows_of([box for box in boxes if box is not None]),
            )
            self._held += image.pixels.nbytes + found.marked.nbytes
            if self._held <= KEPT:
                self._wholes[position] = found
        return found
