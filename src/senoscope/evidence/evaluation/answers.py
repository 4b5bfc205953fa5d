"""What a model said of each image, and the same pooled by breast or by patient."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.samples import joined
from senoscope.evidence.metrics.aggregation import Level, Rule, aggregate

RULES: dict[Rule, str] = {
    "mean": "the mean of its images' probabilities",
    "max": "the highest of its images' probabilities",
    "noisy_or": "1 − Π(1 − p) over its images' probabilities p",
}


def asked_of(recipe: Recipe | None) -> str:
    """What an answer is of: an image, or an exam where a recipe's model joins several; plural by adding an s."""
    return "exam" if recipe is not None and recipe.exam.joins else "image"


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers in the order of an index; positive is called from each one's threshold on.

    Args:
        index: the images, or one entry a breast or a patient.
        labels: (N,) 1 where the label is the positive one.
        probabilities: (N,) calibrated probability of the positive label.
        groups: (N,) number of each one's group.
        thresholds: (N,) each one's own.
        abstained: (N,) whether the model withheld its answer; the probability is there all the same.
    """

    index: Index
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    groups: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    abstained: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_]) -> "Answers":
        """Keep those that are chosen by a (N,) mask."""
        return Answers(
            self.index.take(np.flatnonzero(chosen)),
            self.labels[chosen],
            self.probabilities[chosen],
            self.groups[chosen],
            self.thresholds[chosen],
            self.abstained[chosen],
        )


@dataclass(frozen=True, eq=False)
class Pooled:
    """Answers by case, and the positions of each case's images."""

    cases: Answers
    members: tuple[NDArray[np.int64], ...]


def check_level(index: Index, level: Level) -> None:
    """Raise `DatasetError` where a dataset does not say what a level needs: the patients, or also the breast."""
    if level == "image":
        return
    if not index.has_patients:
        raise DatasetError(
            f"{index.dataset} does not say whose image is whose: there is no figure by {level}",
            "leave out --level, or use a dataset with patients",
        )
    nothing = np.zeros(len(index))
    aggregate(index, nothing, nothing, level, "mean")


def pool(images: Answers, level: Level, rule: Rule) -> Pooled:
    """Join the answers of one breast's or one patient's images into one.

    A case is positive where any of its images is, and abstained from where every one of its images is. Where its
    images have thresholds of their own, as in cross-validation divided image by image, their mean is the case's.

    Raises:
        DatasetError: the dataset does not say who the patients are, or which breast an image shows.
    """
    if level == "image":
        return Pooled(images, tuple(np.array([position], np.int64) for position in range(len(images))))
    check_level(images.index, level)
    found = aggregate(images.index, images.labels, images.probabilities, level, rule)
    members = tuple(np.asarray(positions, np.int64) for positions in found.members)
    cases = tuple(_case(images, name, positions) for name, positions in zip(found.names, members, strict=True))
    return Pooled(
        Answers(
            index=replace(images.index, samples=cases),
            labels=found.labels,
            probabilities=found.values,
            groups=found.groups,
            thresholds=np.array([images.thresholds[positions].mean() for positions in members]),
            abstained=np.array([images.abstained[positions].all() for positions in members], np.bool_),
        ),
        members,
    )


def kept_answers(images: Answers, whole: Pooled, level: Level, rule: Rule) -> Answers:
    """Answers by case from the images the model did not abstain from; a case of which none is left is out.

    What is true of a case is true of all its images, withheld or not.
    """
    kept = ~images.abstained
    if level == "image":
        return images.take(kept)
    part = pool(images.take(kept), level, rule).cases
    position = {sample.sample_id: number for number, sample in enumerate(whole.cases.index.samples)}
    rows = np.array([position[sample.sample_id] for sample in part.index.samples], np.int64)
    return replace(part, labels=whole.cases.labels[rows], groups=whole.cases.groups[rows])


def _case(images: Answers, name: str, positions: NDArray[np.int64]) -> Sample:
    samples = [images.index.samples[int(position)] for position in positions]
    return joined(samples, name, samples[int(np.argmax(images.labels[positions]))].label)
