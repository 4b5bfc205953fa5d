"""How far to trust an answer: is the picture of the right kind, and good enough to read?

The distance of an embedding is defined in `core.domain.bundle.EmbeddingReference`; it is the Mahalanobis distance on
principal directions joined with the reconstruction error, as in Lee et al. 2018 (arXiv:1807.03888) and Wang et al.
2022 (arXiv:2203.10807) in spirit, and in closed form.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import EmbeddingReference
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Flag, Trust
from senoscope.core.tasks import Task

BLANK_SPREAD = 0.02
"""Standard deviation, as a share of full scale, below which a picture shows nothing."""
SATURATED_SHARE = 0.25
"""Share of pixels at full scale above which grey levels are lost."""
COLOR_STEP = 0.08
"""Difference between channels, as a share of full scale, from which a pixel counts as coloured."""
COLOR_MARKS, COLOR_PICTURE = 0.002, 0.10
"""Shares of coloured pixels: above the first it carries coloured marks, above the second it is a colour picture."""
SAMPLED_SIDE = 256
"""Quality is judged on every n-th pixel, about this many along the longer side."""


class Reference:
    """The embedding reference of a bundle, unpacked once."""

    def __init__(self, manifest: EmbeddingReference) -> None:
        self._mean = manifest.mean.numpy()
        self._basis = manifest.basis.numpy()
        self._variance = manifest.variance.numpy()
        self._residual = manifest.residual
        self._quantiles = np.array(manifest.quantiles)
        self._limit = manifest.limit
        self.size = len(self._mean)

    def distances(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Distances of (N, D) embeddings, shape (N,)."""
        return distances(embeddings, self._mean, self._basis, self._variance, self._residual)

    def judge(self, distance: float) -> tuple[float, float]:
        """Percentile (0 to 100) among held-out images, and the distance as a multiple of the limit."""
        percentile = float(np.interp(distance, self._quantiles, np.arange(101.0)))
        return percentile, distance / self._limit


def distances(
    embeddings: NDArray[np.float32],
    mean: NDArray[np.float32],
    basis: NDArray[np.float32],
    variance: NDArray[np.float32],
    residual: float,
) -> NDArray[np.float64]:
    """Distances of (N, D) embeddings from a reference, shape (N,); see `EmbeddingReference`."""
    centred = embeddings.astype(np.float64) - mean
    scores = centred @ basis
    left_over = np.maximum((centred**2).sum(axis=1) - (scores**2).sum(axis=1), 0.0)
    found: NDArray[np.float64] = np.sqrt(((scores**2 / variance).mean(axis=1) + left_over / residual) / 2)
    return found


def assess(seen: Sequence[Flag], task: Task, percentile: float, distance: float, *, of: str = "images") -> Trust:
    """Join the embedding's verdict with what `quality` saw in the picture; `of` says what the embeddings are of."""
    flags = [*_novelty(f"{task.modality} {of}", percentile, distance), *seen]
    flags.sort(key=lambda flag: flag.severity != "abstain")
    return Trust(percentile, distance, tuple(flags))


def _novelty(known: str, percentile: float, distance: float) -> list[Flag]:
    if distance > 1:
        kind = f"This does not look like the {known} the model knows."
        return [Flag("out_of_distribution", kind, "abstain")]
    if percentile >= 95:
        text = f"More unusual than {percentile:.0f} % of the {known} the model knows."
        return [Flag("unusual", text, "warning")]
    return []


def quality(image: Image, task: Task) -> list[Flag]:
    """Say what is wrong with the picture itself: too small, blank, saturated, coloured."""
    flags = []
    if min(image.size.width, image.size.height) < task.smallest_side:
        text = f"The picture is {image.size} pixels; at least {task.smallest_side} a side are needed."
        flags.append(Flag("too_small", text, "abstain"))
    step = max(1, max(image.size.width, image.size.height) // SAMPLED_SIDE)
    sample = image.pixels[::step, ::step].astype(np.float32) / np.float32(image.maximum)
    if float(sample.std()) < BLANK_SPREAD:
        flags.append(Flag("blank", "The picture shows nothing: its grey levels hardly vary.", "abstain"))
    elif float((sample >= 1).mean()) > SATURATED_SHARE:
        flags.append(Flag("saturated", "Large parts are at full brightness: detail is lost there.", "warning"))
    if sample.ndim == 3 and not task.color:
        flags += _color(float((np.ptp(sample, axis=2) > COLOR_STEP).mean()), task)
    return flags


def _color(share: float, task: Task) -> list[Flag]:
    if share > COLOR_PICTURE:
        text = f"A colour picture, where {task.modality} is grey (a photograph, or Doppler or elastography colours)."
        return [Flag("unexpected_color", text, "abstain")]
    if share > COLOR_MARKS:
        return [Flag("color_marks", "Coloured marks are drawn on the picture.", "warning")]
    return []
