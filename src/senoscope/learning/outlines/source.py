"""Pictures with the regions marked in them, prepared once and changed together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from senoscope.core.domain.image import Image
from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.evidence.datasets.lesions import true_mask
from senoscope.evidence.index import Index
from senoscope.learning.data.jitter import Change, apply, draw
from senoscope.learning.data.source import Part


class MarkedSource:
    """Batches of pictures and what is marked in them.

    Args:
        index: which, with the mask files of what is marked.
        pipeline: preprocessing of the pictures; the masks follow their geometry.
        jitter: changes of training pictures.
        seed: of these changes, with epoch and place.
    """

    def __init__(self, index: Index, pipeline: Pipeline, jitter: JitterRecipe, seed: int) -> None:
        self.count = len(index)
        self._index, self._paths, self._pipeline = index, index.paths(), pipeline
        self._jitter, self._seed = jitter, seed
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def batches(self, parts: Sequence[Part], epoch: int | None) -> Iterator[tuple[Tensor, Tensor]]:
        """(n, 3, S, S) float32 in [0, scale] and (n, 1, S, S) in [0, 1] for each part, in threads ahead of their use.

        Each is changed as drawn from epoch and place, or as it is where there is no epoch.
        """
        scale = self._pipeline.scale

        def prepared(part: Part) -> tuple[Tensor, Tensor]:
            changes = [
                Change() if epoch is None else draw(self._jitter, self._seed, epoch, int(place))
                for place in part.places
            ]
            rows = [self._get(int(row)) for row in part.rows]
            pictures = [apply(change, picture) for change, (picture, _) in zip(changes, rows, strict=True)]
            masks = [apply(_geometry(change), mask) for change, (_, mask) in zip(changes, rows, strict=True)]
            # Stacked without torch: its threads would get in the way of those that train.
            stacked = [torch.from_numpy(np.stack([one.numpy() for one in several])) for several in (pictures, masks)]
            return stacked[0], stacked[1]

        for ((images, marks),) in batches(prepared, parts, batch=1):
            yield (images * scale).contiguous(memory_format=torch.channels_last), marks

    def _get(self, position: int) -> tuple[Tensor, Tensor]:
        """(3, S, S) picture and (1, S, S) mask, uint8, prepared when they are first asked for."""
        if position not in self._kept:
            pipeline, image = self._pipeline, read(self._paths[position])
            marked = true_mask(self._index.samples[position], self._index.root, image.size)
            mask = Image(marked.astype(np.uint8) * np.uint8(255), 255.0)
            pair = pipeline.apply(image).array, pipeline.apply(mask).array[:1]
            levels = [np.rint(values * (255 / pipeline.scale)).astype(np.uint8) for values in pair]
            self._kept[position] = torch.from_numpy(levels[0]), torch.from_numpy(levels[1])
        return self._kept[position]


def _geometry(change: Change) -> Change:
    """What of a change moves pixels."""
    return replace(change, brightness=1.0, contrast=1.0, stain=None)
