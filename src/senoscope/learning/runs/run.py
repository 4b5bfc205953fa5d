"""A training run: a folder anyone can read, which the same command takes up where it was cut short.

RUN/
  recipe.toml   what was asked, every field
  run.json      which data, which weights
  split.csv     who was trained on and who was tested on
  folds/K/      checkpoints, log.csv and scores of each fit (`final` is the one in the bundle)
  records_alone/K/  the same of the record without pictures, where the recipe goes by both
  bundle/       model.onnx, bundle.json, card.md
  report/       report.html, report.json, predictions.csv
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import senoscope
from senoscope.core.domain.bundle import BundleManifest
from senoscope.core.domain.recipe import Recipe, dump_recipe
from senoscope.core.errors import RecipeError, RunError
from senoscope.core.tasks import Task
from senoscope.evidence.bundles.packing import record
from senoscope.evidence.evaluation.by_patient import by_patient
from senoscope.evidence.evaluation.evaluate import PAPER_LEAK, evaluate
from senoscope.evidence.evaluation.evaluation import Evaluation, assess
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.evidence.index import Index
from senoscope.evidence.index.exams import record_of
from senoscope.evidence.index.samples import file_hash
from senoscope.evidence.index.splits import write_split
from senoscope.evidence.metrics import operating
from senoscope.evidence.metrics.classification import roc_auc_within
from senoscope.evidence.report.files import write_report
from senoscope.evidence.tables.rows import write_text
from senoscope.learning.data.material import Division, Material, Progress, gather, indexed
from senoscope.learning.exams.alone import records_alone
from senoscope.learning.models.weights import Backbone, resolve
from senoscope.learning.runs.bundling import pack
from senoscope.learning.runs.calling import calibrated, check_task, multiclass_pooled
from senoscope.learning.runs.fold import Network, Scores, fit, logits, refit_recipe, scored, united
from senoscope.learning.runs.parting import Positions
from senoscope.learning.runs.tracking import tracked
from senoscope.runtime.store import load


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run came to: the evaluation on its test part, and where the bundle lies."""

    evaluation: Evaluation | MulticlassEvaluation
    bundle: Path


def train(
    recipe: Recipe,
    root: Path,
    out: Path,
    progress: Progress = lambda stage, done, total: None,
    answers: Mapping[str, Path] | None = None,
    found: Index | None = None,
) -> Outcome:
    """Train, export, calibrate and evaluate; run it again to resume.

    Args:
        recipe: what to do.
        root: folder of the dataset.
        out: run folder.
        progress: told what goes on.
        answers: what other models said of the images, as facts; see `with_answers`.
        found: samples in the place of those that the dataset lists.

    Raises:
        RunError: `out` holds a run of another recipe, of other data or of other weights.
        DatasetError: `root` does not hold the dataset, or holds too little of it.
        WeightsError: the backbone's weights cannot be had.
        RecipeError: the recipe asks for a backbone or a task that cannot be trained.
    """
    with tracked(recipe, out) as tracker:
        told = tracker.following(progress)
        material = _material(recipe, root, out, told, answers, found)
        outcome = (_crossval if recipe.split.mode == "crossval" else _holdout)(material, out, told)
        tracker.finished(outcome.evaluation.table)
        return outcome


def crossvalidate(
    recipe: Recipe, root: Path, out: Path, progress: Progress = lambda stage, done, total: None
) -> Evaluation:
    """Evaluate a recipe by cross-validation, without a bundle; run it again to resume.

    Args:
        recipe: what to do; its `split.mode` counts as `crossval`.
        root: folder of the dataset.
        out: run folder; the report is written into `report/`.
        progress: told what goes on.

    Raises:
        SenoscopeError: as `train`.
    """
    split = recipe.split.model_copy(update={"mode": "crossval"})
    material = _material(recipe.model_copy(update={"split": split}), root, out, progress)
    if material.answers > 1:
        raise RecipeError(f"task {material.task.name!r} has more than two labels", "the leakage gap is of two")
    folds = _folds(material, out, progress)
    found = _pooled(material, folds)
    write_report(found, out / "report")
    return found


def _material(
    recipe: Recipe,
    root: Path,
    out: Path,
    progress: Progress,
    answers: Mapping[str, Path] | None = None,
    found: Index | None = None,
) -> Material:
    divided = indexed(recipe, root, answers, found)
    check_task(recipe, divided.task)
    backbone = None
    if recipe.model.sees:
        asked = recipe.model
        backbone = resolve(asked.backbone, pretrained=asked.pretrained, seed=recipe.fit.seed, size=recipe.input.size)
    open_run(recipe, divided, backbone, out)
    return gather(recipe, divided, backbone, progress)


def open_run(
    recipe: Recipe, divided: Division, backbone: Backbone | None, out: Path, beside: Sequence[str] = ()
) -> None:
    """Begin a run's folder, or make sure that it holds a run of the same; raises `RunError` where it does not.

    Args:
        recipe: what to do.
        divided: on which samples.
        backbone: with which weights.
        out: the folder.
        beside: names of what may lie there before the run begins.
    """
    facts = {
        "senoscope": senoscope.__version__,
        "data": divided.images.fingerprint().sha256,
        "facts": _facts(recipe, divided.task, divided.images),
        "weights": backbone.digest if backbone else "",
        # A later version may group the same images otherwise; answers of other folds are other answers.
        "split": _assignment(divided.index, divided.folds),
        "recipe": hashlib.sha256(dump_recipe(recipe).encode()).hexdigest(),
    }
    path = out / "run.json"
    if path.is_file():
        _compare(path, facts)
    else:
        # A kill may leave a hidden temporary file behind.
        if out.exists() and (
            not out.is_dir() or any(item.name[0] != "." and item.name not in beside for item in out.iterdir())
        ):
            raise RunError(f"{out} is not an empty folder and holds no run", "give an empty or a new folder")
        write_text(path, json.dumps(facts, indent=1) + "\n")
    write_text(out / "recipe.toml", dump_recipe(recipe))


def _facts(recipe: Recipe, task: Task, images: Index) -> str:
    """Hash of what the recipe goes by beside pixels and labels, which the data's own hash does not cover."""
    said: list[list[object]] = [
        [sample.sample_id, *(record_of(sample).get(name) for name in recipe.record.facts)] for sample in images.samples
    ]
    outlined = recipe.patch.epochs or task.kind != "classify"
    if outlined:
        for sample in images.samples:
            masks = [file_hash(images.root / mask) for mask in sample.masks]
            said.append([sample.sample_id, [vars(box) for box in sample.boxes], masks])
    asked = recipe.record.facts or outlined
    return hashlib.sha256(json.dumps(sorted(said, key=str)).encode()).hexdigest() if asked else ""


def _assignment(index: Index, folded: Positions) -> str:
    rows = sorted(f"{s.sample_id}\t{s.group}\t{fold}\n" for s, fold in zip(index.samples, folded, strict=True))
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def _compare(path: Path, facts: dict[str, str]) -> None:
    try:
        known = {"facts": ""} | json.loads(path.read_text(encoding="utf-8"))
        differs = [name for name in ("recipe", "data", "facts", "weights", "split") if known[name] != facts[name]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}", "give another --out") from error
    if differs:
        raise RunError(
            f"{path.parent} holds a run with other {' and '.join(differs)}",
            "give another --out, or what it was begun with",
        )


def _holdout(material: Material, out: Path, progress: Progress) -> Outcome:
    split = material.recipe.split
    train_part, validation, test = material.positions(split.test_fold)
    parts = np.full(len(material.index), "train", dtype=object)
    parts[validation], parts[test] = "validation", "test"
    write_split(out / "split.csv", material.index, parts.tolist(), material.folds)
    done = fit(material, material.recipe, train_part, validation, out / "folds" / "final", progress)
    values = logits(material, done.classifier, validation)
    seen = np.concatenate([train_part, validation])
    words = f"the validation part of {material.recipe.dataset}"
    manifest = pack(material, done.classifier, validation, values, words, seen, out / "bundle", progress)
    progress("testing", 0, len(test))
    found = evaluate(load(out / "bundle"), material.all_images_of(test), held_out="part test of split.csv")
    return _finish(manifest, found, out)


def _crossval(material: Material, out: Path, progress: Progress) -> Outcome:
    recipe = material.recipe
    folds = _folds(material, out, progress)
    own = "answers with the mean of all of them" if recipe.split.ensemble else "was fitted again on all samples"
    refitted = f"the figures are of the models of the folds; the bundle's own {own}"
    beside = records_alone(material, folds, out / "records_alone", progress)
    found = (_pooled if material.answers == 1 else _multiclass_pooled)(material, folds, [refitted, *beside])
    # Written before the bundle: answers that rank nothing make no bundle, and their figures are a result all the same.
    write_report(found, out / "report")
    everyone = np.arange(len(material.index))
    made = united if recipe.split.ensemble else _refitted
    network = made(material, folds, out / "folds", progress)
    # Every sample is tested exactly once: out of fold, all of them validate the bundle's own calibration.
    manifest = pack(material, network, *_out_of_fold(material, folds), everyone, out / "bundle", progress)
    record(out / "bundle", manifest, found.metric_table())
    return Outcome(found, out / "bundle")


def _refitted(material: Material, folds: Sequence[Scores], folder: Path, progress: Progress) -> Network:
    epochs = [scores.head_epoch for scores in folds], [scores.backbone_epoch for scores in folds]
    everyone = np.arange(len(material.index))
    final = refit_recipe(material.recipe, *epochs)
    return fit(material, final, everyone, None, folder / "final", progress).classifier


def _folds(material: Material, out: Path, progress: Progress) -> list[Scores]:
    write_split(out / "split.csv", material.index, ["crossval"] * len(material.index), material.folds)
    count = material.recipe.split.folds
    return [scored(material, fold, out / "folds" / str(fold), progress) for fold in range(count)]


def _out_of_fold(material: Material, folds: list[Scores]) -> tuple[Positions, NDArray[np.float64], str]:
    """Samples in the order of their answers, the answers, and what they are in words."""
    tested = np.concatenate([material.positions(fold)[2] for fold in range(len(folds))])
    words = f"the out-of-fold answers of {len(folds)}-fold cross-validation of {material.recipe.dataset}"
    return tested, np.concatenate([scores.logits for scores in folds]), words


def _pooled(material: Material, folds: list[Scores], notes: Sequence[str] = ()) -> Evaluation:
    """Every sample once, by a model that had not seen it, calibrated and called as that model's own validation says."""
    recipe = material.recipe
    probabilities, thresholds = np.empty(len(material.index)), np.empty(len(material.index))
    for fold, scores in enumerate(folds):
        test = material.positions(fold)[2]
        probabilities[test], thresholds[test] = scores.probabilities, scores.threshold
    tested, values, words = _out_of_fold(material, folds)
    own = calibrated(recipe, material.task, values, material.labels[tested], words)
    found = operating.choose(own.apply(values), material.labels[tested], material.index.groups()[tested])
    point = next(point for point in found if point.name == recipe.operating_point)
    within = roc_auc_within(material.labels, probabilities, material.folds)
    paper = recipe.split.protocol == "paper"
    by = "image, as papers do" if paper else "patient or duplicate group"
    pooled = assess(
        material.index,
        probabilities,
        positive=material.task.positive,
        title=f"{recipe.name}: {recipe.split.folds}-fold cross-validation on {material.index.dataset}",
        bundle=recipe.name,
        version=senoscope.__version__,
        threshold=point.threshold,
        thresholds=thresholds,
        operating_point=point.name,
        protocol=f"{recipe.split.folds}-fold cross-validation by {by}",
        leak=PAPER_LEAK if paper else "",
        recipe=recipe,
        notes=[
            *notes,
            f"ROC AUC over pairs of the same fold, answered by the same model: {within:.3f}",
            "each fold was calibrated and called by samples it was neither trained nor tested on; "
            "the threshold shown is of all out-of-fold answers together",
        ],
    )
    return replace(pooled, notes=(*pooled.notes, *by_patient(pooled.images)))


def _multiclass_pooled(material: Material, folds: list[Scores], notes: Sequence[str]) -> MulticlassEvaluation:
    probabilities = np.empty((len(material.index), material.answers))
    for fold, scores in enumerate(folds):
        probabilities[material.positions(fold)[2]] = scores.probabilities
    return multiclass_pooled(material, probabilities, notes)


def _finish(manifest: BundleManifest, evaluation: Evaluation | MulticlassEvaluation, out: Path) -> Outcome:
    record(out / "bundle", manifest, evaluation.metric_table())
    write_report(evaluation, out / "report")
    return Outcome(evaluation, out / "bundle")
