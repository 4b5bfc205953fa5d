"""Logistic recalibration: how a straight line through the given logits would have to be drawn.

Two models of the truth (Cox 1958, doi:10.1093/biomet/45.3-4.562): the logit as given plus an intercept, which measures
calibration in the large, and intercept plus slope × logit, whose slope tells whether probabilities are too extreme
(below 1) or too timid (above 1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

EDGE = 1e-9
"""Probabilities nearer than this to 0 or 1 are taken as this near: their logits would be infinite."""

STEPS = 60

LINE_TERMS = 7


@dataclass(frozen=True)
class Line:
    """Estimates of both models; NaN where there is none.

    Args:
        large: intercept of the model with a slope of 1.
        intercept: of the model with a free slope.
        slope: of the same; not defined where the logits separate the classes or are all the same.
    """

    large: float
    intercept: float
    slope: float


def logit(probabilities: Values) -> Values:
    """Log odds of (N,) probabilities, kept finite by `EDGE`."""
    inside = np.clip(probabilities, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(scores: Values) -> Values:
    """Probability of log odds, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -scores)))


def line(labels: NDArray[np.int64], logits: Values, weights: Values | None = None) -> Line:
    """Fit both models by maximum likelihood to (N,) samples with (N,) weights."""
    kept = np.ones(len(labels), np.bool_) if weights is None else weights > 0
    truth, given = labels[kept].astype(np.float64), logits[kept]
    amount = np.ones(len(truth)) if weights is None else weights[kept]
    if len(truth) == 0 or truth.min() == truth.max():
        return Line(np.nan, np.nan, np.nan)
    one = np.ones((len(truth), 1))
    large = float(_maximum(one, given, truth, amount)[0])
    low, high = given[truth == 0], given[truth == 1]
    spread = float(given.std())
    if spread == 0 or low.max() <= high.min() or high.max() <= low.min():
        return Line(large, np.nan, np.nan)
    features = np.column_stack((one, (given - given.mean()) / spread))
    found = _maximum(features, np.zeros(len(truth)), truth, amount)
    slope = float(found[1]) / spread
    return Line(large, float(found[0]) - slope * float(given.mean()), slope)


def _maximum(features: Values, offset: Values, truth: Values, weights: Values) -> Values:
    """Coefficients of greatest likelihood by Newton's method, steps halved until the likelihood grows."""
    current = np.zeros(features.shape[1])
    loss = _loss(features @ current + offset, truth, weights)
    for _ in range(STEPS):
        chance = sigmoid(features @ current + offset)
        gradient = features.T @ (weights * (truth - chance))
        if np.abs(gradient).max() <= 1e-13 * weights.sum():
            break
        curvature = (features * (weights * chance * (1 - chance))[:, None]).T @ features
        step = np.linalg.solve(curvature + 1e-14 * weights.sum() * np.eye(len(current)), gradient)
        length, allowed = 1.0, loss + 1e-12 * abs(loss)
        while length > 1e-6 and _loss(features @ (current + length * step) + offset, truth, weights) > allowed:
            length /= 2
        if length <= 1e-6:
            break
        current = current + length * step
        loss = _loss(features @ current + offset, truth, weights)
    return current


def _loss(scores: Values, truth: Values, weights: Values) -> float:
    return float((weights * (np.logaddexp(0.0, scores) - truth * scores)).sum())


def line_terms(labels: NDArray[np.int64], logits: Values, fitted: Line) -> Values:
    """(N, 7) score and information of each sample at the estimates of `fitted`: two of the first model, five."""
    large = np.full_like(logits, np.nan)
    if np.isfinite(fitted.large):
        large = sigmoid(logits + fitted.large)
    free = np.full_like(logits, np.nan)
    if np.isfinite(fitted.slope):
        free = sigmoid(fitted.intercept + fitted.slope * logits)
    spread = free * (1 - free)
    return np.column_stack(
        (
            labels - large,
            large * (1 - large),
            labels - free,
            (labels - free) * logits,
            spread,
            spread * logits,
            spread * logits**2,
        )
    )


def line_figures(sums: Values, fitted: Line) -> dict[str, Values]:
    """(R,) estimates of replicates, one Newton step from those of all samples.

    A whole fit a replicate would cost thousands of times as much, and has no end where a replicate's classes are
    separated (Moulton & Zeger 1991, Computational Statistics & Data Analysis 11: 53–63).

    Args:
        sums: (R, 7) weighted sums of `line_terms`.
        fitted: the estimates of all samples.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        large = fitted.large + sums[:, 0] / sums[:, 1]
        _, _, first, second, a, b, c = sums.T
        slope = fitted.slope + (a * second - b * first) / (a * c - b * b)
    found = {"calibration_intercept": large, "calibration_slope": slope}
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}
