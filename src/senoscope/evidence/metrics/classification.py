"""Figures of a two-class classifier, for one sample set or for thousands of weighted ones at once.

Every figure is computed by the same weighted formula: weights of one give the figure itself, and the multiplicities of
a bootstrap give its replicates. A figure that is 0/0 (PPV without a positive call, ROC AUC of one class) is NaN here;
nothing above this module passes a NaN on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.logistic import line, logit
from senoscope.evidence.metrics.ranking import rank, ranking_figures
from senoscope.evidence.metrics.sums import (
    BINS,
    Values,
    agreement_figures,
    agreement_terms,
    bin_of,
    call_figures,
    call_terms,
)

__all__ = ["BINS", "FIGURES", "TITLES", "Confusion", "Values", "bin_of", "checked", "confusion", "figures"]

TITLES = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC (average precision)",
    "partial_auc": "ROC AUC at specificity 0.9 to 1, standardised",
    "sensitivity_at_90_specificity": "sensitivity at specificity 0.9",
    "specificity_at_90_sensitivity": "specificity at sensitivity 0.9",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "balanced_accuracy": "balanced accuracy",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "pf1": "probabilistic F1",
    "accuracy": "accuracy",
    "brier": "Brier score",
    "ece": "expected calibration error",
    "calibration_intercept": "calibration intercept",
    "calibration_slope": "calibration slope",
}
"""Words for each figure of a table."""

FIGURES = tuple(TITLES)
"""Names of the figures of a table, in the order they are shown."""


@dataclass(frozen=True)
class Confusion:
    """Counts of calls at a threshold."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


def checked(labels: ArrayLike, scores: ArrayLike, *, probabilities: bool = True) -> tuple[NDArray[np.int64], Values]:
    """Labels as (N,) 0 or 1 and scores as (N,) float64.

    Args:
        labels: 0 or 1, both present.
        scores: finite; in [0, 1] where they are probabilities.
        probabilities: whether the range is checked.

    Raises:
        DatasetError: anything else; names the first row at fault, counted from 0.
    """
    truth, values = np.asarray(labels), np.asarray(scores, np.float64)
    if truth.ndim != 1 or values.shape != truth.shape:
        raise DatasetError(f"{truth.shape} labels do not fit {values.shape} scores", "give one score a label")
    _first_fault(~np.isin(truth, (0, 1)), truth, "label", "is neither 0 nor 1")
    _first_fault(~np.isfinite(values), values, "score", "is not a number")
    if probabilities:
        _first_fault((values < 0) | (values > 1), values, "probability", "lies outside 0 to 1")
    if len(truth) == 0 or truth.min() == truth.max():
        found = f"all {len(truth)} labels are {int(truth[0])}" if len(truth) else "there are no labels"
        raise DatasetError(f"figures need both classes, and {found}")
    return truth.astype(np.int64), values


def _first_fault(wrong: NDArray[np.bool_], values: NDArray[np.generic], what: str, problem: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DatasetError(f"row {row}: {what} {values[row]} {problem}")


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve; a tie between a positive and a negative counts half (Mann–Whitney)."""
    return float(ranking(*checked(labels, scores, probabilities=False))["roc_auc"][0])


def roc_auc_within(labels: ArrayLike, scores: ArrayLike, folds: ArrayLike) -> float:
    """ROC AUC over the pairs of a positive and a negative of the same fold; NaN where no fold has both.

    In cross-validation every fold is answered by another model, and the pooled ROC AUC compares their answers with each
    other, which can push chance well below one half (Airola et al. 2011, doi:10.1016/j.csda.2010.11.018).
    """
    truth, values = checked(labels, scores, probabilities=False)
    strata = np.asarray(folds)
    won, pairs = 0.0, 0
    for fold in np.unique(strata):
        chosen = strata == fold
        positives = int(truth[chosen].sum())
        count = positives * (int(chosen.sum()) - positives)
        if count:
            won, pairs = won + count * roc_auc(truth[chosen], values[chosen]), pairs + count
    return won / pairs if pairs else float("nan")


def pr_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision–recall curve as average precision: Σ (recallₙ − recallₙ₋₁) × precisionₙ."""
    return float(ranking(*checked(labels, scores, probabilities=False))["pr_auc"][0])


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared difference of probability and truth (Brier 1950); 0 is perfect."""
    return float(agreement(*checked(labels, probabilities))["brier"][0])


def ece(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Expected calibration error over `BINS` equal-width bins (Guo et al. 2017, arXiv:1706.04599).

    Mean over bins, weighted by their samples, of |mean probability − share of positives|, both of the positive label.
    """
    return float(agreement(*checked(labels, probabilities))["ece"][0])


def at_threshold(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> dict[str, float]:
    """Sensitivity, specificity, PPV, NPV, F1, accuracies, calling positive from `threshold` on; 0/0 is NaN."""
    return {name: float(value[0]) for name, value in calls(*checked(labels, probabilities), threshold).items()}


def confusion(labels: ArrayLike, probabilities: ArrayLike, threshold: float | Values) -> Confusion:
    """Count calls, calling positive from `threshold` on; (N,) thresholds give each sample its own."""
    truth, values = checked(labels, probabilities)
    called = values >= threshold
    return Confusion(
        true_positives=int((called & (truth == 1)).sum()),
        false_positives=int((called & (truth == 0)).sum()),
        true_negatives=int((~called & (truth == 0)).sum()),
        false_negatives=int((~called & (truth == 1)).sum()),
    )


def figures(
    labels: NDArray[np.int64], probabilities: Values, threshold: float | Values, weights: Values | None = None
) -> dict[str, Values]:
    """All of `FIGURES`.

    Args:
        labels: (N,) 0 or 1.
        probabilities: (N,) of the positive label, in [0, 1].
        threshold: positive is called from here on; (N,) thresholds give each sample its own.
        weights: (R, N) non-negative, one row a replicate; without it one row of ones.

    Returns:
        (R,) of each figure; NaN where it is 0/0.
    """
    found = ranking(labels, probabilities, weights)
    found |= calls(labels, probabilities, threshold, weights)
    found |= agreement(labels, probabilities, weights)
    found |= recalibrated(labels, probabilities, weights)
    return {name: found[name] for name in FIGURES}


def ranking(labels: NDArray[np.int64], scores: Values, weights: Values | None = None) -> dict[str, Values]:
    """(R,) figures of the order of (R, N) weighted samples; see `ranking_figures`."""
    return ranking_figures(rank(labels, scores), _weights(labels, weights))


def calls(
    labels: NDArray[np.int64], probabilities: Values, threshold: float | Values, weights: Values | None = None
) -> dict[str, Values]:
    """(R,) figures of (R, N) weighted samples that depend on a threshold."""
    return call_figures(_weights(labels, weights) @ call_terms(labels, probabilities, threshold))


def agreement(labels: NDArray[np.int64], probabilities: Values, weights: Values | None = None) -> dict[str, Values]:
    """(R,) `brier`, `ece` and `pf1` of (R, N) weighted samples."""
    return agreement_figures(_weights(labels, weights) @ agreement_terms(labels, probabilities))


def recalibrated(labels: NDArray[np.int64], probabilities: Values, weights: Values | None = None) -> dict[str, Values]:
    """(R,) `calibration_intercept` and `calibration_slope` of (R, N) weighted samples, fitted anew for each row."""
    logits = logit(probabilities)
    fitted = [line(labels, logits, row) for row in _weights(labels, weights)]
    return {
        "calibration_intercept": np.array([found.large for found in fitted]),
        "calibration_slope": np.array([found.slope for found in fitted]),
    }


def _weights(labels: NDArray[np.int64], weights: Values | None) -> Values:
    return np.ones((1, len(labels))) if weights is None else weights
