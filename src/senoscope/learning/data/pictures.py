"""Picture files as fine-tuning takes them: prepared once where they fit into memory, in threads ahead of their use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, TypeAdapter
from torch import Tensor

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.learning.data.jitter import Change, apply, draw
from senoscope.learning.data.source import Part
from senoscope.learning.models.classifier import Classifier

HELD = 2 * 2**30
"""Bytes of prepared pictures that are held; those beyond are read again in every epoch."""


_WHOLE: TypeAdapter[list[int]] = TypeAdapter(list[int])

WholeNumbers = Annotated[
    NDArray[np.int64],
    PlainValidator(lambda values: np.array(_WHOLE.validate_python(values), np.int64)),
    PlainSerializer(lambda values: values.tolist()),
]
"""(N,), in JSON a list."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Image files, how they are prepared, and labels (N,) of 0 and 1."""

    paths: Sequence[Path]
    pipeline: Pipeline
    labels: WholeNumbers


def stacked(pictures: Sequence[Tensor]) -> Tensor:
    """(3, S, S) each → (n, 3, S, S), channels last as training wants them; without torch's threads, see `jitter`."""
    planes = [picture.numpy().transpose(1, 2, 0) for picture in pictures]
    held = np.empty((len(planes), *planes[0].shape), planes[0].dtype)
    return torch.from_numpy(np.stack(planes, out=held)).permute(0, 3, 1, 2)


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


@dataclass(eq=False)
class PictureSource:
    """Every picture by itself, as a source of training.

    Args:
        pictures: which.
        jitter: changes of training pictures.
        seed: of these changes, with epoch and place.
    """

    pictures: Pictures
    jitter: JitterRecipe
    seed: int
    kind: Literal["pictures"] = "pictures"

    def __post_init__(self) -> None:
        self._shelf = Shelf(self.pictures)

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) of the pictures."""
        return self.pictures.labels

    @property
    def count(self) -> int:
        """N."""
        return len(self.pictures.paths)

    def batches(self, parts: Sequence[Part], epoch: int | None) -> Iterator[Tensor]:
        """(n, 3, S, S) float32 in [0, 1] for each part, prepared in threads ahead of their use."""

        def prepared(part: Part) -> Tensor:
            changes = (
                Change() if epoch is None else draw(self.jitter, self.seed, epoch, int(place)) for place in part.places
            )
            pictures = [
                apply(change, self._shelf.get(int(row))) for row, change in zip(part.rows, changes, strict=True)
            ]
            return stacked(pictures)

        for (batch,) in batches(prepared, parts, batch=1):
            yield batch

    def logits(self, network: Classifier, batch: Tensor) -> Tensor:
        """(n, 1) logits, on the network's device."""
        images = (batch * self.pictures.pipeline.scale).to(network.mean.device, memory_format=torch.channels_last)
        return network.logits(images)
