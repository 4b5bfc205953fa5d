"""A small model that guesses a label from facts: encoded columns, ridge logistic regression, grouped folds.

A number enters as its standardised value and as one-hot quantile bins, so that a threshold or a hump counts as well as
a trend; a word enters one-hot. Encodings are learned from the training folds alone, as is the fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from senoscope.evidence.index import Index
from senoscope.evidence.index.splits import folds
from senoscope.evidence.metrics.logistic import Values, sigmoid

FOLDS = 5

BINS = 8
"""Quantile bins of a number."""

MOST_WORDS = 50
"""Values of a word that have a column of their own; rarer ones share one."""

RIDGE = 1.0
"""Penalty of a single fact: half of it times the sum of squared coefficients, beside the summed log-loss."""

RIDGE_TOGETHER = 10.0
"""Penalty of all facts together, whose columns are many and near copies of each other."""

STEPS = 50

SMALL = 20_000_000
"""Multiplications up to which a product is not worth several threads."""

Column = Values | NDArray[np.str_]
"""(N,) numbers, NaN where missing, or (N,) words, "" where missing."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """How a column becomes features, as its training rows taught it.

    Args:
        mean: of the numbers; unused for words.
        spread: their standard deviation.
        edges: inner edges of the bins.
        words: words with a column of their own; empty for numbers.
    """

    mean: float
    spread: float
    edges: Values
    words: tuple[str, ...]

    @classmethod
    def of(cls, column: Column) -> "Encoding":
        """Learn from training rows."""
        if column.dtype.kind == "U":
            found, counts = np.unique(column, return_counts=True)
            order = np.argsort(-counts, kind="stable")[:MOST_WORDS]
            return cls(0.0, 1.0, np.empty(0), tuple(str(word) for word in found[order]))
        known = np.asarray(column[~np.isnan(column)], np.float64)
        if not len(known):
            return cls(0.0, 1.0, np.empty(0), ())
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
        return cls(float(known.mean()), float(known.std()) or 1.0, edges, ())

    def features(self, column: Column) -> Values:
        """(N, K) features; what is missing, or was not seen in training, has a column of its own."""
        if column.dtype.kind == "U":
            same = column[:, None] == np.array(self.words, np.str_)[None, :]
            return np.column_stack((same, ~same.any(axis=1))).astype(np.float64)
        numbers = np.asarray(column, np.float64)
        missing = np.isnan(numbers)
        scaled = np.clip((np.where(missing, self.mean, numbers) - self.mean) / self.spread, -5, 5)
        bins = np.searchsorted(self.edges, numbers, side="right")
        hot = (bins[:, None] == np.arange(len(self.edges) + 1)[None, :]) & ~missing[:, None]
        return np.column_stack((scaled, hot, missing)).astype(np.float64)


def fit(features: Values, truth: NDArray[np.int64], ridge: float) -> Values:
    """(1 + K,) intercept and coefficients of least summed log-loss + ridge/2 · Σ coefficients², the intercept free.

    Newton's method with steps halved until the loss falls; the penalty makes the minimum unique.

    Args:
        features: (N, K).
        truth: (N,) 0 or 1.
        ridge: above 0.
    """
    whole = np.column_stack((np.ones(len(features)), features))
    penalty = np.full(whole.shape[1], ridge)
    penalty[0] = 1e-9  # only so that one class alone has an answer
    current = np.zeros(whole.shape[1])
    loss = _loss(whole, truth, penalty, current)
    for _ in range(STEPS):
        chance = sigmoid(whole @ current)
        gradient = whole.T @ (chance - truth) + penalty * current
        if np.abs(gradient).max() <= 1e-9 * len(truth):
            break
        curvature = _product(whole * (chance * (1 - chance))[:, None], whole) + np.diag(penalty)
        step, length = np.linalg.solve(curvature, gradient), 1.0
        allowed = loss + 1e-12 * abs(loss)  # rounding, at the minimum
        while length > 1e-6 and _loss(whole, truth, penalty, current - length * step) > allowed:
            length /= 2
        current = current - length * step
        loss = _loss(whole, truth, penalty, current)
    return current


def _product(first: Values, second: Values) -> Values:
    """Transpose of the first times the second; one so small is lost among a matrix library's threads."""
    if first.size * second.shape[1] <= SMALL:
        return np.asarray(np.einsum("nk,nj->kj", first, second))
    return np.asarray(first.T @ second)


def _loss(whole: Values, truth: NDArray[np.int64], penalty: Values, coefficients: Values) -> float:
    scores = whole @ coefficients
    return float((np.logaddexp(0.0, scores) - truth * scores).sum() + (penalty * coefficients**2).sum() / 2)


def dealt(index: Index, truth: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """(N,) fold of each sample; groups stay together, classes are spread evenly.

    Raises:
        DatasetError: a class has fewer than two groups.
    """
    labelled = tuple(replace(sample, label=str(label)) for sample, label in zip(index.samples, truth, strict=True))
    groups = index.groups()
    fewest = min(len(np.unique(groups[truth == label])) for label in (0, 1))
    return folds(replace(index, samples=labelled), folds=max(2, min(FOLDS, fewest)), seed=seed)


def guesses(columns: Sequence[Column], truth: NDArray[np.int64], fold: NDArray[np.int64], ridge: float) -> Values:
    """(N,) log odds of each sample by the model of the other folds.

    Args:
        columns: facts, (N,) each.
        truth: (N,) 0 or 1.
        fold: (N,) fold of each sample.
        ridge: penalty.
    """
    scores = np.empty(len(truth))
    for number in np.unique(fold):
        held = fold == number
        encodings = [Encoding.of(column[~held]) for column in columns]
        parts = list(zip(encodings, columns, strict=True))
        train = np.column_stack([encoding.features(column[~held]) for encoding, column in parts])
        test = np.column_stack([encoding.features(column[held]) for encoding, column in parts])
        coefficients = fit(train, truth[~held], ridge)
        scores[held] = coefficients[0] + test @ coefficients[1:]
    return scores
