"""What answers image by image come to patient by patient, in a sentence."""

import numpy as np

from senoscope.evidence.evaluation.answers import Answers, pool
from senoscope.evidence.metrics.intervals import bootstrap

SHOWN = {"roc_auc": "ROC AUC", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
"""Figures that the sentence gives, and their names in it."""


def by_patient(images: Answers) -> tuple[str, ...]:
    """Say ROC AUC and accuracies by patient, each answered by the mean of her images' probabilities.

    Nothing is said where no figure by patient is to be had or it would mislead: the dataset does not say whose image is
    whose, every patient has one image, images of one patient have different labels (which is then none of hers), or all
    patients have the same.

    Args:
        images: the answers, image by image.

    Returns:
        One sentence with 95 % intervals, or nothing.
    """
    if not images.index.has_patients:
        return ()
    found = pool(images, "patient", "mean")
    mixed = any(len(np.unique(images.labels[members])) > 1 for members in found.members)
    cases = found.cases
    if mixed or len(cases) == len(images) or len(np.unique(cases.labels)) < 2:
        return ()
    table = bootstrap(cases.labels, cases.probabilities, cases.groups, cases.thresholds).table
    figures = ", ".join(f"{words} {table[name]}" for name, words in SHOWN.items() if name in table)
    return (f"by patient, the mean of her images' probabilities: {figures}; {len(cases)} patients",)
