"""Figures of an order, for thousands of weighted sample sets at once.

Samples are sorted once. All that a replicate then needs is the weight of the negatives that stand above each distinct
score of a positive: ROC AUC, its part at high specificity, average precision and the sensitivities and specificities at
a given other one all follow from it. Only scores that tie are summed first.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.9
"""Least specificity of the partial area and of a sensitivity, least sensitivity of a specificity."""

BLOCK = 1 << 16
"""Weights handled at once: they stay in the processor's cache."""

NAMES = ("roc_auc", "pr_auc", "partial_auc", "sensitivity_at_90_specificity", "specificity_at_90_sensitivity")

TINY = float(np.finfo(np.float64).tiny)

SLACK = 1e-9
"""Rounding allowed when a share is compared with `FLOOR`."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Where positives stand among negatives.

    Args:
        positives: (P,) weight column of each positive, highest score first.
        negatives: (M,) weight column of each negative, highest score first.
        starts: (K,) first positive of each distinct score; None where no two are equal.
        above: (K,) negatives with a higher score than the positives'.
        through: (K,) negatives with at least that score; None where no negative ties with a positive.
    """

    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]
    starts: NDArray[np.int64] | None
    above: NDArray[np.int64]
    through: NDArray[np.int64] | None


def rank(labels: NDArray[np.int64], scores: NDArray[np.float64], columns: NDArray[np.int64] | None = None) -> Ranked:
    """Sort samples once for all replicates.

    Args:
        labels: (N,) 0 or 1.
        scores: (N,) finite; higher is likelier positive.
        columns: (N,) column of the weights each sample takes its weight from; its own where not given.
    """
    own = np.arange(len(labels)) if columns is None else columns
    positives, negatives = (_sorted(labels == label, scores) for label in (1, 0))
    falling, others = -scores[positives], -scores[negatives]
    starts = np.flatnonzero(np.concatenate(([True], np.diff(falling) != 0))) if len(falling) else positives
    distinct = falling[starts]
    above, through = (np.searchsorted(others, distinct, side).astype(np.int64) for side in ("left", "right"))
    return Ranked(
        positives=own[positives],
        negatives=own[negatives],
        starts=None if len(starts) == len(positives) else starts,
        above=above,
        through=None if np.array_equal(above, through) else through,
    )


def _sorted(chosen: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(-scores[rows], kind="stable")]


def ranking_figures(ranked: Ranked, weights: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Figures of the order under each row of weights.

    Args:
        ranked: from `rank`.
        weights: (R, C) non-negative; whole numbers as int32 are fastest.

    Returns:
        (R,) of each: `roc_auc` (a tie counts half, Mann–Whitney), `pr_auc` (average precision), `partial_auc` (over
        specificity `FLOOR` to 1, standardised so that chance is 0.5 and 1 is perfect, McClish 1989,
        doi:10.1177/0272989X8900900307), `sensitivity_at_90_specificity` (highest of a threshold with that specificity)
        and `specificity_at_90_sensitivity`; NaN where a class has no weight.
    """
    if not len(ranked.positives) or not len(ranked.negatives):
        return {name: np.full(len(weights), np.nan) for name in NAMES}
    rows = max(1, BLOCK // max(1, len(ranked.positives) + len(ranked.negatives)))
    if len(weights) <= rows:
        return _block(ranked, weights)
    parts = [_block(ranked, weights[start : start + rows]) for start in range(0, len(weights), rows)]
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}


def _block(ranked: Ranked, weights: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    kind = weights.dtype
    gained = weights.take(ranked.positives, axis=1)
    if ranked.starts is not None:
        gained = np.add.reduceat(gained, ranked.starts, axis=1, dtype=kind)
    alarms = np.zeros((len(weights), len(ranked.negatives) + 1), kind)
    np.cumsum(weights.take(ranked.negatives, axis=1), axis=1, dtype=kind, out=alarms[:, 1:])
    gained = gained.astype(np.float64, copy=False)
    hits = gained.cumsum(axis=1)
    positives, negatives = gained.sum(axis=1), alarms[:, -1].astype(np.float64)
    # A class without weight has no order: its figures are 0/0.
    positives[positives <= 0] = negatives[negatives <= 0] = np.nan
    above = alarms.take(ranked.above, axis=1).astype(np.float64, copy=False)
    through = None if ranked.through is None else alarms.take(ranked.through, axis=1).astype(np.float64, copy=False)
    last = above if through is None else through
    beaten = _dot(gained, above) if through is None else _dot(gained, (above + through) / 2)
    return {
        "roc_auc": 1 - beaten / (positives * negatives),
        "pr_auc": _dot(gained, hits / np.maximum(hits + last, TINY)) / positives + 0 * negatives,
        "partial_auc": _partial(gained, above, through, positives, negatives),
        **_at_floor(hits, last, positives, negatives),
    }


def _dot(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("rk,rk->r", first, second))


def _partial(
    gained: NDArray[np.float64],
    above: NDArray[np.float64],
    through: NDArray[np.float64] | None,
    positives: NDArray[np.float64],
    negatives: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Every positive adds to the curve's height from its own place to the limit on."""
    limit = (1 - FLOOR) * negatives[:, None]
    # Beyond this column no replicate has anything left of the part: places only fall.
    width = int((above < limit).any(axis=0).sum())
    left = np.maximum(limit - above[:, :width], 0.0)
    if through is not None:
        tied = through[:, :width] - above[:, :width]
        inside = np.minimum(left, tied)
        # Within a tie the curve climbs in a straight line.
        left += inside * inside / np.maximum(2 * tied, TINY) - inside
    area = _dot(gained[:, :width], left) / (positives * negatives)
    most, least = 1 - FLOOR, (1 - FLOOR) ** 2 / 2
    return (1 + (area - least) / (most - least)) / 2


def _at_floor(
    hits: NDArray[np.float64],
    alarms: NDArray[np.float64],
    positives: NDArray[np.float64],
    negatives: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Hits and alarms rise along the order, so that counting finds the threshold."""
    allowed, wanted = (1 - FLOOR + SLACK) * negatives, (FLOOR - SLACK) * positives
    rows = np.arange(len(hits))
    strict = (alarms <= allowed[:, None]).sum(axis=1)
    sensitivity = np.where(strict > 0, hits[rows, strict - 1], 0.0) / positives + 0 * negatives
    first = np.minimum((hits < wanted[:, None]).sum(axis=1), hits.shape[1] - 1)
    specificity = 1 - alarms[rows, first] / negatives + 0 * positives
    return {"sensitivity_at_90_specificity": sensitivity, "specificity_at_90_sensitivity": specificity}
