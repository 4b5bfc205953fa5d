"""One answer a breast or a patient from those of its images."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.sums import Values

Level = Literal["image", "breast", "patient"]
Rule = Literal["mean", "max", "noisy_or"]


@dataclass(frozen=True, eq=False)
class Aggregated:
    """Answers of M breasts or patients, in the order in which the first image of each is listed.

    Args:
        labels: (M,) 1 where any image is positive.
        values: (M,) probabilities.
        groups: (M,) number of each one's group.
        names: of the patients, or patient and side.
        members: for each the positions of its images.
    """

    labels: NDArray[np.int64]
    values: Values
    groups: NDArray[np.int64]
    names: tuple[str, ...]
    members: tuple[NDArray[np.int64], ...]


def aggregate(index: Index, labels: ArrayLike, values: ArrayLike, level: Level, rule: Rule) -> Aggregated:
    """Pool the answers of images.

    Args:
        index: the images.
        labels: (N,) 0 or 1.
        values: (N,) probabilities, in [0, 1].
        level: what is pooled; `image` pools nothing.
        rule: the mean, the highest, or `noisy_or`: 1 − Π(1 − p), the chance of at least one positive were images
            independent, which views of one breast are not, so that it says too much.

    Raises:
        DatasetError: a value is no probability (names the row), or an image does not say whose or which breast it is.
    """
    truth, given = np.asarray(labels, np.int64), np.asarray(values, np.float64)
    if truth.shape != (len(index),) or given.shape != truth.shape:
        raise DatasetError(f"{truth.shape} labels and {given.shape} values do not fit {len(index)} images")
    wrong = ~((given >= 0) & (given <= 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DatasetError(f"row {row}: probability {given[row]} lies outside 0 to 1")
    keys = [_key(index, sample, level) for sample in index.samples]
    places: dict[tuple[str, ...], list[int]] = {}
    for position, key in enumerate(keys):
        places.setdefault(key, []).append(position)
    members = tuple(np.array(positions, np.int64) for positions in places.values())
    groups = index.groups()
    return Aggregated(
        labels=np.array([truth[positions].max() for positions in members], np.int64),
        values=np.array([_pooled(given[positions], rule) for positions in members], np.float64),
        groups=np.array([groups[positions[0]] for positions in members], np.int64),
        names=tuple(" ".join(key) for key in places),
        members=members,
    )


def _key(index: Index, sample: Sample, level: Level) -> tuple[str, ...]:
    if level == "image":
        return (sample.sample_id,)
    if not sample.patient_id:
        raise DatasetError(
            f"{index.dataset} does not say whose image {sample.sample_id} is", f"there is no answer by {level}"
        )
    if level == "patient":
        return (sample.patient_id,)
    if not sample.laterality:
        raise DatasetError(
            f"{index.dataset} does not say which breast image {sample.sample_id} shows", "aggregate by patient instead"
        )
    return (sample.patient_id, sample.laterality)


def _pooled(values: Values, rule: Rule) -> float:
    match rule:
        case "mean":
            return float(values.mean())
        case "max":
            return float(values.max())
        case "noisy_or":
            return float(1 - np.prod(1 - values))
