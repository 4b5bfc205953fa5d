"""Training whatever a recipe asks for: which, where, or which of what was outlined."""

from collections.abc import Mapping
from pathlib import Path

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RunError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.learning.boxes.run import BoxOutcome, train_boxes
from senoscope.learning.data.material import Progress
from senoscope.learning.fitting.company import company
from senoscope.learning.outlines.chaining import train_chain
from senoscope.learning.outlines.run import OutlineOutcome, train_outlines
from senoscope.learning.runs.holding import held
from senoscope.learning.runs.run import Outcome, train


def train_any(
    recipe: Recipe,
    root: Path,
    out: Path,
    progress: Progress = lambda stage, done, total: None,
    answers: Mapping[str, Path] | None = None,
) -> Outcome | OutlineOutcome | BoxOutcome:
    """Train by a recipe, whatever the kind of its task; run it again to resume.

    Args:
        recipe: what to do.
        root: folder of the dataset.
        out: run folder.
        progress: told what goes on.
        answers: what other models said of the images; for classifiers only.

    Raises:
        SenoscopeError: as `senoscope.learning.runs.run.train`.
        UsageError: answers are given to what does not go by them.
        RunError: several processes were started for what trains in one, or another training works in the folder.
    """
    with held(out):
        return _trained(recipe, root, out, progress, answers)


def _trained(
    recipe: Recipe, root: Path, out: Path, progress: Progress, answers: Mapping[str, Path] | None
) -> Outcome | OutlineOutcome | BoxOutcome:
    kind = TASKS.get(recipe.task).kind
    if kind == "classify" and not recipe.outline.by:
        return train(recipe, root, out, progress, answers)
    if answers:
        raise UsageError(f"--answers: task {recipe.task!r} goes by pictures alone", "leave it out")
    if company().count > 1:
        raise RunError(f"task {recipe.task!r} is trained in one process", "start senoscope train without torchrun")
    if kind == "classify":
        return train_chain(recipe, root, out, progress)
    if kind == "detect":
        return train_boxes(recipe, root, out, progress)
    return train_outlines(recipe, root, out, progress)
