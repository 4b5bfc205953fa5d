"""Whether two models differ, by exchanging their answers."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.errors import UsageError
from senoscope.evidence.metrics.classification import FIGURES, Values, checked
from senoscope.evidence.metrics.delong import PairedTest
from senoscope.evidence.metrics.grouping import grouped
from senoscope.evidence.metrics.intervals import paired_bootstrap
from senoscope.evidence.metrics.ranking import NAMES, rank, ranking_figures
from senoscope.evidence.metrics.sums import (
    agreement_figures,
    agreement_terms,
    by_group,
    call_figures,
    call_terms,
)

EXCHANGED = tuple(name for name in FIGURES if not name.startswith("calibration"))
"""Figures that can be tested; an exchange of answers makes no sense of a fitted line."""

CHUNK = 1_000_000

Measure = Callable[[NDArray[np.int32]], Values]


def paired_permutation(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    *,
    figure: str = "roc_auc",
    threshold: float | Values | tuple[float | Values, float | Values] = 0.5,
    replicates: int = 2000,
    seed: int = 0,
) -> PairedTest:
    """Compare a figure of two models on the same samples, exchanging their answers group by group.

    Were the models alike, it would not matter which of them gave which answers for a patient. p is the share of random
    exchanges whose difference is at least as large on either side, the one seen among them (Phipson & Smyth 2010,
    doi:10.2202/1544-6115.1585), so that it is never 0. For figures of the order each model's scores are first replaced
    by their ranks (Bandos, Rockette & Gur 2005, doi:10.1002/sim.2149), so that models on different scales can be
    exchanged; for the others the probabilities are exchanged as they are.

    Args:
        labels: (N,) 0 or 1, both present.
        first: (N,) probabilities of the one model.
        second: (N,) of the other.
        groups: (N,) patient or cluster of each sample, integers.
        figure: one of `EXCHANGED`.
        threshold: of both models, or of each; (N,) thresholds give each sample its own.
        replicates: exchanges, and bootstrap samples of the difference's interval.
        seed: draws both.

    Raises:
        DatasetError: unusable input; names the row.
        UsageError: the figure cannot be tested, or is 0/0 for one of the models.
    """
    if figure not in EXCHANGED:
        raise UsageError(f"{figure!r} cannot be tested by permutation", f"choose {', '.join(EXCHANGED)}")
    truth, one = checked(labels, first)
    _, other = checked(labels, second)
    members = grouped(groups, len(truth))
    difference = paired_bootstrap(truth, one, other, members, threshold, replicates=replicates, seed=seed)
    if figure not in difference:
        raise UsageError(f"{figure} is undefined for one of the models (0/0)", "choose another figure or threshold")
    bounds = threshold if isinstance(threshold, tuple) else (threshold, threshold)
    measure = _measure(figure, truth, (one, other), bounds, members)
    count = int(members.max()) + 1
    random = np.random.default_rng(seed)
    seen = float(_difference(measure, np.zeros((1, count), np.bool_))[0])
    reached = 0
    step = max(1, CHUNK // len(truth))
    for start in range(0, replicates, step):
        exchanged = random.random((min(step, replicates - start), count)) < 0.5
        drawn = _difference(measure, exchanged)
        # An exchange for which the figure is 0/0 speaks for no difference: it counts against finding one.
        reached += int((np.isnan(drawn) | (np.abs(drawn) >= abs(seen) - 1e-12)).sum())
    return PairedTest(
        difference=difference[figure],
        statistic=seen,
        p=(1 + reached) / (1 + replicates),
        method=f"permutation within groups, {replicates:,} exchanges",
    )


def _difference(measure: Measure, exchanged: NDArray[np.bool_]) -> Values:
    kept = np.hstack((~exchanged, exchanged)).astype(np.int32)
    return measure(kept) - measure(1 - kept)


def _measure(
    figure: str,
    truth: NDArray[np.int64],
    answers: tuple[Values, Values],
    bounds: tuple[float | Values, float | Values],
    members: NDArray[np.int64],
) -> Measure:
    """Make a figure of answers chosen by (R, 2 G) zeros and ones: the first model's groups, then the second's."""
    labels, columns = np.tile(truth, 2), np.concatenate((members, members + int(members.max()) + 1))
    if figure in NAMES:
        ranked = rank(labels, np.concatenate([_ranks(values) for values in answers]), columns)
        return lambda kept: ranking_figures(ranked, kept)[figure]
    pooled = np.concatenate(answers)
    called = figure in call_figures(np.ones((1, 4)))
    if called:
        thresholds = np.concatenate([np.broadcast_to(np.asarray(bound, np.float64), truth.shape) for bound in bounds])
        sums = by_group(call_terms(labels, pooled, thresholds), columns)
        return lambda kept: call_figures(kept @ sums)[figure]
    sums = by_group(agreement_terms(labels, pooled), columns)
    return lambda kept: agreement_figures(kept @ sums)[figure]


def _ranks(values: Values) -> Values:
    """Mean rank of each, ties sharing theirs."""
    ranked = np.sort(values)
    return np.asarray((np.searchsorted(ranked, values, "left") + np.searchsorted(ranked, values, "right")) / 2)
