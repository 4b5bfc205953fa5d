"""A run that trains what marks regions: the same folder as every run, with the maps of the held-out pictures.

RUN/
  recipe.toml, run.json, split.csv
  boxes/        the run that puts boxes, where one comes first
  folds/K/      checkpoint.safetensors, log.csv, scores.json, and maps.safetensors: what was said of the fold's pictures
  bundle/       model.onnx, bundle.json, card.md; boxes.onnx where boxes come first
  report/       report.html, report.json, predictions.csv, and confusion.csv where every pixel has a label
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import senoscope
from senoscope.core.domain.bundle import Calibration, OperatingPoint, SoftmaxCalibration
from senoscope.core.domain.outline import stored
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError, InputError, RecipeError
from senoscope.core.io import read
from senoscope.core.tasks import TASKS, Task
from senoscope.evidence.bundles.packing import record
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.lesions import true_mask
from senoscope.evidence.evaluation.evaluate import PAPER_LEAK
from senoscope.evidence.evaluation.outlines import OutlineEvaluation, assess_outlines
from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.index.splits import folds, write_split
from senoscope.evidence.report.files import write_report
from senoscope.learning.data.material import Division, pipeline_of
from senoscope.learning.data.regions import regional
from senoscope.learning.models.weights import resolve
from senoscope.learning.outlines.before import BOXES, boxes_recipe, boxing_of, train_first
from senoscope.learning.outlines.folds import Answered, Ground, Progress, answered, fitted
from senoscope.learning.outlines.packing import pack
from senoscope.learning.outlines.tissue import FOLDS_OWN, called_pixels, cut_for, divided
from senoscope.learning.runs.calling import calibrated, chosen, points
from senoscope.learning.runs.fold import refit_recipe
from senoscope.learning.runs.run import open_run
from senoscope.learning.runs.tracking import tracked


@dataclass(frozen=True, eq=False)
class OutlineOutcome:
    """What a run came to: the evaluation out of fold, and where the bundle lies."""

    evaluation: OutlineEvaluation | TissueEvaluation
    bundle: Path


def train_outlines(
    recipe: Recipe, root: Path, out: Path, progress: Progress = lambda stage, done, total: None
) -> OutlineOutcome:
    """Cross-validate, report, refit on everything and pack; run it again to resume.

    Args:
        recipe: what to do.
        root: folder of the dataset.
        out: run folder.
        progress: told what goes on.

    Raises:
        SenoscopeError: as `senoscope.learning.runs.run.train`.
    """
    if recipe.outline.by:
        boxes_recipe(recipe, out)
        # Only what opens a run may begin its folder.
        begun(recipe, root, out, progress)
        train_first(recipe, root, out, progress)
    with tracked(recipe, out) as tracker:
        told = tracker.following(progress)
        ground = opened(recipe, root, out, told)
        outcome = _crossvalidated(ground, out, told)
        tracker.finished(outcome.evaluation.table)
        return outcome


def opened(recipe: Recipe, root: Path, out: Path, progress: Progress = lambda stage, done, total: None) -> Ground:
    """Everything the folds of a run share, with its folder opened for it; raises as `train_outlines`."""
    ground = begun(recipe, root, out, progress)
    return replace(ground, boxing=boxing_of(recipe, root, out)) if recipe.outline.by else ground


def begun(recipe: Recipe, root: Path, out: Path, progress: Progress) -> Ground:
    """As `opened`, but for what a run that comes before has found."""
    task = TASKS.get(recipe.task)
    _check(recipe, task)
    images = DATASETS.get(recipe.dataset).samples_for(task, root).only(recipe.data.only).with_files()
    images = regional(recipe, task, images)
    tiles = cut_for(recipe, images, progress) if task.by_pixel else None
    index = tiles.index if tiles else masked(images, task)
    split = recipe.split
    folded = folds(index, folds=split.folds, seed=split.seed, protocol=split.protocol)
    asked = recipe.model
    backbone = resolve(asked.backbone, pretrained=asked.pretrained, seed=recipe.fit.seed, size=recipe.input.size)
    open_run(recipe, Division(task, index, folded, index), backbone, out, (BOXES,) if recipe.outline.by else ())
    return Ground(recipe, task, index, folded, pipeline_of(recipe, task), backbone, tiles)


def _check(recipe: Recipe, task: Task) -> None:
    unfit = {
        "split.mode must be 'crossval'": recipe.split.mode != "crossval",
        "split.ensemble must be false": recipe.split.ensemble,
        "finetune.epochs must be above 0": not recipe.finetune.epochs,
        "finetune.layer_decay must be 1": recipe.finetune.layer_decay != 1,
        "finetune.balance must be 'none'": recipe.finetune.balance != "none",
        "input.views must be 1": recipe.input.views != 1,
        "input.region must be 'whole' or 'scan'": recipe.input.region not in ("whole", "scan"),
        "exam, record and patch must be left out": recipe.by_exam or bool(recipe.patch.epochs),
        "with outline.by, input.region must be 'whole'": bool(recipe.outline.by) and recipe.input.region != "whole",
        "outline.by is for two labels": bool(recipe.outline.by) and task.by_pixel,
    }
    for words, wrong in unfit.items():
        if wrong:
            raise RecipeError(f"task {task.name!r} asks where: {words}", "see docs/reference/recipes.md")


def masked(images: Index, task: Task) -> Index:
    """Leave out samples whose masks cannot be used, or say something else than the label.

    Raises:
        DatasetError: no mask is left.
    """
    kept: list[Sample] = []
    dropped: list[Dropped] = []
    for sample, path in zip(images.samples, images.paths(), strict=True):
        try:
            there = bool(true_mask(sample, images.root, read(path).size).any())
        except (DatasetError, InputError) as error:
            dropped.append(Dropped(sample.path, error.message))
            continue
        if there == (sample.label == task.positive):
            kept.append(sample)
        else:
            said = "mark a place" if there else "mark nothing"
            dropped.append(Dropped(sample.path, f"labelled {sample.label}, and its masks {said}"))
    if not any(sample.masks for sample in kept):
        raise DatasetError(f"task {task.name!r} needs masks, and {images.dataset} has none", "use another dataset")
    note = (f"left out, as masks and labels do not fit: {len(dropped):,} images",) if dropped else ()
    return replace(images, samples=tuple(kept), dropped=(*images.dropped, *dropped), notes=images.notes + note)


def _crossvalidated(ground: Ground, out: Path, progress: Progress) -> OutlineOutcome:
    recipe = ground.recipe
    write_split(out / "split.csv", ground.index, ["crossval"] * len(ground.index), ground.folds)
    found = [answered(ground, fold, out / "folds" / str(fold), progress) for fold in range(recipe.split.folds)]
    evaluation = called_pixels(ground, found) if ground.tiles else _assessed(ground, found)
    write_report(evaluation, out / "report")
    everyone = np.arange(len(ground.index))
    final = refit_recipe(recipe, [0], [each.epoch for each in found])
    network, _ = fitted(ground, final, everyone, None, out / "folds" / "final", progress)
    progress("exporting", 0, 1)
    tested = np.concatenate([ground.parted.tested(fold) for fold in range(recipe.split.folds)])
    scores = np.concatenate([each.tested for each in found])
    words = f"the out-of-fold answers of {recipe.split.folds}-fold cross-validation of {recipe.dataset}"
    calling = _calling(ground, scores, tested, words)
    manifest = pack(ground, network, calling, everyone, out / "bundle")
    record(out / "bundle", manifest, evaluation.metric_table())
    progress("exporting", 1, 1)
    return OutlineOutcome(evaluation, out / "bundle")


Calling = tuple[Calibration, tuple[OperatingPoint, ...]]


def _calling(ground: Ground, scores: NDArray[np.float64], positions: NDArray[np.int64], words: str) -> Calling | None:
    """Calibration and thresholds of whether there is a region, from scores of pictures; None where all have one."""
    labels = ground.labels[positions]
    if labels.min() == labels.max():
        return None
    own = calibrated(ground.recipe, ground.task, scores, labels, words)
    assert not isinstance(own, SoftmaxCalibration)
    found = points(ground.task, own.apply(scores), labels, ground.index.groups()[positions])
    return own, tuple(point for point in found if isinstance(point, OperatingPoint))


def _presence(ground: Ground, found: Sequence[Answered]) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """(N,) probability that there is a region, None where that is not told, and from which one it is called."""
    presence, called_from = np.ones(len(ground.index)), np.full(len(ground.index), 0.5)
    for fold, each in enumerate(found):
        positions, words = ground.parted.calibrating(fold)
        scores = ground.parted.calibrated_by(fold, each.validation.tolist(), [other.tested.tolist() for other in found])
        calling = _calling(ground, np.array(scores), positions, words)
        if calling is None:
            return None, called_from
        test = ground.parted.tested(fold)
        presence[test] = calling[0].apply(each.tested)
        called_from[test] = chosen(ground.recipe, calling[1]).threshold
    return presence, called_from


def _maps(ground: Ground, found: Sequence[Answered]) -> Iterator[NDArray[np.float32]]:
    """(H, W) of every stored picture, as the network said that had not seen it."""
    place = np.empty((len(ground.index), 2), np.int64)
    for fold in range(len(found)):
        test = ground.parted.tested(fold)
        place[test] = [(fold, row) for row in range(len(test))]
    for position, (path, (fold, row)) in enumerate(zip(ground.index.paths(), place, strict=True)):
        placements, _ = ground.laid(position, read(path))
        yield stored(found[fold].maps[row].astype(np.float32) / 255, placements)


def _assessed(ground: Ground, found: Sequence[Answered]) -> OutlineEvaluation:
    """Every picture once, by a network that had not seen it, calibrated and called as `Parted` says."""
    recipe = ground.recipe
    presence, called_from = _presence(ground, found)
    paper = recipe.split.protocol == "paper"
    return assess_outlines(
        ground.index,
        chances=_maps(ground, found),
        positive=ground.task.positive,
        presence=presence,
        presence_threshold=called_from,
        threshold=recipe.outline.threshold,
        smallest=recipe.outline.smallest,
        title=f"{recipe.name}: {recipe.split.folds}-fold cross-validation on {ground.index.dataset}",
        bundle=recipe.name,
        version=senoscope.__version__,
        operating_point=recipe.operating_point,
        protocol=divided(recipe),
        leak=PAPER_LEAK if paper else "",
        recipe=recipe,
        notes=[
            FOLDS_OWN,
            ground.parted.calibration_note,
        ],
    )
