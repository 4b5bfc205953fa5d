"""What the records alone would have answered, fitted and tested on the same folds: the baseline of every picture."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import NONE, FinetuneRecipe
from senoscope.evidence.metrics.intervals import bootstrap, paired_bootstrap
from senoscope.learning.data.material import Material, Progress
from senoscope.learning.exams.data import exam_data
from senoscope.learning.runs.fold import Scores, scored


def records_alone(material: Material, folds: Sequence[Scores], folder: Path, progress: Progress) -> list[str]:
    """Cross-validate the recipe without its pictures, and say in words how both compare.

    Args:
        material: of the run; a recipe without pictures, without facts or of more than two labels has no baseline.
        folds: what the recipe itself came to.
        folder: where the fits of the baseline are kept.
        progress: told what goes on.
    """
    behind, recipe = material.exams, material.recipe
    if behind is None or not recipe.record.facts or not recipe.model.sees or material.answers > 1:
        return []
    plain = without_pictures(recipe)
    data = exam_data(plain, behind, 0)
    rows = data.rows(np.empty((len(data.images), 0), np.float32))
    bare = replace(material, recipe=plain, backbone=None, plain=rows, extra=rows[:, None][:, :0], exams=data)
    base = [scored(bare, fold, folder / str(fold), progress) for fold in range(recipe.split.folds)]
    groups, labels = material.index.groups(), material.labels
    ours, theirs = (_together(material, found) for found in (folds, base))
    area = bootstrap(labels, theirs, groups, threshold=0.5).table["roc_auc"]
    gain = paired_bootstrap(labels, ours, theirs, groups, threshold=0.5)["roc_auc"]
    facts = ", ".join(recipe.record.facts)
    return [
        f"the record alone ({facts}), without pictures, on the same folds: ROC AUC {area}",
        f"what the pictures add to it: ROC AUC {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})",
    ]


def without_pictures(recipe: Recipe) -> Recipe:
    """Return the same recipe on the record alone."""
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"backbone": NONE, "pretrained": True}),
            "finetune": FinetuneRecipe(),
            "augment": recipe.augment.model_copy(update={"views": 0}),
        }
    )


def _together(material: Material, folds: Sequence[Scores]) -> NDArray[np.float64]:
    found = np.empty(len(material.index))
    for fold, scores in enumerate(folds):
        found[material.positions(fold)[2]] = scores.probabilities
    return found
