"""The manifest of a bundle: everything inference needs beside the network itself.

A bundle is a folder with `bundle.json` (this), `model.onnx` and `card.md`. The network's input is `image (N, C, H, W)`
float32; its outputs are `logits (N, 1)`, or `(N, K)` where the task has K > 2 labels, `saliency (N, h, w)` and
`embedding (N, D)`.

Where the manifest has an `exam`, one run answers one exam of N images, or of N records without pictures: inputs are
`image (N, C, H, W)`, absent where no picture is looked at, and `metadata (N, M)`, absent where no fact is gone by;
outputs are `logits (1, 1)` or `(1, K)`, `saliency (N, h, w)` and `embedding (N, D)` of each image, or `(1, 1, 1)` and
`(1, D)` where there is none, and `attention (N,)`, the share of each image in the answer, its sum 1.
"""

import base64
import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from senoscope.core.domain.coding import RecordCoding
from senoscope.core.domain.recipe import Recipe
from senoscope.core.preprocess.pipeline import Pipeline

FORMAT: Literal[1] = 1
"""Version of the manifest; a bundle with another one is refused."""

Probability = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Interval(_Part):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


class ModelFile(_Part):
    """The network: a file beside the manifest, by name only."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}\.onnx$")] = "model.onnx"
    sha256: Sha256
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Calibration(_Part):
    """Logit to probability: sigmoid(slope × logit + intercept); a temperature is a slope of 1/T without intercept."""

    kind: Literal["platt", "temperature"]
    slope: Annotated[float, Field(gt=0)]
    intercept: float
    fitted_on: str
    images: int
    prevalence: Probability

    def apply(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated probability of the positive label, same shape as the logits."""
        scores = np.asarray(logits, np.float64) * self.slope + self.intercept
        return np.exp(-np.logaddexp(0.0, -scores))


class SoftmaxCalibration(_Part):
    """Logits of several labels to their probabilities: softmax(logits / temperature); the order stays as it is.

    Args:
        shares: of each label among the images it was fitted on.
    """

    kind: Literal["softmax"]
    temperature: Annotated[float, Field(gt=0)]
    fitted_on: str
    images: int
    shares: dict[str, Probability]

    def apply(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, K) logits → (N, K) probabilities, each row's sum 1."""
        scores = np.asarray(logits, np.float64) / self.temperature
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return found


class OperatingPoint(_Part):
    """A named threshold on the calibrated probability, chosen on validation data only."""

    name: str
    rule: str
    threshold: Probability
    sensitivity: Interval
    specificity: Interval


class MostProbable(_Part):
    """What stands in the place of a threshold where there are more than two labels: the likeliest one is called.

    Args:
        sensitivities: of each label, the share of it that is called by its name, on validation data.
    """

    name: Literal["most_probable"] = "most_probable"
    rule: str = "the label with the highest probability, the first of equals"
    sensitivities: dict[str, Interval]

    @property
    def threshold(self) -> None:
        """There is none."""


Point = OperatingPoint | MostProbable
"""How a label is called from probabilities."""


class FloatArray(_Part):
    """An array of numbers as base64 of little-endian float16 or float32."""

    shape: tuple[Annotated[int, Field(ge=1, le=100_000)], ...]
    dtype: Literal["<f2", "<f4"]
    data: Annotated[str, Field(max_length=8_000_000)]

    @field_validator("data")
    @classmethod
    def _decodes(cls, data: str) -> str:
        base64.b64decode(data, validate=True)
        return data

    @classmethod
    def of(cls, values: NDArray[np.floating], dtype: Literal["<f2", "<f4"] = "<f4") -> "FloatArray":
        """Pack an array."""
        packed = base64.b64encode(np.ascontiguousarray(values, np.dtype(dtype)).tobytes()).decode()
        return cls(shape=values.shape, dtype=dtype, data=packed)

    def numpy(self) -> NDArray[np.float32]:
        """Unpack; raises `ValueError` where the data does not fit the shape."""
        values = np.frombuffer(base64.b64decode(self.data), np.dtype(self.dtype))
        if values.size != math.prod(self.shape):
            raise ValueError(f"{values.size} numbers do not fill {self.shape}")
        return values.astype(np.float32).reshape(self.shape)


class EmbeddingReference(_Part):
    """What embeddings of the task's own images look like.

    The squared distance of an embedding `e` is the mean of two numbers, both 1 on average over the task's own images:
    the mean over directions of ((e − mean) @ basis)² / variance, and |what the basis leaves over|² / residual.

    Args:
        mean: (D,) centre.
        basis: (D, k) principal directions.
        variance: (k,) variance along each.
        residual: mean squared length of what the basis leaves over.
        quantiles: (101,) distances of held-out images of the task at 0, 1, … 100 %.
        limit: distance above which an image is out of distribution.
    """

    mean: FloatArray
    basis: FloatArray
    variance: FloatArray
    residual: Annotated[float, Field(gt=0)]
    quantiles: tuple[float, ...]
    limit: Annotated[float, Field(gt=0)]
    fitted_on: str


class DatasetFingerprint(_Part):
    """Which data: name, licence, how much of it, and a hash over the files' hashes and labels."""

    name: str
    title: str
    licence: str
    citation: str
    images: int
    patients: int
    sha256: Sha256


class MetricTable(_Part):
    """Figures of one evaluation, with the protocol that produced them.

    `values` are over all images, `answered` over those the model did not abstain from; `abstained` is absent where
    abstention was not part of the evaluation, as in cross-validation.
    """

    dataset: str
    protocol: str
    leaky: bool
    images: int
    patients: int
    positives: int
    values: dict[str, Interval]
    abstained: int | None = None
    answered: dict[str, Interval] = {}


class ExamSpec(_Part):
    """What one answer is of where it is not of an image alone, and what is asked beside the pixels.

    Args:
        by: whether an exam is an image with its record, a breast or a patient.
        most: images of an exam at most; of more, so many evenly spaced ones are taken.
        coding: of the records; without facts where nothing is asked.
    """

    by: Literal["image", "breast", "patient"]
    most: Annotated[int, Field(ge=1, le=64)]
    coding: RecordCoding


class BundleBase(_Part):
    """What every bundle says of itself, whatever the kind of its answers."""

    format: Literal[1] = FORMAT
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    version: str
    created: str
    license: str
    intended_use: str
    task: str
    labels: tuple[str, ...]
    positive: str
    model: ModelFile
    pipeline: Pipeline
    reference: EmbeddingReference
    metrics: tuple[MetricTable, ...]
    datasets: tuple[DatasetFingerprint, ...]
    recipe: Recipe


class BundleManifest(BundleBase):
    """`bundle.json` of a classifier."""

    calibration: Annotated[Calibration | SoftmaxCalibration, Field(discriminator="kind")]
    operating_points: tuple[Point, ...]
    operating_point: str
    exam: ExamSpec | None = None

    @property
    def prevalence(self) -> float:
        """Share of the positive label among the images the calibration was fitted on."""
        found = self.calibration
        return found.prevalence if isinstance(found, Calibration) else found.shares[self.positive]

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, 1) or (N, K) logits → (N, K) calibrated probabilities in the order of `labels`."""
        if isinstance(self.calibration, SoftmaxCalibration):
            return self.calibration.apply(logits)
        chances = self.calibration.apply(logits[:, 0])
        return np.column_stack([chances if label == self.positive else 1.0 - chances for label in self.labels])

    def point(self, name: str = "") -> Point:
        """Return the operating point called `name`, which must exist, or the default one."""
        wanted = name or self.operating_point
        return next(point for point in self.operating_points if point.name == wanted)
