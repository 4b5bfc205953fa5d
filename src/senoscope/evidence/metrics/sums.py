"""Figures that are ratios of sums over samples, for thousands of weighted sample sets at once.

What each sample adds to each sum is written down once; the sums of all replicates are then one matrix product of their
weights with it. Where weights are those of whole groups, what a group's samples add is summed first.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

BINS = 15
"""Equal-width bins of [0, 1] for the expected calibration error."""

CALL_TERMS, AGREEMENT_TERMS = 4, 4 + BINS


def bin_of(probabilities: Values, bins: int = BINS) -> NDArray[np.int64]:
    """(N,) bin of each probability among equal-width ones, left edge inside; 1 belongs to the last."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def by_group(terms: Values, members: NDArray[np.int64], groups: int = 0) -> Values:
    """(G, K) sums of (N, K) terms over the samples of each group, of as many as there are or `groups`."""
    count = groups or int(members.max()) + 1
    return np.column_stack([np.bincount(members, weights=column, minlength=count) for column in terms.T])


def call_terms(labels: NDArray[np.int64], probabilities: Values, threshold: float | Values) -> Values:
    """(N, 4): called and positive, called and negative, positive, one."""
    called = probabilities >= threshold
    positive = labels == 1
    return np.column_stack((called & positive, called & ~positive, positive, np.ones(len(labels)))).astype(np.float64)


def call_figures(sums: Values) -> dict[str, Values]:
    """(R,) figures of a threshold from (R, 4) sums of `call_terms`; NaN where 0/0."""
    hits, alarms, positives, total = sums.T
    misses, passes = positives - hits, total - positives - alarms
    sensitivity, specificity = ratio(hits, positives), ratio(passes, passes + alarms)
    return {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "ppv": ratio(hits, hits + alarms),
        "npv": ratio(passes, passes + misses),
        "f1": ratio(2 * hits, 2 * hits + alarms + misses),
        "accuracy": ratio(hits + passes, total),
    }


def agreement_terms(labels: NDArray[np.int64], probabilities: Values) -> Values:
    """(N, 4 + BINS): one, squared error, probability + label, probability × label, and the error by bin."""
    error = probabilities - labels
    excess = np.zeros((len(labels), BINS))
    excess[np.arange(len(labels)), bin_of(probabilities)] = error
    return np.column_stack((np.ones(len(labels)), error**2, probabilities + labels, probabilities * labels, excess))


def agreement_figures(sums: Values) -> dict[str, Values]:
    """(R,) figures of the probabilities themselves from (R, 4 + BINS) sums of `agreement_terms`."""
    total, squared, either, both = sums[:, :4].T
    return {
        "brier": ratio(squared, total),
        "ece": ratio(np.abs(sums[:, 4:]).sum(axis=1), total),
        "pf1": ratio(2 * both, either),
    }


def ratio(above: Values, below: Values) -> Values:
    """Quotient, NaN where there is nothing to divide by."""
    result = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result
