"""From logits to labels that are called, of two labels or of more: calibration, operating points, pooled folds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import senoscope
from senoscope.core.domain.bundle import Calibration, Point, SoftmaxCalibration
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import NoRankingError, RecipeError
from senoscope.core.tasks import Task
from senoscope.evidence.evaluation.evaluate import PAPER_LEAK
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation, assess_multiclass
from senoscope.evidence.metrics import calibration, operating
from senoscope.evidence.metrics.classification import roc_auc_within
from senoscope.learning.data.material import Material

FLAT = 1e-3
"""Slope, per standard deviation of the logits, of a calibration that only keeps their order."""


def check_task(recipe: Recipe, task: Task) -> None:
    """Raise `RecipeError` where a task is no classifier's, or a recipe cannot tell its more than two labels apart."""
    if task.kind != "classify":
        raise RecipeError(f"task {task.name!r} is not a question with labels for answers", "choose another task")
    if recipe.split.validation == "none":
        raise RecipeError("split.validation = 'none' is for tasks that ask where", "leave it out")
    if len(task.labels) == 2:
        return
    refused = {
        f"model.head = {recipe.model.head!r}": recipe.model.head == "dense",
        f"calibration = {recipe.calibration!r}": recipe.calibration != "temperature",
    }
    for words, wrong in refused.items():
        if wrong:
            raise RecipeError(
                f"{words} is for two labels, and task {task.name!r} has {len(task.labels)}",
                "more take another head, and calibration temperature",
            )


def fitted(
    recipe: Recipe, task: Task, values: NDArray[np.float64], labels: NDArray[np.int64], words: str
) -> Calibration | SoftmaxCalibration:
    """Calibrate (n,) or (n, K) logits as the recipe says; raises `NoRankingError` where they do not rank."""
    if values.ndim == 2:
        return calibration.fit_softmax(values, labels, task.labels, fitted_on=words)
    return calibration.fit(recipe.calibration, values, labels, fitted_on=words)


def calibrated(
    recipe: Recipe, task: Task, values: NDArray[np.float64], labels: NDArray[np.int64], words: str
) -> Calibration | SoftmaxCalibration:
    """Calibrate a fold's answers; where they do not rank at all, next to chance.

    A bundle is refused in that case. A cross-validated figure must come out all the same: chance is a result too. The
    fold's own prevalence would not do: it is low where the tested fold's is high, and would turn chance into less.
    """
    try:
        return fitted(recipe, task, values, labels, words)
    except NoRankingError:
        slope = FLAT / (float(values.std()) or 1.0)
    if values.ndim == 2:
        shares = {label: float((labels == place).mean()) for place, label in enumerate(task.labels)}
        return SoftmaxCalibration(
            kind="softmax", temperature=1 / slope, fitted_on=words, images=len(labels), shares=shares
        )
    return Calibration(
        kind="platt",
        slope=slope,
        intercept=0.0,
        fitted_on=words,
        images=len(labels),
        prevalence=float(labels.mean()),
    )


def points(
    task: Task, probabilities: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[Point, ...]:
    """Choose the thresholds of two labels; more have only the most probable one."""
    if probabilities.ndim == 2:
        return (operating.most_probable(probabilities, labels, groups, task.labels),)
    return operating.choose(probabilities, labels, groups)


def chosen(recipe: Recipe, found: Sequence[Point]) -> Point:
    """Return the recipe's operating point, or the only one there is."""
    return found[0] if len(found) == 1 else next(point for point in found if point.name == recipe.operating_point)


def multiclass_pooled(
    material: Material, probabilities: NDArray[np.float64], notes: Sequence[str] = ()
) -> MulticlassEvaluation:
    """Every sample once, by a model that had not seen it, calibrated as that model's own validation says.

    Args:
        material: of the run.
        probabilities: (N, K) out of fold, in the order of the index.
        notes: what a reader must know.
    """
    recipe, task = material.recipe, material.task
    paper = recipe.split.protocol == "paper"
    within = [
        roc_auc_within((material.labels == place).astype(np.int64), probabilities[:, place], material.folds)
        for place in range(len(task.labels))
    ]
    return assess_multiclass(
        material.index,
        probabilities,
        task=task,
        title=f"{recipe.name}: {recipe.split.folds}-fold cross-validation on {material.index.dataset}",
        bundle=recipe.name,
        version=senoscope.__version__,
        protocol=f"{recipe.split.folds}-fold cross-validation by "
        + ("image, as papers do" if paper else "patient or duplicate group"),
        leak=PAPER_LEAK if paper else "",
        recipe=recipe,
        notes=[
            *notes,
            f"macro ROC AUC over pairs of the same fold, answered by the same model: {float(np.mean(within)):.3f}",
            "each fold was calibrated by samples it was neither trained nor tested on",
        ],
    )
