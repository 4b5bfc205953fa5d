"""From logits to probabilities that mean what they say."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Calibration, Interval, SoftmaxCalibration
from senoscope.core.errors import DatasetError, NoRankingError
from senoscope.evidence.metrics.classification import Values, checked
from senoscope.evidence.metrics.grouping import grouped
from senoscope.evidence.metrics.logistic import line, line_terms, logit
from senoscope.evidence.metrics.sums import by_group

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


def fit_softmax(logits: ArrayLike, labels: ArrayLike, classes: Sequence[str], *, fitted_on: str) -> SoftmaxCalibration:
    """Fit one temperature of several labels' logits on held-out data, by maximum likelihood.

    The temperature is that of Guo et al. 2017 (arXiv:1706.04599). Targets are smoothed as Platt's are, to
    (n + 1)/(n + K) for a label that n of the samples have and 1/(n + K) for every other, so that logits which are right
    about every sample have a temperature too. The loss is convex in 1/T, and its minimum is found by bisection.

    Args:
        logits: (N, K) finite.
        labels: (N,) positions of labels among the classes, each present.
        classes: K names.
        fitted_on: which data, in words, for the bundle.

    Raises:
        NoRankingError: the logits of the right labels are no higher than those of the others.
        DatasetError: unusable input.
    """
    values, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    if values.shape != (len(truth), len(classes)) or not np.isfinite(values).all():
        raise DatasetError(
            f"logits {values.shape} of {len(truth)} labels are not finite numbers of {len(classes)} classes"
        )
    counts = np.bincount(truth, minlength=len(classes))
    if len(counts) != len(classes) or not counts.all():
        raise DatasetError(f"a calibration needs samples of every label; there are {counts.tolist()}")
    smoothed = (1 + np.diag(counts)) / (counts + len(classes))[:, None]
    spread = float(np.abs(values - values.mean(axis=1, keepdims=True)).max()) or 1.0
    scaled = values / spread
    aim = (smoothed[truth] * scaled).sum()

    def rise(slope: float) -> float:
        """Derivative of the loss by the slope 1/T."""
        scores = np.exp(slope * (scaled - scaled.max(axis=1, keepdims=True)))
        return float((scores / scores.sum(axis=1, keepdims=True) * scaled).sum() - aim)

    if rise(0.0) >= -1e-9 * len(truth):
        raise NoRankingError(
            "no temperature fits: the logits of the right labels are no higher than those of the others",
            "the model has learned nothing on this data, or the labels are swapped",
        )
    low, high = 0.0, 1.0
    while rise(high) < 0:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rise(middle) < 0 else (low, middle)
    shares = {name: float(count / len(truth)) for name, count in zip(classes, counts, strict=True)}
    return SoftmaxCalibration(
        kind="softmax", temperature=spread / high, fitted_on=fitted_on, images=len(truth), shares=shares
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


def recalibration(labels: ArrayLike, probabilities: ArrayLike, groups: ArrayLike | None = None) -> dict[str, Interval]:
    """Calibration in the large and calibration slope, with 95 % intervals by the sandwich formula.

    The truth is fitted by logistic regression on the logit as it is plus an intercept (0 is honest, above 0 the model
    promises too little), and on intercept plus slope × logit (1 is honest, below 1 the probabilities are too extreme);
    Cox 1958, doi:10.1093/biomet/45.3-4.562. The covariance is clustered by groups (Liang & Zeger 1986,
    doi:10.1093/biomet/73.1.13), times G/(G − 1) × (N − 1)/(N − number of coefficients).

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) of the positive label, in [0, 1]; 0 and 1 are taken as `EDGE` and 1 − `EDGE`.
        groups: (N,) patient or cluster of each sample, integers; each sample is its own where not given.

    Returns:
        `calibration_intercept` and `calibration_slope`.

    Raises:
        DatasetError: unusable input (names the row), a single group, or probabilities that separate the classes or are
            all the same, so that no slope fits.
    """
    truth, values = checked(labels, probabilities)
    members = np.arange(len(truth)) if groups is None else grouped(groups, len(truth))
    count = int(members.max()) + 1
    if count < 2:
        raise DatasetError("recalibration needs two groups at least", "there is no spread between groups to see")
    logits = logit(values)
    fitted = line(truth, logits)
    if not np.isfinite(fitted.slope):
        raise DatasetError("no calibration slope fits: the probabilities separate the classes, or are all the same")
    scores = line_terms(truth, logits, fitted)
    first, second = by_group(scores[:, [0]], members), by_group(scores[:, [2, 3]], members)
    return {
        "calibration_intercept": _sandwich(fitted.large, first, scores[:, [1]].sum(axis=0).reshape(1, 1), len(truth)),
        "calibration_slope": _sandwich(
            fitted.slope, second, scores[:, [4, 5, 5, 6]].sum(axis=0).reshape(2, 2), len(truth)
        ),
    }


def _sandwich(value: float, scores: Values, information: Values, samples: int) -> Interval:
    """Interval of the last coefficient from (G, k) scores of groups and the (k, k) information."""
    groups, coefficients = scores.shape
    bread = np.linalg.inv(information)
    correction = groups / (groups - 1) * (samples - 1) / max(samples - coefficients, 1)
    error = float(np.sqrt(correction * (bread @ (scores.T @ scores) @ bread)[-1, -1]))
    half = NormalDist().inv_cdf(0.975) * error
    return Interval(value=value, low=value - half, high=value + half)


def shift_prior(probabilities: ArrayLike, source: float, target: float) -> Values:
    """Probabilities for women among whom the positive label is more or less common, by Bayes' rule.

    Right where the images of each class look alike at both places (Saerens, Latinne & Decaestecker 2002,
    doi:10.1162/089976602753284446); 0 stays 0, 1 stays 1, and the order is kept.

    Args:
        probabilities: calibrated where the share of positives was `source`, in [0, 1].
        source: share of positives there.
        target: share of positives here.

    Raises:
        DatasetError: a probability is none, or a share does not lie between 0 and 1.
    """
    values = np.asarray(probabilities, np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise DatasetError("a probability to be shifted lies outside 0 to 1")
    for share in (source, target):
        if not 0 < share < 1:
            raise DatasetError(f"a prevalence of {share:g} lies outside 0 to 1", "give a share such as 0.006")
    likely, unlikely = values * (target / source), (1 - values) * ((1 - target) / (1 - source))
    return np.asarray(likely / (likely + unlikely))
