"""One clinical question about one modality."""

from dataclasses import dataclass
from typing import Literal

Modality = Literal["thermography", "ultrasound", "mammography", "MRI", "histopathology"]
Stage = Literal["diagnosis", "confirmation", "follow-up"]
Kind = Literal["classify", "segment", "detect"]


@dataclass(frozen=True)
class Task:
    """One clinical question.

    Args:
        name: how the command line calls it.
        title: the question in plain words.
        modality: how the image was made.
        stage: where in the triple assessment it is asked.
        kind: what the answer is.
        labels: possible answers of a classifier, negative first.
        positive: the label the probability is of.
        color: whether the modality makes colour pictures; where it does not, colour is called out.
        smallest_side: pixels below which an image is too small to answer from.
        ordered: whether the labels are steps of a scale, so that a call two steps off is worse than one step off.
        microns_per_pixel: of the pictures the question is asked about, where it may be asked of a whole slide.
        patch: width and height of such a picture, in those pixels; both are given, or neither.
    """

    name: str
    title: str
    modality: Modality
    stage: Stage
    kind: Kind
    labels: tuple[str, ...]
    positive: str
    color: bool
    smallest_side: int
    ordered: bool = False
    microns_per_pixel: float | None = None
    patch: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.positive not in self.labels:
            raise ValueError(f"{self.name}: positive label {self.positive!r} is not one of {self.labels}")
        if (self.microns_per_pixel is None) != (self.patch is None):
            raise ValueError(f"{self.name}: a slide is cut into patches of a size in pixels of a size")

    @property
    def by_pixel(self) -> bool:
        """Whether every pixel has one of several labels, and a picture as a whole has none."""
        return self.kind == "segment" and len(self.labels) > 2
