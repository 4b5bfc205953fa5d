"""What a run works on: samples, folds, preprocessing, backbone, stored features."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.core.tasks import TASKS, Task
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.multiclass import numbered
from senoscope.evidence.splits import folds
from senoscope.learning.augment import multiplied, shown, viewed
from senoscope.learning.features import Wanted, default_store
from senoscope.learning.fit import Examples
from senoscope.learning.pictures import Pictures
from senoscope.learning.weights import Backbone

Positions = NDArray[np.int64]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, eq=False)
class Material:
    """Everything the folds of a run share.

    Args:
        recipe: what to do.
        task: the recipe's task.
        index: samples whose labels the task knows.
        labels: (N,) positions of labels among the task's: of two, 1 where positive.
        folds: (N,) fold of each sample.
        pipeline: preprocessing.
        backbone: frozen, with its weights.
        plain: (N, D) features of the images as they are; D is 0 where the backbone has no weights to begin with.
        extra: (N, V, D) features of their extra views.
    """

    recipe: Recipe
    task: Task
    index: Index
    labels: NDArray[np.int64]
    folds: Positions
    pipeline: Pipeline
    backbone: Backbone
    plain: NDArray[np.float32]
    extra: NDArray[np.float32]

    @property
    def answers(self) -> int:
        """Logits of the head: one for two labels, else as many as there are labels."""
        return 1 if len(self.task.labels) == 2 else len(self.task.labels)

    def positions(self, fold: int) -> tuple[Positions, Positions, Positions]:
        """Training, validation and test part when `fold` is tested; the fold after it validates."""
        following = (fold + 1) % self.recipe.split.folds
        chosen = (self.folds != fold) & (self.folds != following)
        return np.flatnonzero(chosen), np.flatnonzero(self.folds == following), np.flatnonzero(self.folds == fold)

    def train_examples(self, positions: Positions) -> Examples:
        """Features and labels of all views of these samples."""
        views_of = np.concatenate([self.plain[positions][:, None], self.extra[positions]], axis=1)
        flat = np.ascontiguousarray(views_of.transpose(1, 0, 2).reshape(-1, views_of.shape[2]))
        return Examples(flat, np.tile(self.labels[positions], views_of.shape[1]))

    def plain_examples(self, positions: Positions) -> Examples:
        """Features and labels of these samples as they are."""
        return Examples(self.plain[positions], self.labels[positions])

    def pictures(self, positions: Positions) -> Pictures:
        """Image files of these samples, for fine-tuning."""
        return Pictures(self.paths(positions), self.pipeline, self.labels[positions])

    def paths(self, positions: Positions) -> list[Path]:
        """Image files of these samples."""
        every = self.index.paths()
        return [every[position] for position in positions]


def pipeline_of(recipe: Recipe, task: Task) -> Pipeline:
    """Preprocessing of a recipe: grey where the modality is grey, fitted to the network's square."""
    first = () if task.color else (Gray(),)
    return Pipeline((*first, Resize(recipe.input.size, recipe.input.size, recipe.input.fit)))


def indexed(recipe: Recipe, root: Path) -> tuple[Task, Index, Positions]:
    """Task, samples and folds of a recipe on a folder; raises `DatasetError` where it does not hold the dataset."""
    task = TASKS.get(recipe.task)
    if recipe.jitter.stain and not task.color:
        raise RecipeError(f"pictures of task {task.name!r} have no stain", "set jitter.stain to 0")
    if recipe.split.ensemble and len(task.labels) != 2:
        raise RecipeError(f"task {task.name!r} has more than two labels", "set split.ensemble to false")
    index = DATASETS.get(recipe.dataset).samples_for(task, root).with_files()
    if recipe.augment.before_split:
        index = multiplied(index, recipe.augment)
    split = recipe.split
    return task, index, folds(index, folds=split.folds, seed=split.seed, protocol=split.protocol)


def gather(
    recipe: Recipe, task: Task, index: Index, folded: Positions, backbone: Backbone, progress: Progress
) -> Material:
    """Embed what the recipe needs; a second run finds everything stored."""
    pipeline, labels = pipeline_of(recipe, task), numbered([sample.label for sample in index.samples], task.labels)
    if recipe.model.from_scratch:
        nothing = np.empty((len(index), 1, 0), np.float32)
        return Material(recipe, task, index, labels, folded, pipeline, backbone, nothing[:, 0], nothing[:, 1:])
    wanted = [
        Wanted(path, digest, viewed(pipeline, view))
        for path, digest, sample in zip(index.paths(), index.file_hashes, index.samples, strict=True)
        for view in shown(recipe.augment, sample, recipe.split.seed)
    ]
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("embedding", done, len(wanted))

    store = default_store()
    try:
        features = store.embed(backbone, wanted, advance)
    finally:
        store.close()
    features = features.reshape(len(index), len(wanted) // len(index), -1)
    return Material(recipe, task, index, labels, folded, pipeline, backbone, features[:, 0], features[:, 1:])
