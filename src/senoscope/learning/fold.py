"""One fit: the head on stored features, then the backbone where the recipe asks for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RunError
from senoscope.evidence.tables import write_text
from senoscope.learning.finetune import Pictures, finetune, outputs
from senoscope.learning.fit import fit_head
from senoscope.learning.loop import Plan, Row
from senoscope.learning.material import Material, Positions, Progress
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.heads import build
from senoscope.learning.weights import resolve


@dataclass(frozen=True, eq=False)
class Fit:
    """A finished fit.

    Args:
        classifier: in evaluation mode.
        head_epoch: best epoch of the head.
        backbone_epoch: best epoch of the fine-tuning, 0 where there was none.
    """

    classifier: Classifier
    head_epoch: int
    backbone_epoch: int


@dataclass(frozen=True, eq=False)
class Scores:
    """Logits of a fold's validation and test part, and its best epochs, as `scores.json` keeps them."""

    validation: NDArray[np.float64]
    test: NDArray[np.float64]
    head_epoch: int
    backbone_epoch: int


def fit(
    material: Material, recipe: Recipe, train: Positions, validation: Positions | None, folder: Path, progress: Progress
) -> Fit:
    """Fit on `train`, early-stopped on `validation`; without it, for exactly the epochs the recipe says."""
    torch.manual_seed(recipe.fit.seed)
    head = build(recipe.model, material.backbone.features)

    def said(stage: str, epochs: int) -> Callable[[Row], None]:
        return lambda row: progress(f"{folder.name}: {stage}", row.epoch, epochs)

    examples = None if validation is None else material.plain_examples(validation)
    epochs = 1 if recipe.fit.solver == "lbfgs" else recipe.fit.epochs
    fitted = fit_head(head, material.train_examples(train), examples, recipe.fit, folder / "head", said("head", epochs))
    if not recipe.finetune.epochs:
        return Fit(Classifier(material.backbone, head, material.pipeline.scale).eval(), fitted.best_epoch, 0)
    # A fresh copy: the stored features belong to the backbone as it was.
    backbone = resolve(recipe.model.backbone, pretrained=recipe.model.pretrained, seed=recipe.fit.seed)
    classifier = Classifier(backbone, head, material.pipeline.scale)
    tuned = finetune(
        classifier,
        Pictures(material.paths(train), material.pipeline, material.labels[train]),
        None
        if validation is None
        else Pictures(material.paths(validation), material.pipeline, material.labels[validation]),
        recipe.finetune,
        recipe.fit.balance,
        Plan(recipe.finetune.epochs, recipe.finetune.patience, recipe.fit.seed, folder / "backbone"),
        said("backbone", recipe.finetune.epochs),
    )
    return Fit(classifier, fitted.best_epoch, tuned.best_epoch)


def scored(material: Material, fold: int, folder: Path, progress: Progress) -> Scores:
    """Fit with `fold` held out and score it; a fold that is already scored is read back."""
    path = folder / "scores.json"
    train, validation, test = material.positions(fold)
    if path.is_file():
        return _read(path, len(validation), len(test))
    done = fit(material, material.recipe, train, validation, folder, progress)
    scores = Scores(
        logits(material, done.classifier, validation),
        logits(material, done.classifier, test),
        done.head_epoch,
        done.backbone_epoch,
    )
    values = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in vars(scores).items()}
    write_text(path, json.dumps(values) + "\n")
    return scores


def logits(material: Material, classifier: Classifier, positions: Positions) -> NDArray[np.float64]:
    """(n,) logits of these samples as they are."""
    if material.recipe.finetune.epochs:
        values = outputs(classifier, material.paths(positions), material.pipeline)[0]
    else:
        with torch.inference_mode():
            values = classifier.head(torch.from_numpy(material.plain[positions]))
    return values[:, 0].numpy().astype(np.float64)


def embeddings(material: Material, classifier: Classifier, positions: Positions) -> NDArray[np.float32]:
    """(n, D) embeddings of these samples as they are."""
    if material.recipe.finetune.epochs:
        return outputs(classifier, material.paths(positions), material.pipeline)[1].numpy()
    return material.plain[positions]


def refit_recipe(recipe: Recipe, folds: list[Scores]) -> Recipe:
    """Build the recipe of the last fit, on all patients: as many epochs as the folds needed, by their median."""
    updates: dict[str, object] = {}
    if recipe.fit.solver == "adam":
        epochs = round(float(np.median([scores.head_epoch for scores in folds])))
        updates["fit"] = recipe.fit.model_copy(update={"epochs": max(1, epochs)})
    if recipe.finetune.epochs:
        epochs = round(float(np.median([scores.backbone_epoch for scores in folds])))
        updates["finetune"] = recipe.finetune.model_copy(update={"epochs": max(1, epochs)})
    return recipe.model_copy(update=updates)


def _read(path: Path, validation: int, test: int) -> Scores:
    try:
        values = json.loads(path.read_text())
        arrays = {key: np.array(values[key], np.float64) for key in ("validation", "test")}
        if arrays["validation"].shape != (validation,) or arrays["test"].shape != (test,):
            raise ValueError("it holds the scores of another fold")
        return Scores(arrays["validation"], arrays["test"], int(values["head_epoch"]), int(values["backbone_epoch"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}", "remove it, and the fold is fitted again") from error
