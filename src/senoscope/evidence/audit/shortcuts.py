"""How well the label can be told without a look at the breast: each fact of acquisition alone, and all together.

The figure is the ROC AUC of guesses out of grouped folds, with DeLong's 95 % interval clustered by patient. Lights:

- red: the lower bound is at least `RED` and the interval, widened for the number of facts tried, still excludes 0.5;
- amber: the widened interval excludes 0.5. Widened means: Bonferroni's level for all facts tried, and a standard error
  times `STRETCH`. So a set without any shortcut gives a false alarm, of either colour, about once in twenty;
- green: neither, which shows that no shortcut was found and not that there is none;
- grey: fewer than `FEWEST` patients of a class, where an interval says too little.

A model's figure up to a red fact's comes without a look at the breast, and only what lies above it is of the breast.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.audit.acquisition import KINDS, TITLES, Kind
from senoscope.evidence.audit.shortcut_model import RIDGE, RIDGE_TOGETHER, Column, dealt, guesses
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.delong import QUANTILE, covariances
from senoscope.evidence.metrics.logistic import Values

Light = Literal["red", "amber", "green", "grey"]

RED = 0.60
"""Lower bound of the ROC AUC from which on a shortcut is red."""

LEVEL = 0.05
"""Chance of any false alarm among all facts of a set."""

STRETCH = 1.3
"""What DeLong's standard error lacks under cross-validation, where the guesses of the folds depend on each other: in
simulated sets without shortcuts, of 40 to 400 patients, the AUC varied 1.28 to 1.41 times as much as it says."""

FEWEST = 10
"""Groups of each class below which a fact is not judged."""

OVERLAP = 2
"""Groups of each class that a value needs to belong to the overlap."""

TOGETHER = "together"


def title_of(fact: str) -> str:
    """Name of a fact, or of all together, in words."""
    return "all facts together" if fact == TOGETHER else TITLES[fact]


@dataclass(frozen=True)
class Shortcut:
    """What one fact tells about the label.

    Args:
        fact: its name in `acquisition.TITLES`, or `together`.
        kind: where it comes from; "all" for all together.
        auc: ROC AUC with its 95 % interval.
        widened: lower bound of the interval widened for the number of facts (Bonferroni).
        light: red, amber, green or grey.
        overlap: ROC AUC among the samples of the overlap, if there is one and the fact varies there.
    """

    fact: str
    kind: Kind | Literal["all"]
    auc: Interval
    widened: float
    light: Light
    overlap: Interval | None = None

    @property
    def title(self) -> str:
        """The fact in words."""
        return title_of(self.fact)


@dataclass(frozen=True)
class Overlap:
    """The samples among which a fact that separates the classes does not.

    Args:
        fact: the separating fact.
        values: its values that both classes have.
        images: samples there.
        positives: of them.
        groups: patients, or clusters of near-duplicates.
    """

    fact: str
    values: tuple[str, ...]
    images: int
    positives: int
    groups: int


@dataclass(frozen=True)
class Shortcuts:
    """The shortcut test of one set.

    Args:
        question: what was guessed, in words.
        images: samples that were guessed.
        positives: of them.
        groups: patients, or clusters of near-duplicates.
        facts: each alone, strongest lower bound first.
        together: all at once; None where nothing varies or could be tried.
        overlap: where the strongest separating fact separates nothing, if there is such a place.
        missing: why nothing could be tried; "" where it was.
    """

    question: str
    images: int
    positives: int
    groups: int
    facts: tuple[Shortcut, ...] = ()
    together: Shortcut | None = None
    overlap: Overlap | None = None
    missing: str = ""

    @property
    def rows(self) -> tuple[Shortcut, ...]:
        """All together, then each alone."""
        return ((self.together,) if self.together else ()) + self.facts


def shortcuts(
    index: Index,
    positive: str,
    columns: Mapping[str, Column],
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Shortcuts:
    """Guess whether a sample is `positive` from each fact alone and from all.

    Args:
        index: the samples, labelled.
        positive: the label to tell from all others.
        columns: facts by name, (N,) each in the order of the samples.
        seed: deals the folds.
        progress: told how many facts were tried, and of how many.
    """
    truth, groups = index.labels_as(positive), index.groups()
    others = sorted({sample.label for sample in index.samples} - {positive})
    question = f"{positive} or {' / '.join(others)}"
    counts = (len(index), int(truth.sum()), index.units)
    fewest = _fewest(truth, groups)
    varying = {name: column for name, column in columns.items() if _varies(column)}
    if fewest < 2 or not varying:
        lacks = f"a class has {fewest} groups" if fewest < 2 else "no fact varies among the pictures"
        return Shortcuts(question, *counts, missing=lacks)
    trial = _Trial(truth, groups, dealt(index, truth, seed), len(varying) + 1, progress or (lambda done, total: None))
    tried = {name: trial.of(name, KINDS[name], [column], RIDGE) for name, column in varying.items()}
    together = trial.of(TOGETHER, "all", list(varying.values()), RIDGE_TOGETHER)
    overlap, within = _overlap(index, truth, groups, varying, tried)
    if overlap is not None:
        inside = _within(index, truth, varying, within, seed)
        tried = {name: replace(row, overlap=inside.get(name)) for name, row in tried.items()}
        together = replace(together, overlap=inside.get(TOGETHER))
    ordered = tuple(sorted(tried.values(), key=lambda row: (-row.auc.low, row.fact)))
    return Shortcuts(question, *counts, facts=ordered, together=together, overlap=overlap)


def _fewest(truth: NDArray[np.int64], groups: NDArray[np.int64]) -> int:
    return min(len(np.unique(groups[truth == label])) for label in (0, 1))


def _varies(column: Column) -> bool:
    return len(np.unique(column)) > 1  # NaN counts as one value


@dataclass(eq=False)
class _Trial:
    truth: NDArray[np.int64]
    groups: NDArray[np.int64]
    fold: NDArray[np.int64]
    tries: int
    progress: Callable[[int, int], object]
    done: int = 0

    def of(self, name: str, kind: Kind | Literal["all"], columns: list[Column], ridge: float) -> Shortcut:
        scores = guesses(columns, self.truth, self.fold, ridge)
        auc, widened = interval(self.truth, scores, self.groups, self.tries)
        self.done += 1
        self.progress(self.done, self.tries)
        return Shortcut(name, kind, auc, widened, light(auc.low, widened, _fewest(self.truth, self.groups)))


def light(low: float, widened: float, fewest: int) -> Light:
    """Colour of a fact from the lower bounds of its two intervals and the number of groups of the rarer class."""
    if fewest < FEWEST:
        return "grey"
    if widened <= 0.5:
        return "green"
    return "red" if low >= RED else "amber"


def interval(
    truth: NDArray[np.int64], scores: Values, groups: NDArray[np.int64], tries: int = 1
) -> tuple[Interval, float]:
    """ROC AUC with its 95 % interval, and the lower bound of a one-sided one at `LEVEL` shared by `tries` facts.

    Scores that separate the classes leave DeLong without a spread; the bounds are then those of a proportion of
    all groups of the rarer class (Clopper–Pearson).
    """
    fewest = _fewest(truth, groups)
    areas, covariance = covariances(truth, scores[None], groups)
    area, error = float(areas[0]), sqrt(max(float(covariance[0, 0]), 0.0))
    if error <= 1e-12:
        whole, shared = ((chance ** (1 / fewest) if area > 0.5 else 0.0) for chance in (0.025, LEVEL / tries))
        return Interval(value=area, low=whole, high=1.0), shared
    far = NormalDist().inv_cdf(1 - LEVEL / tries)
    low, high = max(0.0, area - QUANTILE * error), min(1.0, area + QUANTILE * error)
    return Interval(value=area, low=low, high=high), area - far * STRETCH * error


def _overlap(
    index: Index,
    truth: NDArray[np.int64],
    groups: NDArray[np.int64],
    columns: Mapping[str, Column],
    tried: Mapping[str, Shortcut],
) -> tuple[Overlap | None, NDArray[np.int64]]:
    """Find where the strongest red fact in words has both classes, if that is a part of the set and not all of it."""
    nowhere = np.empty(0, np.int64)
    words = [name for name, column in columns.items() if column.dtype.kind == "U" and tried[name].light == "red"]
    if not words:
        return None, nowhere
    fact = max(words, key=lambda name: tried[name].auc.low)
    column = columns[fact]
    both = [
        str(value) for value in np.unique(column) if _fewest(truth[column == value], groups[column == value]) >= OVERLAP
    ]
    kept = np.flatnonzero(np.isin(column, both))
    if not 0 < len(kept) < len(truth):
        return None, nowhere
    values = tuple(value or "not stated" for value in both)
    return Overlap(fact, values, len(kept), int(truth[kept].sum()), index.take(kept).units), kept


def _within(
    index: Index, truth: NDArray[np.int64], columns: Mapping[str, Column], kept: NDArray[np.int64], seed: int
) -> dict[str, Interval]:
    """ROC AUC by fact among the samples at these positions, from folds dealt anew."""
    part, labels = index.take(kept), truth[kept]
    fold, groups = dealt(part, labels, seed), part.groups()
    inside = {name: column[kept] for name, column in columns.items() if _varies(column[kept])}
    found = {
        name: interval(labels, guesses([column], labels, fold, RIDGE), groups)[0] for name, column in inside.items()
    }
    every = guesses(list(inside.values()), labels, fold, RIDGE_TOGETHER)
    return {**found, TOGETHER: interval(labels, every, groups)[0]}
