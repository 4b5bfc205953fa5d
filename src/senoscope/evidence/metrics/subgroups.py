"""The same figures for parts of a dataset, by what its publisher says of the images."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.classification import Values, checked
from senoscope.evidence.metrics.grouping import grouped
from senoscope.evidence.metrics.intervals import FEW as FEW_OF_A_KIND
from senoscope.evidence.metrics.intervals import REPLICATES, table

SUBGROUP_FACTS = (
    *("age", "density", "birads", "site", "machine", "lesion", "histology", "subtype", "receptor", "implant"),
    *("magnification", "year", "invasive", "subtlety", "laterality", "view"),
)
"""Facts by which figures are split; laterality and view are the sample's own."""

FEW = 20
"""Patients below which a subgroup is too small to conclude anything from."""

MOST = 12
"""Values of a fact that are shown; rarer ones are pooled."""

MISSING, OTHER = "not stated", "other"


@dataclass(frozen=True)
class Subgroup:
    """Figures of the images that share a value of a fact.

    Args:
        fact: name of the fact.
        value: its value, in the publisher's words; ages by decades.
        images: how many.
        patients: groups they belong to.
        positives: positive images.
        table: figures that are defined; those of one class alone are few.
        few: whether there are fewer than `FEW` patients, or than `FEW_OF_A_KIND` with positive or with negative images.
    """

    fact: str
    value: str
    images: int
    patients: int
    positives: int
    table: dict[str, Interval]
    few: bool


def subgroups(
    index: Index,
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    threshold: float | Values,
    *,
    facts: Sequence[str] = SUBGROUP_FACTS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> tuple[Subgroup, ...]:
    """Compute all figures within the values of facts.

    A fact that is stated nowhere, or has one value only, gives nothing. Nothing is corrected for the number of
    subgroups: with many, some differ by chance.

    Args:
        index: the samples.
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) of the positive label, in [0, 1].
        groups: (N,) patient or cluster of each sample, integers.
        threshold: positive is called from here on; (N,) thresholds give each sample its own.
        facts: names, in the order in which they are shown.
        replicates: bootstrap samples of the intervals, drawn within each subgroup.
        seed: draws them.

    Raises:
        DatasetError: unusable input; names the row.
    """
    truth, values = checked(labels, probabilities)
    members = grouped(groups, len(truth))
    if len(index) != len(truth):
        raise DatasetError(f"{len(truth)} labels do not fit {len(index)} samples")
    bounds = np.broadcast_to(np.asarray(threshold, np.float64), truth.shape)
    found = []
    for fact, value, rows in divided(index.samples, facts):
        inside = grouped(members[rows], len(rows))
        patients = int(inside.max()) + 1
        of_a_kind = min(len(np.unique(inside[truth[rows] == kind])) for kind in (0, 1))
        figures = table(truth[rows], values[rows], inside, bounds[rows], replicates=replicates, seed=seed).table
        found.append(
            Subgroup(
                fact,
                value,
                len(rows),
                patients,
                int(truth[rows].sum()),
                figures,
                few=patients < FEW or of_a_kind < FEW_OF_A_KIND,
            )
        )
    return tuple(found)


def divided(samples: Sequence[Sample], facts: Sequence[str]) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Divide samples by the values of facts, rare values pooled; a fact that tells nothing apart gives nothing.

    Yields:
        Fact, value and the positions of the samples that have it, in the order in which they are shown.
    """
    for fact in facts:
        words = _words(fact, samples)
        for value in _shown(words):
            yield fact, value, np.flatnonzero(np.array([word == value for word in words]))


def _words(fact: str, samples: Sequence[Sample]) -> list[str]:
    """Value of each sample, rare ones pooled."""
    words = [_word(fact, sample) for sample in samples]
    common = Counter(word for word in words if word != MISSING).most_common()
    kept = {word for word, _ in common[:MOST]} | {MISSING}
    return [word if word in kept else OTHER for word in words]


def _word(fact: str, sample: Sample) -> str:
    if fact in ("laterality", "view"):
        return getattr(sample, fact) or MISSING
    word = sample.facts.get(fact, "").strip()
    if fact == "age" and word.isascii() and word.isdigit() and len(word) <= 3:
        decade = int(word) // 10 * 10
        return f"{decade}–{decade + 9}"
    return word or MISSING


def _shown(words: list[str]) -> list[str]:
    """Values in order, numbers by size, what is pooled or missing last; none where they tell nothing apart."""
    values = set(words)
    if len(values) < 2 or not values - {MISSING}:
        return []
    return sorted(values, key=lambda word: (word in (OTHER, MISSING), word == MISSING, _size(word), word))


def _size(word: str) -> float:
    head = word.partition("–")[0]
    return float(head) if head.isascii() and head.isdigit() and len(head) <= 9 else float("inf")
