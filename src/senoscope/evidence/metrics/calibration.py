"""From logits to probabilities that mean what they say."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Calibration
from senoscope.core.errors import DatasetError, NoRankingError
from senoscope.evidence.metrics.classification import Values, checked

STEPS = 100
"""Newton's steps; it takes about six."""


def fit(kind: Literal["platt", "temperature"], logits: ArrayLike, labels: ArrayLike, *, fitted_on: str) -> Calibration:
    """Fit a calibration on held-out data.

    `platt` fits slope and intercept by maximum likelihood with targets smoothed to (N₊ + 1)/(N₊ + 2) and 1/(N₋ + 2)
    (Platt 1999), by Newton's method with backtracking (Lin, Lin & Weng 2007, doi:10.1007/s10994-007-5018-6).
    `temperature` fits one divisor of the logits (Guo et al. 2017, arXiv:1706.04599), on the labels as they are.

    Args:
        kind: which of the two.
        logits: (N,) finite.
        labels: (N,) 0 or 1, both present.
        fitted_on: which data, in words, for the bundle.

    Raises:
        NoRankingError: the logits do not rank positives above negatives.
        DatasetError: unusable input (names the row), or logits that separate the classes so that no temperature fits.
    """
    truth, values = checked(labels, logits, probabilities=False)
    # Scaling by the spread keeps Newton's steps well conditioned whatever the unit of the logits.
    spread = float(values.std()) or 1.0
    scaled = values / spread
    if kind == "platt":
        positives = int(truth.sum())
        targets = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2))
        features = np.column_stack((scaled, np.ones_like(scaled)))
    else:
        if values.any() and (values * (2 * truth - 1) >= 0).all():
            raise DatasetError(
                "the logits separate the classes: no temperature fits", "use platt, which smooths its targets"
            )
        targets, features = truth.astype(np.float64), scaled[:, None]
    slope, intercept = (*_newton(features, targets), 0.0)[:2] if values.std() else (0.0, 0.0)
    slope /= spread
    if not np.isfinite(slope) or slope <= 0:
        raise NoRankingError(
            f"the calibration's slope is {slope:.3g}: a higher logit does not mean a likelier positive",
            "the model has learned nothing on this data, or the labels are swapped",
        )
    return Calibration(
        kind=kind,
        slope=slope,
        intercept=intercept,
        fitted_on=fitted_on,
        images=len(truth),
        prevalence=float(truth.mean()),
    )


def _newton(features: Values, targets: Values) -> tuple[float, ...]:
    """Coefficients that minimise the cross-entropy of sigmoid(features @ coefficients) with the targets."""
    start = np.zeros(features.shape[1])
    if features.shape[1] == 2:
        start[1] = np.log(targets.mean() / (1 - targets.mean()))
    current, loss = start, _loss(features, targets, start)
    for _ in range(STEPS):
        probabilities = np.exp(-np.logaddexp(0.0, -(features @ current)))
        gradient = features.T @ (probabilities - targets)
        if np.abs(gradient).max() < 1e-10 * len(targets):
            break
        curvature = (features * (probabilities * (1 - probabilities))[:, None]).T @ features
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(current)), gradient)
        length = 1.0
        while length > 1e-10 and _loss(features, targets, current - length * step) > loss - 1e-4 * length * (
            gradient @ step
        ):
            length /= 2
        if length <= 1e-10:
            break
        current = current - length * step
        loss = _loss(features, targets, current)
    return tuple(float(value) for value in current)


def _loss(features: Values, targets: Values, coefficients: NDArray[np.float64]) -> float:
    scores = features @ coefficients
    return float((np.logaddexp(0.0, scores) - targets * scores).sum())
