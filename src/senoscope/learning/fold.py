"""One fit: the head on stored features, then the backbone where the recipe asks for it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RunError
from senoscope.evidence.tables import write_text
from senoscope.learning.calling import calibrated, chosen, points
from senoscope.learning.finetune import finetune, outputs
from senoscope.learning.fit import fit_head
from senoscope.learning.loop import Plan, Row
from senoscope.learning.material import Material, Positions, Progress
from senoscope.learning.models.build import build
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble, HeadEnsemble
from senoscope.learning.weights import resolve


@dataclass(frozen=True, eq=False)
class Fit:
    """A finished fit.

    Args:
        classifier: in evaluation mode.
        head_epoch: best epoch of the head, 0 where nothing was frozen.
        backbone_epoch: best epoch of the fine-tuning, 0 where there was none.
    """

    classifier: Classifier
    head_epoch: int
    backbone_epoch: int


@dataclass(frozen=True, eq=False)
class Scores:
    """A fold's answers to its test part, as `scores.json` keeps them.

    Args:
        logits: (n,) of the test part, or (n, K) of more than two labels.
        probabilities: as many, calibrated on samples that are neither trained on nor tested.
        threshold: of the recipe's operating point, chosen on the same samples; None of more than two labels.
        head_epoch: epochs the head took, 0 where nothing was frozen.
        backbone_epoch: epochs the fine-tuning took, 0 where there was none.
    """

    logits: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    threshold: float | None
    head_epoch: int
    backbone_epoch: int


def fit(
    material: Material, recipe: Recipe, train: Positions, validation: Positions | None, folder: Path, progress: Progress
) -> Fit:
    """Fit on `train`, early-stopped on `validation`; without it, for exactly the epochs the recipe says."""

    def said(stage: str, epochs: int) -> Callable[[Row], None]:
        return lambda row: progress(f"{folder.name}: {stage}", row.epoch, epochs)

    torch.manual_seed(recipe.fit.seed)
    head = build(recipe.model, material.backbone.features, material.backbone.places, material.answers)
    head_epoch = 0
    if not recipe.model.from_scratch:
        examples = None if validation is None else material.plain_examples(validation)
        told = said("head", recipe.fit.epochs if recipe.fit.solver == "adam" else 1)
        head_epoch = fit_head(
            head, material.train_examples(train), examples, recipe.fit, folder / "head", told
        ).best_epoch
    if not recipe.finetune.epochs:
        return Fit(Classifier(material.backbone, head, material.pipeline.scale).eval(), head_epoch, 0)
    # A fresh copy: the stored features belong to the backbone as it was.
    asked = recipe.model
    backbone = resolve(asked.backbone, pretrained=asked.pretrained, seed=recipe.fit.seed, size=recipe.input.size)
    classifier = Classifier(backbone, head, material.pipeline.scale)
    tuned = finetune(
        classifier,
        material.pictures(train),
        None if validation is None else material.pictures(validation),
        recipe.finetune,
        recipe.jitter,
        Plan(recipe.finetune.epochs, recipe.finetune.patience, recipe.fit.seed, folder / "backbone"),
        said("backbone", recipe.finetune.epochs),
    )
    return Fit(classifier, head_epoch, tuned.best_epoch)


def scored(material: Material, fold: int, folder: Path, progress: Progress) -> Scores:
    """Fit with `fold` held out and answer it; a fold that is already answered is read back."""
    path = folder / "scores.json"
    test = material.positions(fold)[2]
    if path.is_file():
        return _read(path, (len(test),) if material.answers == 1 else (len(test), material.answers))
    recipe = material.recipe
    done, validation, values = (_tuned if recipe.finetune.epochs else _nested)(material, fold, folder, progress)
    labels = material.labels[validation]
    own = calibrated(recipe, material.task, values, labels, f"fold {fold}'s validation")
    found = points(material.task, own.apply(values), labels, material.index.groups()[validation])
    tested = logits(material, done.classifier, test)
    scores = Scores(tested, own.apply(tested), chosen(recipe, found).threshold, done.head_epoch, done.backbone_epoch)
    listed = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in vars(scores).items()}
    write_text(path, json.dumps(listed) + "\n")
    return scores


Validated = tuple[Fit, Positions, NDArray[np.float64]]
"""A fit, the samples it may be calibrated on, and their logits from networks that were not trained on them."""


def _tuned(material: Material, fold: int, folder: Path, progress: Progress) -> Validated:
    """Fine-tuning is dear: one fit, validated on the fold that follows."""
    train, validation, _ = material.positions(fold)
    done = fit(material, material.recipe, train, validation, folder, progress)
    return done, validation, logits(material, done.classifier, validation)


def _nested(material: Material, fold: int, folder: Path, progress: Progress) -> Validated:
    """A head costs seconds: every other fold validates in turn, then all of them are trained on."""
    others = [other for other in range(material.recipe.split.folds) if other != fold]
    values: list[NDArray[np.float64]] = []
    epochs: list[int] = []
    for other in others:
        train = np.flatnonzero((material.folds != fold) & (material.folds != other))
        held_out = np.flatnonzero(material.folds == other)
        inner = fit(material, material.recipe, train, held_out, folder / f"without_{other}", progress)
        values.append(logits(material, inner.classifier, held_out))
        epochs.append(inner.head_epoch)
    everyone = np.flatnonzero(material.folds != fold)
    done = fit(material, refit_recipe(material.recipe, epochs, [0]), everyone, None, folder / "refit", progress)
    validation = np.concatenate([np.flatnonzero(material.folds == other) for other in others])
    return done, validation, np.concatenate(values)


def united(material: Material, folds: Sequence[Scores], folder: Path, progress: Progress) -> Classifier | Ensemble:
    """Take the networks that answered the folds up again, as one; heads share the frozen backbone."""
    members = [_answering(material, fold, scores, folder / str(fold), progress) for fold, scores in enumerate(folds)]
    if material.recipe.finetune.epochs:
        return Ensemble(members).eval()
    heads = HeadEnsemble([member.head for member in members if not isinstance(member.head, HeadEnsemble)])
    return Classifier(material.backbone, heads, material.pipeline.scale).eval()


def _answering(material: Material, fold: int, scores: Scores, folder: Path, progress: Progress) -> Classifier:
    if material.recipe.finetune.epochs:
        train, validation, _ = material.positions(fold)
        return fit(material, material.recipe, train, validation, folder, progress).classifier
    recipe = refit_recipe(material.recipe, [scores.head_epoch], [0])
    return fit(material, recipe, np.flatnonzero(material.folds != fold), None, folder / "refit", progress).classifier


def logits(material: Material, classifier: Classifier, positions: Positions) -> NDArray[np.float64]:
    """(n,) logits of these samples as they are, or (n, K) of more than two labels."""
    if material.recipe.finetune.epochs:
        values = outputs(classifier, material.paths(positions), material.pipeline)[0]
    else:
        with torch.inference_mode():
            values = classifier.head(torch.from_numpy(material.plain[positions]))
    found = values.numpy().astype(np.float64)
    return found[:, 0] if material.answers == 1 else found


def embeddings(material: Material, classifier: Classifier | Ensemble, positions: Positions) -> NDArray[np.float32]:
    """(n, D) embeddings of these samples as they are."""
    if material.recipe.finetune.epochs:
        return outputs(classifier, material.paths(positions), material.pipeline)[1].numpy()
    return material.plain[positions]


def refit_recipe(recipe: Recipe, head_epochs: list[int], backbone_epochs: list[int]) -> Recipe:
    """Build the recipe of a fit without validation: as many epochs as the validated fits took, by their median."""
    updates: dict[str, object] = {}
    if recipe.fit.solver == "adam":
        updates["fit"] = recipe.fit.model_copy(update={"epochs": max(1, round(float(np.median(head_epochs))))})
    if recipe.finetune.epochs:
        epochs = max(1, round(float(np.median(backbone_epochs))))
        updates["finetune"] = recipe.finetune.model_copy(update={"epochs": epochs})
    return recipe.model_copy(update=updates)


def _read(path: Path, shape: tuple[int, ...]) -> Scores:
    try:
        values = json.loads(path.read_text())
        logit, chance = (np.array(values[key], np.float64) for key in ("logits", "probabilities"))
        if logit.shape != shape or chance.shape != shape:
            raise ValueError(f"it is not of the {shape[0]} samples of this fold")
        epochs = int(values["head_epoch"]), int(values["backbone_epoch"])
        threshold = float(values["threshold"]) if len(shape) == 1 else None
        return Scores(logit, chance, threshold, *epochs)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}", "remove it, and the fold is fitted again") from error
