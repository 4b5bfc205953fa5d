"""The curves behind the figures, as arrays to plot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from senoscope.evidence.metrics.classification import BINS, Values, bin_of, checked
from senoscope.evidence.metrics.proportions import wilson


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve.

    Args:
        x: (K,) 1 − specificity, or recall.
        y: (K,) sensitivity, or precision.
        thresholds: (K,) score from which positive is called; the first point of a curve calls nothing (infinity).
    """

    x: Values
    y: Values
    thresholds: Values


@dataclass(frozen=True, eq=False)
class Reliability:
    """What was promised and what came true, bin by bin; empty bins are left out.

    Args:
        predicted: (K,) mean probability in the bin.
        observed: (K,) share of positives in the bin.
        counts: (K,) samples in the bin.
        low: (K,) lower end of the 95 % interval of the share (Wilson); samples are taken as independent.
        high: (K,) its upper end.
    """

    predicted: Values
    observed: Values
    counts: Values
    low: Values
    high: Values


def _steps(labels: ArrayLike, scores: ArrayLike) -> tuple[Values, Values, Values]:
    """Hits and false alarms from the strictest threshold to the laxest, after one point that calls nothing."""
    truth, values = checked(labels, scores, probabilities=False)
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.concatenate((np.diff(values[order]) != 0, [True])))
    hits = truth[order].cumsum()[last].astype(np.float64)
    return (
        np.concatenate(([0.0], hits)),
        np.concatenate(([0.0], last + 1 - hits)),
        np.concatenate(([np.inf], values[order][last])),
    )


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> Curve:
    """Sensitivity against 1 − specificity, every distinct score a threshold."""
    hits, alarms, thresholds = _steps(labels, scores)
    return Curve(alarms / alarms[-1], hits / hits[-1], thresholds)


def pr_curve(labels: ArrayLike, scores: ArrayLike) -> Curve:
    """Precision (PPV) against recall (sensitivity), every distinct score a threshold; calling nothing is precise."""
    hits, alarms, thresholds = _steps(labels, scores)
    called = hits + alarms
    precision = np.divide(hits, called, out=np.ones_like(hits), where=called > 0)
    return Curve(hits / hits[-1], precision, thresholds)


def reliability(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> Reliability:
    """Share of positives against mean probability, over equal-width bins of [0, 1], with intervals."""
    truth, values = checked(labels, probabilities)
    bin_numbers = bin_of(values, bins)
    counts = np.bincount(bin_numbers, minlength=bins).astype(np.float64)
    filled = counts > 0
    predicted = np.bincount(bin_numbers, weights=values, minlength=bins)[filled] / counts[filled]
    positives = np.bincount(bin_numbers[truth == 1], minlength=bins)[filled]
    shares = [wilson(int(hits), int(count)) for hits, count in zip(positives, counts[filled], strict=True)]
    return Reliability(
        predicted=predicted,
        observed=positives / counts[filled],
        counts=counts[filled],
        low=np.array([share.low for share in shares]),
        high=np.array([share.high for share in shares]),
    )
