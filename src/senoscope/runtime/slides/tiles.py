"""What answers a tile: a bundle that gives each a number, or one that gives each a mask."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.domain.image import Image
from senoscope.core.errors import UsageError
from senoscope.core.io.slide import Rgb
from senoscope.runtime.predictor import Model


@dataclass(frozen=True, eq=False)
class Numbers:
    """A number a tile.

    Args:
        values: (N,) probabilities.
        withheld: (N,) whether the tile looks like nothing the bundle knows, so that its number must not be shown.
    """

    values: NDArray[np.float32]
    withheld: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Masks:
    """A mask a tile.

    Args:
        shares: (N, classes, h, w) probability of each class at each pixel of the tile, in [0, 1].
        withheld: (N,) whether the tile looks like nothing the bundle knows, so that its mask must not be shown.
    """

    shares: NDArray[np.float32]
    withheld: NDArray[np.bool_]


class TileModel(Protocol):
    """What a slide is asked by; implement this to run another kind of bundle over slides.

    `prepare` is called in several threads, `answer` in one.
    """

    @property
    def identity(self) -> str:
        """Changes whenever an answer might: a run that stopped goes on only with the same."""

    @property
    def microns(self) -> float:
        """µm per pixel of its tiles."""

    @property
    def patch(self) -> Size:
        """Width and height of its tiles in pixels."""

    @property
    def classes(self) -> int:
        """Classes of its masks; 0 where it gives numbers."""

    def prepare(self, tile: Rgb) -> NDArray[np.float32]:
        """Lay a tile into the network's input."""

    def answer(self, batch: NDArray[np.float32]) -> Numbers | Masks:
        """Answer a batch of what `prepare` gave."""


@dataclass(frozen=True)
class Question:
    """What was asked, of which bundle.

    Args:
        task: name of the task.
        bundle: name of the bundle.
        version: of the bundle.
        positive: the label that probabilities are of.
        operating_point: name of the threshold.
        threshold: probability from which a tile, or of masks a pixel, counts as positive.
        labels: what the codes of a map of several labels mean, in their order; empty of a map of probabilities.
    """

    task: str
    bundle: str
    version: str
    positive: str
    operating_point: str
    threshold: float
    labels: tuple[str, ...] = ()


class SlideModel(TileModel, Protocol):
    """A `TileModel` that says what it answers."""

    @property
    def question(self) -> Question:
        """What is asked."""

    @property
    def smallest(self) -> float:
        """mm² below which a region of its masks is left out."""


class PatchClassifier:
    """A classifier's bundle whose task is asked about patches of a slide.

    Args:
        model: the loaded bundle.
        operating_point: name of the threshold; the bundle's default where empty.

    Raises:
        UsageError: its task is not asked about slides, it answers exams or tells more than two labels apart, or it has
            no such operating point.
    """

    classes, smallest = 0, 0.0

    def __init__(self, model: Model, operating_point: str = "") -> None:
        task, manifest = model.task, model.manifest
        if task.microns_per_pixel is None or task.patch is None:
            raise UsageError(f"{task.name} is not asked about whole slides", "it is asked about single pictures")
        point = model.point(operating_point)
        if manifest.exam is not None or point.threshold is None:
            raise UsageError(f"{manifest.name} does not part single pictures in two", "give a bundle that does")
        name, version, positive = manifest.name, manifest.version, manifest.positive
        self.question = Question(task.name, name, version, positive, point.name, point.threshold)
        self.microns, self.patch = task.microns_per_pixel, Size(*task.patch)
        self.identity = f"{manifest.name} {manifest.version} {manifest.model.sha256}"
        self._model = model
        self._positive = manifest.labels.index(manifest.positive)

    def prepare(self, tile: Rgb) -> NDArray[np.float32]:
        """Lay a tile into the network's input, as a still is."""
        return self._model.manifest.pipeline.apply(Image(tile, 255.0)).array

    def answer(self, batch: NDArray[np.float32]) -> Numbers:
        """Probability of the positive label, withheld where the tile looks like nothing the bundle knows."""
        found = self._model.judge(batch)
        return Numbers(found.probabilities[:, self._positive].astype(np.float32), ~found.known)
