"""Intervals and tests of the area under the ROC curve by formula.

The variance is that of DeLong, DeLong & Clarke-Pearson 1988 (doi:10.2307/2531595), from each sample's placement among
the samples of the other class; for several images a patient that of Obuchowski 1997 (doi:10.2307/2533958), which adds
up placements by group and lets positives and negatives of one group depend on each other.
"""

from dataclasses import dataclass
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.classification import Values, checked
from senoscope.evidence.metrics.grouping import grouped

QUANTILE = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same samples.

    Args:
        difference: the first one's figure minus the second one's, with its 95 % interval.
        statistic: what the test looks at.
        p: chance of a difference at least as large, on either side, were both models alike.
        method: how, in words.
    """

    difference: Interval
    statistic: float
    p: float
    method: str


def delong(labels: ArrayLike, scores: ArrayLike, groups: ArrayLike | None = None) -> Interval:
    """ROC AUC with its 95 % interval, value ± 1.96 standard errors, cut at 0 and 1.

    Args:
        labels: (N,) 0 or 1, both present.
        scores: (N,) finite, higher is likelier positive.
        groups: (N,) patient or cluster of each sample, integers; each sample is its own where not given.

    Raises:
        DatasetError: unusable input (names the row); positives or negatives in fewer than two groups; or classes that
            the scores separate, where the formula's standard error is 0 and says nothing.
    """
    truth, values = checked(labels, scores, probabilities=False)
    areas, covariance = covariances(truth, values[None], groups)
    error = sqrt(max(float(covariance[0, 0]), 0.0))
    if error <= 1e-12:
        raise DatasetError(
            f"DeLong's standard error of the ROC AUC {areas[0]:.3g} is 0", "the bootstrap's interval says no more here"
        )
    value = float(areas[0])
    return Interval(value=value, low=max(0.0, value - QUANTILE * error), high=min(1.0, value + QUANTILE * error))


def delong_test(labels: ArrayLike, first: ArrayLike, second: ArrayLike, groups: ArrayLike | None = None) -> PairedTest:
    """Compare the ROC AUC of two models on the same samples; the statistic is the difference by its standard error.

    Args:
        labels: (N,) 0 or 1, both present.
        first: (N,) scores of the one model.
        second: (N,) scores of the other.
        groups: (N,) patient or cluster of each sample, integers; each sample is its own where not given.

    Raises:
        DatasetError: unusable input (names the row); positives or negatives in fewer than two groups; or models that
            differ without any spread.
    """
    truth, one = checked(labels, first, probabilities=False)
    _, other = checked(labels, second, probabilities=False)
    areas, covariance = covariances(truth, np.stack((one, other)), groups)
    difference = float(areas[0] - areas[1])
    error = sqrt(max(float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]), 0.0))
    method = "DeLong" if groups is None else "DeLong, clustered (Obuchowski 1997)"
    if error <= 1e-12:
        if abs(difference) > 1e-12:
            raise DatasetError(
                f"two ROC AUCs differ by {difference:.3g} without any spread: DeLong's test has no answer"
            )
        return PairedTest(Interval(value=0.0, low=0.0, high=0.0), 0.0, 1.0, method)
    statistic = difference / error
    return PairedTest(
        difference=Interval(value=difference, low=difference - QUANTILE * error, high=difference + QUANTILE * error),
        statistic=statistic,
        p=erfc(abs(statistic) / sqrt(2)),
        method=method,
    )


def covariances(truth: NDArray[np.int64], scores: Values, groups: ArrayLike | None = None) -> tuple[Values, Values]:
    """Areas (M,) of (M, N) scores of M models on the same samples, and their (M, M) covariance.

    Raises:
        DatasetError: groups do not fit, or positives or negatives lie in fewer than two of them.
    """
    members = np.arange(len(truth)) if groups is None else grouped(groups, len(truth))
    count = int(members.max()) + 1
    sums, sizes = [], []
    areas = np.zeros(len(scores))
    for label in (1, 0):
        chosen = truth == label
        if len(np.unique(members[chosen])) < 2:
            kind = "positives" if label else "negatives"
            raise DatasetError(f"DeLong's variance needs two groups with {kind}", "the bootstrap's interval is left")
        placed = np.stack([_placements(row[chosen], row[~chosen], positive=bool(label)) for row in scores])
        areas = placed.mean(axis=1)
        deviations = placed - areas[:, None]
        sums.append(np.stack([np.bincount(members[chosen], row, count) for row in deviations]))
        sizes.append(int(chosen.sum()))
    with_one = [len(np.unique(members[truth == label])) for label in (1, 0)]
    own = [with_one[side] / (with_one[side] - 1) * sums[side] @ sums[side].T / sizes[side] ** 2 for side in (0, 1)]
    shared = count / (count - 1) * sums[0] @ sums[1].T / (sizes[0] * sizes[1])
    return areas, own[0] + own[1] + shared + shared.T


def _placements(mine: Values, others: Values, *, positive: bool) -> Values:
    """Share of the other class that each sample stands on the right side of; a tie counts half."""
    ranked = np.sort(others)
    below, through = (np.searchsorted(ranked, mine, side) for side in ("left", "right"))
    share = (below + through) / (2 * len(others))
    return share if positive else 1 - share
