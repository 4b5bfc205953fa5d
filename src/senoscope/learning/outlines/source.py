"""Pictures with what is marked in them, prepared once and changed together."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.evidence.index import Index
from senoscope.learning.data.jitter import Change, apply, draw
from senoscope.learning.data.source import Part
from senoscope.learning.outlines.marks import changed, prepared

KEPT = 8 << 30
"""Bytes of prepared pictures that are held; what is beyond is prepared anew at every epoch."""


class MarkedSource:
    """Batches of pictures and what is marked in them.

    Args:
        index: which, with the mask files of what is marked.
        pipeline: preprocessing of the pictures; the masks follow their geometry.
        jitter: changes of training pictures.
        seed: of these changes, with epoch and place.
        answers: maps of the network; see `marks`.
    """

    def __init__(self, index: Index, pipeline: Pipeline, jitter: JitterRecipe, seed: int, answers: int = 1) -> None:
        self.count = len(index)
        self._index, self._paths, self._pipeline = index, index.paths(), pipeline
        self._jitter, self._seed, self._answers = jitter, seed, answers
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def batches(self, parts: Sequence[Part], epoch: int | None) -> Iterator[tuple[Tensor, Tensor]]:
        """(n, 3, S, S) float32 in [0, scale] and (n, 1, S, S) marks for each part, in threads ahead of their use.

        Marks are float32 in [0, 1] of one map, and uint8 numbers of labels of more. Each is changed as drawn from epoch
        and place, or as it is where there is no epoch.
        """
        scale = self._pipeline.scale

        def stacked(part: Part) -> tuple[Tensor, Tensor]:
            changes = [
                Change() if epoch is None else draw(self._jitter, self._seed, epoch, int(place))
                for place in part.places
            ]
            rows = [self._get(int(row), epoch) for row in part.rows]
            pictures = [apply(change, picture) for change, (picture, _) in zip(changes, rows, strict=True)]
            marks = [changed(change, mask, self._answers) for change, (_, mask) in zip(changes, rows, strict=True)]
            # Stacked without torch: its threads would get in the way of those that train.
            seen = np.stack([picture.numpy() for picture in pictures])
            return torch.from_numpy(seen), torch.from_numpy(np.stack(marks))

        for ((images, marks),) in batches(stacked, parts, batch=1):
            yield (images * scale).contiguous(memory_format=torch.channels_last), marks

    def _get(self, position: int, epoch: int | None) -> tuple[Tensor, Tensor]:
        """(3, S, S) picture and (1, S, S) marks, uint8, prepared when they are first asked for."""
        found = self._kept.get(position)
        if found is None:
            pipeline, image = self._pipeline, read(self._paths[position])
            laid = pipeline.apply(image)
            picture = np.rint(laid.array * (255 / pipeline.scale)).astype(np.uint8)
            marks = prepared(self._index, position, image.size, laid.placements, self._answers)
            found = torch.from_numpy(picture), torch.from_numpy(marks)
            if (len(self._kept) + 1) * (picture.nbytes + marks.nbytes) <= KEPT:
                self._kept[position] = found
        return found
