"""Exams as fine-tuning takes them: batches of all their images, with records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, TypeAdapter
from torch import Tensor

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.io.ahead import batches
from senoscope.learning.data.jitter import Change, apply, draw
from senoscope.learning.data.pictures import Pictures, Shelf, WholeNumbers, stacked
from senoscope.learning.data.source import Part
from senoscope.learning.exams.network import ExamClassifier

_ROWS: TypeAdapter[list[list[float]]] = TypeAdapter(list[list[float]])

Rows = Annotated[
    NDArray[np.float32],
    PlainValidator(lambda values: np.array(_ROWS.validate_python(values), np.float32)),
    PlainSerializer(lambda values: values.tolist()),
]
"""(n, M), in JSON a list of lists, which gives the same numbers back."""


@dataclass(frozen=True, eq=False)
class ExamBatch:
    """Images (n, 3, S, S) in [0, 1], coded records (n, M), exam after exam, and images of each exam (E,)."""

    images: Tensor
    records: Tensor
    counts: Tensor


@dataclass(eq=False)
class ExamSource:
    """Exams as a source of training; each image of an exam is changed by itself.

    Args:
        pictures: images of these exams.
        members: of each exam, positions among the pictures.
        codes: (n, M) coded records of the pictures.
        labels: (E,) of the exams.
        jitter: changes of training pictures.
        seed: of these changes, with epoch, place and number of the image in its exam.
    """

    pictures: Pictures
    members: Sequence[WholeNumbers]
    codes: Rows
    labels: WholeNumbers
    jitter: JitterRecipe
    seed: int
    kind: Literal["exams"] = "exams"

    def __post_init__(self) -> None:
        self._shelf = Shelf(self.pictures)

    @property
    def count(self) -> int:
        """E."""
        return len(self.labels)

    def batches(self, parts: Sequence[Part], epoch: int | None) -> Iterator[ExamBatch]:
        """Images and records of the exams of each part, prepared in threads ahead of their use."""
        for (batch,) in batches(lambda part: self._prepared(part, epoch), parts, batch=1):
            yield batch

    def _prepared(self, part: Part, epoch: int | None) -> ExamBatch:
        images, chosen = [], [self.members[row] for row in part.rows]
        for place, positions in zip(part.places, chosen, strict=True):
            for number, position in enumerate(positions):
                drawn = epoch is not None
                change = draw(self.jitter, self.seed, epoch or 0, int(place), number) if drawn else Change()
                images.append(apply(change, self._shelf.get(int(position))))
        counts = torch.tensor([len(positions) for positions in chosen])
        return ExamBatch(stacked(images), torch.from_numpy(self.codes[np.concatenate(chosen)]), counts)

    def logits(self, network: ExamClassifier, batch: ExamBatch) -> Tensor:
        """(E, 1) or (E, K) logits, on the network's device."""
        device = network.mean.device
        images = (batch.images * self.pictures.pipeline.scale).to(device, memory_format=torch.channels_last)
        return network.logits(images, batch.records.to(device), batch.counts.to(device))
