"""A bundle that first outlines and then answers: what it declares, and what it says of a picture.

`outline.onnx` marks the lesion (see `core.domain.outline_bundle`); of the largest one, measures are taken and a square
is cut out; `model.onnx` answers an exam of that one square (see `core.domain.bundle`), of which the measures are the
record. What is measured, and how, is `core.preprocess.descriptors`; a bundle declares it and brings no code.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from senoscope.core.domain.bundle import (
    BundleManifest,
    Calibration,
    EmbeddingReference,
    ModelFile,
    Probability,
)
from senoscope.core.domain.coding import RecordCoding
from senoscope.core.domain.geometry import Box
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.domain.outline_bundle import WithinSpec
from senoscope.core.domain.recipe_parts import Part
from senoscope.core.preprocess.pipeline import Pipeline


class MeasureSpec(Part):
    """One measure a bundle goes by.

    Args:
        name: which of `core.preprocess.descriptors.DESCRIPTORS`.
        usual: its mean over the lesions of each label it was trained on.
    """

    name: str
    usual: dict[str, float]


class ChainSpec(Part):
    """What comes before the classifier.

    Args:
        outline: the network that marks, a file beside the manifest.
        within: the network that says where to outline; None where the whole picture is.
        pipeline: its preprocessing.
        reference: what its embeddings of the task's own pictures look like.
        threshold: probability from which a pixel is marked.
        smallest: share of the picture below which a region is left out.
        calibration: of the picture's score to the probability that there is a lesion; None where that is not told.
        called_from: the probability from which a lesion is said to be there.
        context: side of the square by the lesion's longer side.
        least: side of the square by the picture's shorter side, at least.
        measures: in the order of the coding.
        coding: of the measures.
    """

    outline: ModelFile
    pipeline: Pipeline
    reference: EmbeddingReference
    threshold: Probability
    smallest: Annotated[float, Field(ge=0, lt=1)]
    calibration: Calibration | None
    called_from: Probability
    context: Annotated[float, Field(ge=1, le=8)]
    least: Annotated[float, Field(gt=0, le=1)]
    measures: Annotated[tuple[MeasureSpec, ...], Field(min_length=1, max_length=32)]
    coding: RecordCoding
    within: WithinSpec | None = None


class ChainManifest(BundleManifest):
    """`bundle.json` of a classifier that outlines first."""

    chain: ChainSpec


@dataclass(frozen=True)
class Measured:
    """What was measured of a lesion.

    Args:
        name: stable name.
        title: in plain words.
        unit: "" where it has none.
        value: the measure.
        usual: mean of each label's lesions in training.
        contribution: by how much the logit of the positive label is higher than if the measure were that of the average
            lesion.
    """

    name: str
    title: str
    unit: str
    value: float
    usual: dict[str, float]
    contribution: float


@dataclass(frozen=True, eq=False)
class ChainPrediction(OutlinePrediction):
    """The answer of one bundle to one image, with the lesion it is of.

    Args:
        box: of the lesion that was answered for; None where none was found.
        measures: what was measured of it; none where none was found.
        presence: probability that there is a lesion at all; 1 where that is not told.
    """

    box: Box | None
    measures: tuple[Measured, ...]
    presence: float
