"""A training run: a folder anyone can read, which the same command takes up where it was cut short.

RUN/
  recipe.toml   what was asked, every field
  run.json      which data, which weights
  split.csv     who was trained on and who was tested on
  folds/K/      checkpoints, log.csv and scores of each fit (`final` is the one in the bundle)
  bundle/       model.onnx, bundle.json, card.md
  report/       report.html, report.json, predictions.csv
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import senoscope
from senoscope.core.domain.bundle import BundleManifest, ModelFile
from senoscope.core.domain.recipe import Recipe, dump_recipe
from senoscope.core.errors import RecipeError, RunError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluate import PAPER_LEAK, evaluate
from senoscope.evidence.evaluation import Evaluation, assess
from senoscope.evidence.index import Index
from senoscope.evidence.metrics import calibration, operating
from senoscope.evidence.novelty import fit_reference
from senoscope.evidence.packing import record, write_manifest
from senoscope.evidence.report import write_report
from senoscope.evidence.splits import write_split
from senoscope.evidence.tables import write_bytes, write_text
from senoscope.learning.export import export
from senoscope.learning.fold import Fit, Scores, embeddings, fit, logits, refit_recipe, scored
from senoscope.learning.material import Material, Positions, Progress, gather, indexed
from senoscope.learning.weights import Backbone, resolve
from senoscope.runtime.store import load


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run came to: the evaluation on its test part, and where the bundle lies."""

    evaluation: Evaluation
    bundle: Path


def train(recipe: Recipe, root: Path, out: Path, progress: Progress = lambda stage, done, total: None) -> Outcome:
    """Train, export, calibrate and evaluate; run it again to resume.

    Args:
        recipe: what to do.
        root: folder of the dataset.
        out: run folder.
        progress: told what goes on.

    Raises:
        RunError: `out` holds a run of another recipe, of other data or of other weights.
        DatasetError: `root` does not hold the dataset, or holds too little of it.
        WeightsError: the backbone's weights cannot be had.
        RecipeError: the recipe asks for a backbone or a task that cannot be trained.
    """
    task, index, folded = indexed(recipe, root)
    if len(task.labels) != 2 or task.kind != "classify":
        raise RecipeError(f"task {task.name!r} is not a question with two answers", "choose another task")
    backbone = resolve(recipe.model.backbone, pretrained=recipe.model.pretrained, seed=recipe.fit.seed)
    _open(recipe, index, backbone, out)
    material = gather(recipe, task, index, folded, backbone, progress)
    if recipe.split.mode == "crossval":
        return _crossval(material, out, progress)
    return _holdout(material, out, progress)


def _open(recipe: Recipe, index: Index, backbone: Backbone, out: Path) -> None:
    facts = {
        "senoscope": senoscope.__version__,
        "data": index.fingerprint().sha256,
        "weights": backbone.digest,
        "recipe": hashlib.sha256(dump_recipe(recipe).encode()).hexdigest(),
    }
    path = out / "run.json"
    if path.is_file():
        _compare(path, facts)
    else:
        # A kill may leave a hidden temporary file behind.
        if out.exists() and (not out.is_dir() or any(not item.name.startswith(".") for item in out.iterdir())):
            raise RunError(f"{out} is not an empty folder and holds no run", "give an empty or a new folder")
        write_text(path, json.dumps(facts, indent=1) + "\n")
    write_text(out / "recipe.toml", dump_recipe(recipe))


def _compare(path: Path, facts: dict[str, str]) -> None:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        differs = [name for name in ("recipe", "data", "weights") if known[name] != facts[name]]
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
    manifest = _pack(material, done, validation, values, "the validation part", seen, out / "bundle", progress)
    progress("testing", 0, len(test))
    found = evaluate(load(out / "bundle"), material.index.take(test), held_out="part test of split.csv")
    return _finish(manifest, found, out)


def _crossval(material: Material, out: Path, progress: Progress) -> Outcome:
    recipe = material.recipe
    write_split(out / "split.csv", material.index, ["crossval"] * len(material.index), material.folds)
    folds: list[Scores] = []
    for fold in range(recipe.split.folds):
        folds.append(scored(material, fold, out / "folds" / str(fold), progress))
    everyone = np.arange(len(material.index))
    final = refit_recipe(recipe, [scores.head_epoch for scores in folds], [scores.backbone_epoch for scores in folds])
    done = fit(material, final, everyone, None, out / "folds" / "final", progress)
    # Every sample is tested exactly once: out of fold, all of them validate the bundle's own calibration.
    tested = np.concatenate([material.positions(fold)[2] for fold in range(recipe.split.folds)])
    pooled = np.concatenate([scores.logits for scores in folds])
    words = f"the out-of-fold answers of {recipe.split.folds}-fold cross-validation"
    manifest = _pack(material, done, tested, pooled, words, everyone, out / "bundle", progress)
    return _finish(manifest, _pooled(material, manifest, folds), out)


def _pooled(material: Material, manifest: BundleManifest, folds: list[Scores]) -> Evaluation:
    """Every sample once, by a model that had not seen it, calibrated and called as that model's own validation says."""
    recipe = material.recipe
    probabilities, thresholds = np.empty(len(material.index)), np.empty(len(material.index))
    for fold, scores in enumerate(folds):
        test = material.positions(fold)[2]
        probabilities[test], thresholds[test] = scores.probabilities, scores.threshold
    by = "image, as the paper did" if recipe.split.protocol == "paper" else "patient or duplicate group"
    point = manifest.point()
    return assess(
        material.index,
        probabilities,
        positive=manifest.positive,
        title=f"{recipe.name}: {recipe.split.folds}-fold cross-validation on {material.index.dataset}",
        bundle=manifest.name,
        version=manifest.version,
        threshold=point.threshold,
        thresholds=thresholds,
        operating_point=point.name,
        protocol=f"{recipe.split.folds}-fold cross-validation by {by}",
        leak=PAPER_LEAK if recipe.split.protocol == "paper" else "",
        notes=[
            "the figures are of the models of the folds; the bundle's own was fitted again on all samples",
            "each fold was calibrated and called by samples it was neither trained nor tested on; "
            "the threshold shown is the bundle's own",
        ],
    )


def _pack(
    material: Material,
    done: Fit,
    validation: Positions,
    values: NDArray[np.float64],
    words: str,
    seen: Positions,
    folder: Path,
    progress: Progress,
) -> BundleManifest:
    recipe, task = material.recipe, material.task
    progress("exporting", 0, 1)
    labels = material.labels[validation]
    fitted = calibration.fit(recipe.calibration, values, labels, fitted_on=f"{words} of {recipe.dataset}")
    groups = material.index.groups()
    points = operating.choose(fitted.apply(values), labels, groups[validation])
    known = embeddings(material, done.classifier, seen)
    content = export(done.classifier, recipe.input.size, material.pipeline.scale)
    write_bytes(folder / "model.onnx", content)
    facts = DATASETS.get(recipe.dataset)
    manifest = BundleManifest(
        name=recipe.name,
        version=senoscope.__version__,
        created=datetime.now(UTC).strftime("%Y-%m-%d"),
        license=f"Weights trained on {facts.title} ({facts.licence}), starting from {material.backbone.origin}.",
        intended_use=f"{task.title} For researchers, and for readers who want a second look they can dispute.",
        task=task.name,
        labels=task.labels,
        positive=task.positive,
        model=ModelFile(
            sha256=hashlib.sha256(content).hexdigest(), mean=material.backbone.mean, std=material.backbone.std
        ),
        pipeline=material.pipeline,
        calibration=fitted,
        operating_points=points,
        operating_point=recipe.operating_point,
        reference=fit_reference(known, groups[seen], fitted_on=f"{len(seen)} images of {recipe.dataset}"),
        metrics=(),
        datasets=(material.index.take(seen).fingerprint(),),
        recipe=recipe,
    )
    write_manifest(folder, manifest)
    progress("exporting", 1, 1)
    return manifest


def _finish(manifest: BundleManifest, evaluation: Evaluation, out: Path) -> Outcome:
    record(out / "bundle", manifest, evaluation.metric_table())
    write_report(evaluation, out / "report")
    return Outcome(evaluation, out / "bundle")
