"""Named thresholds, chosen on validation data only."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from senoscope.core.domain.bundle import MostProbable, OperatingPoint
from senoscope.evidence.metrics.classification import checked
from senoscope.evidence.metrics.curves import roc_curve
from senoscope.evidence.metrics.intervals import binary_table
from senoscope.evidence.metrics.multiclass import multiclass

SCREENING_SENSITIVITY = 0.95


def choose(
    probabilities: ArrayLike, labels: ArrayLike, groups: ArrayLike, *, replicates: int = 2000, seed: int = 0
) -> tuple[OperatingPoint, ...]:
    """Choose `screening` and `balanced`, each with its sensitivity and specificity on this data.

    Args:
        probabilities: (N,) calibrated probability of the positive label.
        labels: (N,) 0 or 1, both present.
        groups: (N,) patient or cluster of each sample, for the intervals.
        replicates: bootstrap samples of the intervals.
        seed: draws them.

    Returns:
        `screening`: the highest threshold with sensitivity ≥ `SCREENING_SENSITIVITY`. `balanced`: the one with the
        largest sensitivity + specificity − 1 (Youden 1950), the lower of equals. Both are scores that occur, and
        positive is called from them on.

    Raises:
        DatasetError: unusable input; names the row.
    """
    truth, values = checked(labels, probabilities)
    curve = roc_curve(truth, values)
    enough = int(np.argmax(curve.y >= SCREENING_SENSITIVITY))
    youden = curve.y - curve.x
    best = int(np.flatnonzero(youden >= youden.max() - 1e-12)[-1])
    chosen = (
        ("screening", f"highest threshold with sensitivity ≥ {SCREENING_SENSITIVITY}", enough),
        ("balanced", "largest sensitivity + specificity − 1 (Youden)", best),
    )
    points = []
    for name, rule, position in chosen:
        threshold = float(curve.thresholds[position])
        table = binary_table(truth, values, groups, threshold, replicates=replicates, seed=seed)
        points.append(
            OperatingPoint(
                name=name,
                rule=rule,
                threshold=threshold,
                sensitivity=table["sensitivity"],
                specificity=table["specificity"],
            )
        )
    return tuple(points)


def most_probable(
    probabilities: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    *,
    replicates: int = 2000,
    seed: int = 0,
) -> MostProbable:
    """What stands in a threshold's place where there are several labels, with their sensitivities on this data.

    Args:
        probabilities: (N, K) calibrated.
        labels: (N,) positions of labels among the classes, each present.
        groups: (N,) patient or cluster of each sample, for the intervals.
        classes: K names.
        replicates: bootstrap samples of the intervals.
        seed: draws them.

    Raises:
        DatasetError: unusable input; names the row.
    """
    words = [classes[position] for position in np.asarray(labels, np.int64)]
    found = multiclass(words, probabilities, groups, classes, replicates=replicates, seed=seed)
    return MostProbable(sensitivities={name: figures["sensitivity"] for name, figures in found.classes.items()})
