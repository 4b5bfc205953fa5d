"""The answer to one image or one exam: calibrated, explained, and with its own doubts."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Placement, Size


@dataclass(frozen=True)
class Flag:
    """One doubt about an answer.

    Args:
        code: stable name, such as `out_of_distribution`, `too_small`, `blank`, `saturated`, `unexpected_color`.
        message: one plain sentence for a clinician.
        severity: `abstain` withholds the answer, `warning` only accompanies it.
    """

    code: str
    message: str
    severity: Literal["warning", "abstain"]


@dataclass(frozen=True)
class Trust:
    """How far to trust an answer.

    Args:
        percentile: share, in percent, of reference images that are less unusual than this one (0 to 100).
        distance: how unusual the image is, as a multiple of the bundle's limit; above 1 is out of distribution.
        flags: doubts, gravest first.
    """

    percentile: float
    distance: float
    flags: tuple[Flag, ...] = ()

    @property
    def abstained(self) -> bool:
        """Whether any doubt is grave enough to withhold the answer."""
        return any(flag.severity == "abstain" for flag in self.flags)


@dataclass(frozen=True)
class Timings:
    """Milliseconds spent on this image or exam; the network's share of a batch is divided evenly."""

    read: float
    preprocess: float
    network: float


@dataclass(frozen=True, eq=False)
class Shown:
    """One image that was looked at: what was seen in it, and how far it is to be trusted.

    Args:
        source: path or name of the image.
        digest: SHA-256 of the image file, in hex.
        size: size of the image as stored.
        heat: (h, w) evidence on the network's grid, non-negative: for the positive label, or of more than two for the
            one whose logit is highest, which is the most probable one.
        placements: how the image was laid into the network's input, outermost first.
        trust: how far to trust what is said of the image.
    """

    source: str
    digest: str
    size: Size
    heat: NDArray[np.float32]
    placements: tuple[Placement, ...]
    trust: Trust

    @property
    def saliency(self) -> NDArray[np.float32]:
        """Evidence over the image as stored: (height, width), in [0, 1], its own peak at 1."""
        return saliency_of(self.heat, self.placements)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a bundle answers, be it to an image or to an exam.

    Args:
        source: path or name of what was asked about.
        task: name of the task, such as `ultrasound`.
        bundle: name of the bundle.
        version: version of the bundle.
        probabilities: calibrated probability of each label, summing to 1.
        positive: the label the question is about, such as `malignant`.
        label: label at the operating point, or of more than two the most probable one; given even when abstained, so
            check `trust.abstained` first.
        operating_point: name of the threshold in use; `most_probable` where there are more than two labels.
        threshold: calibrated probability from which the positive label is called; None where there is none.
        prevalence: share of positives in the data the probabilities are calibrated to.
        trust: how far to trust the answer.
        timings: where the time went.
    """

    source: str
    task: str
    bundle: str
    version: str
    probabilities: dict[str, float]
    positive: str
    label: str
    operating_point: str
    threshold: float | None
    prevalence: float
    trust: Trust
    timings: Timings

    @property
    def probability(self) -> float:
        """Calibrated probability of the positive label."""
        return self.probabilities[self.positive]

    @property
    def abstained(self) -> bool:
        """Whether the answer is withheld."""
        return self.trust.abstained

    @property
    def explained(self) -> str:
        """The label that heat is the evidence for."""
        return self.positive if len(self.probabilities) == 2 else self.label


@dataclass(frozen=True, eq=False)
class Prediction(Answer, Shown):
    """The answer of one bundle to one image; its fields are those of `Answer` and of `Shown`."""


@dataclass(frozen=True, eq=False)
class ViewPrediction(Shown):
    """One image of an exam that was answered.

    Args:
        share: of this image in the exam's answer, from 0 to 1; the images' shares sum to 1.
    """

    share: float


@dataclass(frozen=True, eq=False)
class ExamPrediction(Answer):
    """The answer of one bundle to one exam; withheld where any of its images is withheld from.

    Args:
        views: its images, as they were read; none where no picture is looked at.
        missing: facts that the bundle goes by and that at least one record of the exam does not state.
    """

    views: tuple[ViewPrediction, ...]
    missing: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the exam."""
        return self.source


def saliency_of(heat: NDArray[np.float32], placements: tuple[Placement, ...]) -> NDArray[np.float32]:
    """Carry evidence on the network's grid back over the image as stored, as `Shown.saliency` gives it."""
    values = heat
    for placement in reversed(placements):
        values = placement.invert(values)
    values = np.clip(values, 0.0, None)
    peak = float(values.max(initial=0.0))
    return values / np.float32(peak) if peak > 0 else values
