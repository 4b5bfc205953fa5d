"""A bundle that marks regions, asked about the tiles of a slide."""

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import stored
from senoscope.core.errors import BundleError, UsageError
from senoscope.core.io.slide import Rgb
from senoscope.runtime.large import tile_of
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.predictor import Model
from senoscope.runtime.slides.tiles import Masks, PatchClassifier, Question, SlideModel
from senoscope.runtime.store import load_any

BY_PIXEL = "every_pixel"
"""Stands where a classifier's operating point does: pixels are called, not slides."""


class PatchOutliner:
    """A bundle that marks regions and whose task is asked about patches of a slide.

    Args:
        model: the loaded bundle.

    Raises:
        UsageError: its task is not asked about slides.
    """

    def __init__(self, model: Outliner) -> None:
        task, manifest = model.task, model.manifest
        tile = tile_of(task, manifest)
        if task.microns_per_pixel is None or tile is None:
            raise UsageError(f"{task.name} is not asked about whole slides", "it is asked about single pictures")
        several = len(manifest.labels) > 2
        self.classes = len(manifest.labels) if several else 1
        self.question = Question(
            task.name,
            manifest.name,
            manifest.version,
            manifest.positive,
            BY_PIXEL,
            manifest.threshold,
            manifest.labels if several else (),
        )
        self.microns, self.patch = task.microns_per_pixel, tile
        self.identity = f"{manifest.name} {manifest.version} {manifest.model.sha256} {tile}"
        self.smallest = manifest.smallest * self.patch.width * self.patch.height * self.microns**2 / 1e6
        self._model = model
        # All tiles are of one size, so all are laid into the network's input alike.
        blank = Image(np.zeros((self.patch.height, self.patch.width, 3), np.uint8), 255.0)
        self._placements = manifest.pipeline.apply(blank).placements

    def prepare(self, tile: Rgb) -> NDArray[np.float32]:
        """Lay a tile into the network's input, as a still is."""
        return self._model.manifest.pipeline.apply(Image(tile, 255.0)).array

    def answer(self, batch: NDArray[np.float32]) -> Masks:
        """Probability of every label at every pixel of the tiles; raises `BundleError` where one is no number."""
        chances, embeddings = self._model.chances(batch)
        if not (np.isfinite(chances).all() and np.isfinite(embeddings).all()):
            raise BundleError("the network's answer to this slide is not a number", "verify the bundle")
        if chances.shape[2:] != (self.patch.height, self.patch.width) or len(self._placements) > 1:
            laid = [np.stack([stored(each, self._placements) for each in maps]) for maps in chances]
            chances = np.stack(laid)
        return Masks(chances, ~self._model.known(embeddings))


def slide_model(model: object, operating_point: str = "") -> SlideModel:
    """What asks slides by a loaded bundle.

    Args:
        model: the bundle, of any kind.
        operating_point: name of a classifier's threshold; its default where empty.

    Raises:
        UsageError: it is not asked about slides, or has no such operating point.
    """
    if isinstance(model, Outliner):
        if operating_point:
            raise UsageError(f"{model.manifest.name} calls pixels, and has no operating point for them", "leave it out")
        return PatchOutliner(model)
    if isinstance(model, Model):
        return PatchClassifier(model, operating_point)
    raise UsageError("a bundle that finds lesions is not asked about whole slides", "give a classifier or an outliner")


def load_for_slides(bundle: str, operating_point: str = "", threads: int = 0) -> SlideModel:
    """Load a bundle to ask slides by; see `store.load_any` and `slide_model`."""
    return slide_model(load_any(bundle, threads), operating_point)
