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
from senoscope.evidence.tables.rows import write_text
from senoscope.learning.data.material import Material, Progress
from senoscope.learning.exams.head import ExamHead, build_exam_head
from senoscope.learning.exams.network import ExamClassifier
from senoscope.learning.fitting.finetune import finetune, finetune_on, outputs
from senoscope.learning.fitting.fit import fit_head
from senoscope.learning.fitting.loop import Fitted, Plan, Row
from senoscope.learning.models.build import Head, build
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble
from senoscope.learning.models.heads_together import HeadEnsemble
from senoscope.learning.models.weights import Backbone
from senoscope.learning.runs.calling import calibrated, chosen, points
from senoscope.learning.runs.parting import Positions
from senoscope.learning.runs.patches import copied, patched

Network = Classifier | ExamClassifier
"""What a fit gives: a network that answers images, or exams."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A finished fit.

    Args:
        classifier: in evaluation mode.
        head_epoch: best epoch of the head, 0 where nothing was frozen.
        backbone_epoch: best epoch of the fine-tuning, 0 where there was none.
    """

    classifier: Network
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

    if recipe.patch.epochs:
        material = patched(material, recipe, train, folder, progress)
    torch.manual_seed(recipe.fit.seed)
    head = _head(material, recipe)
    head_epoch = 0
    if not recipe.model.from_scratch:
        examples = None if validation is None else material.plain_examples(validation)
        told = said("head", recipe.fit.epochs if recipe.fit.solver == "adam" else 1)
        head_epoch = fit_head(
            head, material.train_examples(train), examples, recipe.fit, folder / "head", told
        ).best_epoch
    elif isinstance(head, ExamHead):
        head.start_records(material.train_records(train))
    if not recipe.finetune.epochs:
        return Fit(_network(material, material.backbone, head).eval(), head_epoch, 0)
    # A copy: the stored features belong to the backbone as it was.
    backbone = material.backbone and copied(material.backbone)
    classifier = _network(material, backbone, head)
    plan = Plan(recipe.finetune.epochs, recipe.finetune.patience, recipe.fit.seed, folder / "backbone")
    tuned = _finetuned(material, recipe, classifier, (train, validation), plan, said("backbone", plan.epochs))
    return Fit(classifier, head_epoch, tuned.best_epoch)


def _finetuned(
    material: Material,
    recipe: Recipe,
    classifier: Network,
    parts: tuple[Positions, Positions | None],
    plan: Plan,
    told: Callable[[Row], None],
) -> Fitted:
    train, validation = parts
    if isinstance(classifier, ExamClassifier):
        judged = None if validation is None else material.exam_source(validation, plan.seed)
        return finetune_on(classifier, material.exam_source(train, plan.seed), judged, recipe.finetune, plan, told)
    pictures = None if validation is None else material.pictures(validation)
    return finetune(classifier, material.pictures(train), pictures, recipe.finetune, recipe.jitter, plan, told)


def _head(material: Material, recipe: Recipe) -> Head | ExamHead:
    if material.exams is not None:
        return build_exam_head(recipe, material.exams.packing, material.exams.coding, material.answers)
    assert material.backbone is not None
    return build(recipe.model, material.backbone.features, material.backbone.places, material.answers)


def _network(material: Material, backbone: Backbone | None, head: Head | ExamHead) -> Network:
    if isinstance(head, ExamHead):
        return ExamClassifier(backbone, head, material.pipeline.scale)
    assert backbone is not None
    return Classifier(backbone, head, material.pipeline.scale, material.recipe.input.views)


def scored(material: Material, fold: int, folder: Path, progress: Progress) -> Scores:
    """Fit with `fold` held out and answer it; a fold that is already answered is read back."""
    path = folder / "scores.json"
    test = material.positions(fold)[2]
    if path.is_file():
        return _read(path, (len(test),) if material.answers == 1 else (len(test), material.answers))
    recipe = material.recipe
    done, validation, values = (_tuned if recipe.trains_backbone else _nested)(material, fold, folder, progress)
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
    # Recipes refuse ensembles of exams.
    members = [_answering(material, fold, scores, folder / str(fold), progress) for fold, scores in enumerate(folds)]
    if material.recipe.trains_backbone:
        return Ensemble([member for member in members if isinstance(member, Classifier)]).eval()
    heads = [member.head for member in members if not isinstance(member.head, HeadEnsemble | ExamHead)]
    assert material.backbone is not None
    views = material.recipe.input.views
    return Classifier(material.backbone, HeadEnsemble(heads), material.pipeline.scale, views).eval()


def _answering(material: Material, fold: int, scores: Scores, folder: Path, progress: Progress) -> Network:
    if material.recipe.trains_backbone:
        train, validation, _ = material.positions(fold)
        return fit(material, material.recipe, train, validation, folder, progress).classifier
    recipe = refit_recipe(material.recipe, [scores.head_epoch], [0])
    return fit(material, recipe, np.flatnonzero(material.folds != fold), None, folder / "refit", progress).classifier


def logits(material: Material, classifier: Network, positions: Positions) -> NDArray[np.float64]:
    """(n,) logits of these samples by all views of an answer, or (n, K) of more than two labels."""
    with torch.inference_mode():
        if not material.recipe.trains_backbone:
            views = material.answering(positions)
            values = torch.stack([classifier.head(torch.from_numpy(view)) for view in views]).mean(dim=0)
        elif isinstance(classifier, ExamClassifier):
            assert material.exams is not None
            features = embeddings(material, classifier, positions)[0]
            values = classifier.head(torch.from_numpy(material.exams.rows_of(positions, features)))
        else:
            values = outputs(classifier, material.paths(positions), material.pipeline)[0]
    found: NDArray[np.float64] = values.numpy().astype(np.float64)
    return found[:, 0] if material.answers == 1 else found


def embeddings(
    material: Material, classifier: Network | Ensemble, positions: Positions
) -> tuple[NDArray[np.float32], Positions]:
    """(n, D) embeddings of all images of these samples as they are, or of records; and (n,) whose each of them is."""
    behind = material.exams
    if behind is None:
        if material.recipe.trains_backbone:
            assert not isinstance(classifier, ExamClassifier)
            return outputs(classifier, material.paths(positions), material.pipeline)[1].numpy(), positions
        return material.plain[positions], positions
    assert isinstance(classifier, ExamClassifier)
    images, places = behind.part(positions)
    owners = np.repeat(positions, [len(part) for part in places])
    if material.recipe.trains_backbone:
        every = behind.images.paths()
        return outputs(classifier, [every[image] for image in images], material.pipeline)[1].numpy(), owners
    views, records, mask = behind.packing.unpack(torch.from_numpy(material.plain[positions]))
    if classifier.backbone is not None:
        return views[mask > 0].numpy(), owners
    assert classifier.head.records is not None
    with torch.inference_mode():
        return classifier.head.records(records, mask).numpy(), positions


def refit_recipe(recipe: Recipe, head_epochs: list[int], backbone_epochs: list[int]) -> Recipe:
    """Build the recipe of a fit without validation: as many epochs as the validated fits took, by their median."""
    updates: dict[str, object] = {}
    if recipe.fit.solver == "adam":
        updates["fit"] = recipe.fit.model_copy(update={"epochs": max(1, round(float(np.median(head_epochs))))})
    if recipe.finetune.epochs:
        epochs = max(1, round(float(np.median(backbone_epochs))))
        # What is warmed up and no more would end at less than the rate it was validated with.
        warmup = min(recipe.finetune.warmup, epochs - 1)
        updates["finetune"] = recipe.finetune.model_copy(update={"epochs": epochs, "warmup": warmup})
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
