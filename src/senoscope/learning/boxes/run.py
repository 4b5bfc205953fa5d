"""A run that trains what puts boxes around lesions: the same folder as every run, with the boxes of held-out pictures.

RUN/
  recipe.toml, run.json, split.csv
  folds/K/      checkpoint.safetensors, log.csv, scores.json: what its network found in the fold's pictures
  bundle/       model.onnx, bundle.json, card.md; not of Faster R-CNN
  report/       report.html, report.json, predictions.csv, pictures.csv
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import senoscope
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError
from senoscope.core.tasks import TASKS, Task
from senoscope.evidence.bundles.packing import record
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.boxes import BoxAbout, BoxEvaluation, Said, assess_boxes
from senoscope.evidence.evaluation.provenance import PAPER_LEAK
from senoscope.evidence.index.boxed import boxed
from senoscope.evidence.index.splits import folds, write_split
from senoscope.evidence.report.files import write_report
from senoscope.learning.boxes.calling import calling_of
from senoscope.learning.boxes.folds import Answered, Ground, Progress, answered, fitted, network_of
from senoscope.learning.boxes.network import CentreNetwork
from senoscope.learning.boxes.packing import pack
from senoscope.learning.data.material import Division, pipeline_of
from senoscope.learning.data.regions import regional
from senoscope.learning.models.weights import resolve
from senoscope.learning.runs.fold import refit_recipe
from senoscope.learning.runs.run import open_run
from senoscope.learning.runs.tracking import tracked


@dataclass(frozen=True, eq=False)
class BoxOutcome:
    """What a run came to: the evaluation out of fold, and where the bundle lies; None where there is none."""

    evaluation: BoxEvaluation
    bundle: Path | None


def train_boxes(
    recipe: Recipe, root: Path, out: Path, progress: Progress = lambda stage, done, total: None
) -> BoxOutcome:
    """Cross-validate, report, refit on everything and pack; run it again to resume.

    Of Faster R-CNN there is no bundle, so nothing is fitted again.

    Args:
        recipe: what to do.
        root: folder of the dataset.
        out: run folder.
        progress: told what goes on.

    Raises:
        SenoscopeError: as `senoscope.learning.runs.run.train`.
    """
    with tracked(recipe, out) as tracker:
        told = tracker.following(progress)
        ground = opened(recipe, root, out)
        outcome = _crossvalidated(ground, out, told)
        tracker.finished(outcome.evaluation.table)
        return outcome


def opened(recipe: Recipe, root: Path, out: Path) -> Ground:
    """Everything the folds of a run share, with its folder opened for it; raises as `train_boxes`."""
    task = TASKS.get(recipe.task)
    _check(recipe, task)
    asked = recipe.model
    side = recipe.boxes.patch or recipe.input.size
    backbone = resolve(asked.backbone, pretrained=asked.pretrained, seed=recipe.fit.seed, size=side)
    # What cannot be built is said before a folder is begun.
    network_of(recipe, backbone)
    images = DATASETS.get(recipe.dataset).samples_for(task, root).only(recipe.data.only).with_files()
    index, split = boxed(regional(recipe, task, images), task), recipe.split
    folded = folds(index, folds=split.folds, seed=split.seed, protocol=split.protocol)
    open_run(recipe, Division(task, index, folded, index), backbone, out)
    return Ground(recipe, task, index, folded, pipeline_of(recipe, task), backbone)


def _check(recipe: Recipe, task: Task) -> None:
    patch, size = recipe.boxes.patch, recipe.input.size
    unfit = {
        "split.mode must be 'crossval'": recipe.split.mode != "crossval",
        "split.ensemble must be false": recipe.split.ensemble,
        "finetune.epochs must be above 0": not recipe.finetune.epochs,
        "finetune.layer_decay must be 1": recipe.finetune.layer_decay != 1,
        "finetune.balance must be 'none'": recipe.finetune.balance != "none",
        "input.views must be 1": recipe.input.views != 1,
        "input.region must not be 'lesion'": recipe.input.region == "lesion",
        "exam, record and patch must be left out": recipe.by_exam or bool(recipe.patch.epochs),
        "boxes.patch must be below input.size": patch >= size,
        "input.size and boxes.patch must be multiples of 32": bool(patch % 32 or size % 32),
    }
    for words, wrong in unfit.items():
        if wrong:
            raise RecipeError(f"task {task.name!r} asks for boxes: {words}", "see docs/reference/recipes.md")


def _crossvalidated(ground: Ground, out: Path, progress: Progress) -> BoxOutcome:
    recipe = ground.recipe
    write_split(out / "split.csv", ground.index, ["crossval"] * len(ground.index), ground.folds)
    found = [answered(ground, fold, out / "folds" / str(fold), progress) for fold in range(recipe.split.folds)]
    progress("measuring", 0, 1)
    evaluation = _assessed(ground, found)
    write_report(evaluation, out / "report")
    if recipe.boxes.architecture == "fasterrcnn":
        return BoxOutcome(evaluation, None)
    everyone = np.arange(len(ground.index))
    final = refit_recipe(recipe, [0], [each.epoch for each in found])
    network, _ = fitted(ground, final, everyone, None, out / "folds" / "final", progress)
    assert isinstance(network, CentreNetwork)
    progress("exporting", 0, 1)
    tested = np.concatenate([ground.parted.tested(fold) for fold in range(recipe.split.folds)])
    looks = [look for each in found for look in each.tested]
    words = f"the out-of-fold answers of {recipe.split.folds}-fold cross-validation of {recipe.dataset}"
    manifest = pack(ground, network, calling_of(ground, tested, looks, words), everyone, out / "bundle")
    record(out / "bundle", manifest, evaluation.metric_table())
    progress("exporting", 1, 1)
    return BoxOutcome(evaluation, out / "bundle")


def _assessed(ground: Ground, found: Sequence[Answered]) -> BoxEvaluation:
    """Every picture once, by a network that had not seen it, calibrated and called as `Parted` says."""
    recipe, said = ground.recipe, dict[int, Said]()
    for fold, each in enumerate(found):
        positions, words = ground.parted.calibrating(fold)
        looks = ground.parted.calibrated_by(fold, each.validation, [other.tested for other in found])
        calling = calling_of(ground, positions, looks, words)
        for position, look in zip(ground.parted.tested(fold), each.tested, strict=True):
            said[int(position)] = calling.said(look, recipe)
    paper = recipe.split.protocol == "paper"
    again = "the bundle's own was fitted again on all samples"
    about = BoxAbout(
        title=f"{recipe.name}: {recipe.split.folds}-fold cross-validation on {ground.index.dataset}",
        bundle=recipe.name,
        version=senoscope.__version__,
        positive=ground.task.positive,
        operating_point=recipe.operating_point,
        protocol=f"{recipe.split.folds}-fold cross-validation by "
        + ("image, as papers do" if paper else "patient or duplicate group"),
        leak=PAPER_LEAK if paper else "",
        recipe=recipe,
        notes=(
            "the figures are of the models of the folds; "
            + ("there is no bundle of Faster R-CNN" if recipe.boxes.architecture == "fasterrcnn" else again),
            ground.parted.calibration_note,
            "the curves are over the calibrated scores of all folds together",
        ),
    )
    return assess_boxes(ground.index, [said[position] for position in range(len(ground.index))], about)
