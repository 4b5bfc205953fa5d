"""Figures of a classifier of several classes: each class against the rest, and the mean over classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.classification import Values
from senoscope.evidence.metrics.grouping import grouped, multiplicities
from senoscope.evidence.metrics.intervals import REPLICATES, percentiles
from senoscope.evidence.metrics.ranking import Ranked, rank, ranking_figures
from senoscope.evidence.metrics.sums import BINS, bin_of, by_group, call_figures, call_terms, ratio

OF_CLASS = ("roc_auc", "pr_auc", "sensitivity", "specificity", "ppv", "npv", "f1")

WORDS = {
    "macro_auc": "Macro ROC AUC",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "accuracy": "Accuracy",
    "weighted_kappa": "Quadratic-weighted κ",
    "brier": "Brier score, over all labels",
    "ece": "Expected calibration error of the called label",
}
"""Figures over all classes, in the order shown, in words."""

CHUNK = 1_000_000


@dataclass(frozen=True)
class Multiclass:
    """Figures with 95 % intervals, patients resampled; what is 0/0 is left out.

    Args:
        classes: for each class figures of it against the rest, calling the likeliest class: those of `OF_CLASS`.
        overall: `macro_auc` (mean ROC AUC over classes), `balanced_accuracy` (mean sensitivity), `macro_f1`,
            `accuracy`, `brier` (sum over classes of squared differences, mean over samples: 0 to 2), `ece` (of the
            called class's probability, 15 bins of equal width), and of ordered classes `weighted_kappa` (Cohen 1968,
            doi:10.1037/h0026256, disagreement weighed by the square of the steps).
    """

    classes: dict[str, dict[str, Interval]]
    overall: dict[str, Interval]


def confusion_matrix(truth: Sequence[str], called: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """(C, C) counts, a row a true class, a column a called one.

    Raises:
        DatasetError: a class is unknown (names the row) or named twice, or the lengths differ.
    """
    if len(truth) != len(called):
        raise DatasetError(f"{len(called)} calls do not fit {len(truth)} labels")
    rows, columns = numbered(truth, classes), numbered(called, classes)
    return np.bincount(rows * len(classes) + columns, minlength=len(classes) ** 2).reshape(len(classes), -1)


def numbered(labels: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """(N,) position of each label among the classes; an unknown one raises `DatasetError` and names the row."""
    if len(set(classes)) != len(classes):
        raise DatasetError(f"classes {', '.join(classes)} are not each named once")
    positions = {name: number for number, name in enumerate(classes)}
    for row, label in enumerate(labels):
        if label not in positions:
            raise DatasetError(f"row {row}: label {str(label)[:40]!r} is none of {', '.join(classes)}")
    return np.array([positions[label] for label in labels], np.int64)


def multiclass(
    truth: Sequence[str],
    probabilities: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    *,
    ordered: bool = False,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Multiclass:
    """Compute figures of several classes, the likeliest class called, the first of equals.

    Groups are drawn within strata of groups that hold the same classes, the same ones for every class.

    Args:
        truth: (N,) labels, each class present.
        probabilities: (N, C) of each class in their order, in [0, 1], summing to 1.
        groups: (N,) patient or cluster of each sample, integers.
        classes: C names, at least two.
        ordered: whether the classes are steps of a scale, in their order.
        replicates: bootstrap samples.
        seed: draws them.

    Raises:
        DatasetError: labels, probabilities or groups that cannot be used; names the row.
    """
    labels, values = numbered(truth, classes), _checked(probabilities, len(truth), classes)
    absent = [name for number, name in enumerate(classes) if not (labels == number).any()]
    if absent:
        raise DatasetError(f"no sample is labelled {' or '.join(absent)}", "leave the class out, or add samples of it")
    members = grouped(groups, len(labels))
    called = values.argmax(axis=1)
    parts = [_Part.of(labels == number, values[:, number], called == number, members) for number in range(len(classes))]
    shared = by_group(_shared_terms(labels, values, called, ordered=ordered), members)
    kinds = np.zeros(int(members.max()) + 1, np.int64)
    np.bitwise_or.at(kinds, members, 1 << labels)
    point = _figures(parts, shared, np.ones((1, len(kinds)), np.int32), classes)
    step = max(1, CHUNK // len(labels))
    drawn = [
        _figures(parts, shared, weights, classes)
        for weights in multiplicities(kinds, replicates=replicates, seed=seed, step=step)
    ]
    found = {
        key: percentiles(float(value[0]), np.concatenate([chunk[key] for chunk in drawn]))[0]
        for key, value in point.items()
        if not np.isnan(value[0])
    }
    return Multiclass(
        classes={name: {figure: value for (of, figure), value in found.items() if of == name} for name in classes},
        overall={figure: value for (of, figure), value in found.items() if of == ""},
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """One class against the rest."""

    ranked: Ranked
    sums: Values

    @classmethod
    def of(
        cls, mine: NDArray[np.bool_], values: Values, called: NDArray[np.bool_], members: NDArray[np.int64]
    ) -> "_Part":
        truth = mine.astype(np.int64)
        return cls(rank(truth, values, members), by_group(call_terms(truth, called.astype(np.float64), 0.5), members))


def _figures(
    parts: list[_Part], shared: Values, weights: NDArray[np.int32], classes: Sequence[str]
) -> dict[tuple[str, str], Values]:
    """(R,) of each figure by class and name, "" for those over all classes."""
    amounts = weights.astype(np.float64)
    found: dict[tuple[str, str], Values] = {}
    for name, part in zip(classes, parts, strict=True):
        figures = ranking_figures(part.ranked, weights) | call_figures(np.einsum("rg,gk->rk", amounts, part.sums))
        found |= {(name, figure): figures[figure] for figure in OF_CLASS}
    sums = np.einsum("rg,gk->rk", amounts, shared)
    total, right, squared = sums[:, :3].T
    means = {"macro_auc": "roc_auc", "balanced_accuracy": "sensitivity", "macro_f1": "f1"}
    for name, figure in means.items():
        found["", name] = np.mean([found[each, figure] for each in classes], axis=0)
    found |= {("", "accuracy"): ratio(right, total), ("", "brier"): ratio(squared, total)}
    found["", "ece"] = ratio(np.abs(sums[:, 3 : 3 + BINS]).sum(axis=1), total)
    counts = sums[:, 3 + BINS :].reshape(len(sums), -1, len(classes))
    return found | ({("", "weighted_kappa"): _kappa(counts)} if counts.size else {})


def _shared_terms(labels: NDArray[np.int64], values: Values, called: NDArray[np.int64], *, ordered: bool) -> Values:
    """(N, 3 + BINS): one, right, squared error, and overconfidence by bin; then C² cells of the confusion matrix."""
    rows, classes = np.arange(len(labels)), values.shape[1]
    right = called == labels
    squared = ((values - np.eye(classes)[labels]) ** 2).sum(axis=1)
    confidence = values[rows, called]
    excess = np.zeros((len(labels), BINS))
    excess[rows, bin_of(confidence)] = confidence - right
    cells = np.eye(classes**2)[labels * classes + called] if ordered else np.empty((len(labels), 0))
    return np.column_stack((np.ones(len(labels)), right, squared, excess, cells))


def _kappa(counts: Values) -> Values:
    """(R,) quadratic-weighted κ of (R, C, C) counts; NaN where truth and calls are one and the same class."""
    steps = np.arange(counts.shape[1], dtype=np.float64)
    weights = (steps[:, None] - steps) ** 2
    seen = (weights * counts).sum(axis=(1, 2))
    chance = np.einsum("ij,ri,rj->r", weights, counts.sum(axis=2), counts.sum(axis=1))
    return 1 - ratio(seen * counts.sum(axis=(1, 2)), chance)


def _checked(probabilities: ArrayLike, count: int, classes: Sequence[str]) -> Values:
    values = np.asarray(probabilities, np.float64)
    if len(classes) < 2 or values.shape != (count, len(classes)):
        raise DatasetError(f"probabilities {values.shape} do not fit {count} labels of {len(classes)} classes")
    if not count:
        raise DatasetError("there are no labels")
    wrong = ~((values >= 0) & (values <= 1)).all(axis=1) | ~(np.abs(values.sum(axis=1) - 1) <= 1e-4)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DatasetError(f"row {row}: probabilities {values[row]} do not lie in 0 to 1 and sum to 1")
    return values
