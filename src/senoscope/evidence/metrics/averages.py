"""Means and medians over samples, for thousands of weighted sample sets at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.evidence.metrics.sums import Values, by_group, ratio

BLOCK = 1 << 20
"""Weights handled at once; bounds memory whatever the number of samples."""


def weighted_ratios(above: Values, below: Values, members: NDArray[np.int64], weights: NDArray[Any]) -> Values:
    """Sum of one number over that of another, under each row of weights.

    With ones below it is the mean.

    Args:
        above: (N,) what each sample adds above.
        below: (N,) what it adds below.
        members: (N,) column of the weights each sample takes its weight from.
        weights: (R, G) non-negative.

    Returns:
        (R,); NaN where there is nothing below.
    """
    sums = by_group(np.column_stack((above, below)), members, weights.shape[1])
    totals = np.einsum("rg,gk->rk", weights.astype(np.float64), sums)
    return ratio(totals[:, 0], totals[:, 1])


def weighted_medians(values: Values, members: NDArray[np.int64], weights: NDArray[Any]) -> Values:
    """Median of the samples, each there as often as its weight says, under each row of weights.

    Args:
        values: (N,).
        members: (N,) column of the weights each sample takes its weight from.
        weights: (R, G) non-negative whole numbers.

    Returns:
        (R,); of an even number the mean of the two in the middle, NaN where there is no sample.
    """
    found = np.full(len(weights), np.nan)
    if not len(values):
        return found
    order = np.argsort(values, kind="stable")
    ranked, columns = values[order], members[order]
    step = max(1, BLOCK // len(values))
    for start in range(0, len(weights), step):
        reached = weights[start : start + step].take(columns, axis=1).cumsum(axis=1)
        total = reached[:, -1:]
        # The sample in place p is the first that the running count goes beyond p at.
        low, high = ((reached <= place).sum(axis=1) for place in ((total - 1) // 2, total // 2))
        some = total[:, 0] > 0
        found[start : start + step][some] = (ranked[low[some]] + ranked[high[some]]) / 2
    return found
