"""What a run works on: samples, folds, preprocessing, backbone, stored features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError
from senoscope.core.preprocess.heat import Mirror, Torso
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize, Step
from senoscope.core.tasks import TASKS, Task
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index
from senoscope.evidence.index.answered import with_answers
from senoscope.evidence.index.exams import Exams, exams
from senoscope.evidence.index.splits import folds
from senoscope.evidence.metrics.multiclass import numbered
from senoscope.learning.data.augment import multiplied, shown, viewed
from senoscope.learning.data.features import Wanted, default_store
from senoscope.learning.data.needs import check_images, check_labels
from senoscope.learning.data.pictures import Pictures
from senoscope.learning.data.regions import REGION, regional
from senoscope.learning.data.views import STEPS, turned
from senoscope.learning.exams.data import ExamData, exam_data
from senoscope.learning.exams.source import ExamSource
from senoscope.learning.fitting.fit import Examples
from senoscope.learning.models.weights import Backbone
from senoscope.learning.runs.parting import Parted, Positions

HEAT: dict[str, tuple[Step, ...]] = {"plain": (), "relative": (Torso(),), "asymmetry": (Torso(paired=True), Mirror())}
"""Steps of `input.heat`."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, eq=False)
class Division:
    """What a recipe's run is about: the samples, and who is tested with whom.

    Args:
        task: the recipe's task.
        index: samples whose labels the task knows; of a recipe of exams, one an exam.
        folds: (N,) fold of each sample.
        images: the samples image by image; of a recipe without exams the same as `index`.
        exams: which images make each exam; None of a recipe without exams.
    """

    task: Task
    index: Index
    folds: Positions
    images: Index
    exams: Exams | None = None


@dataclass(frozen=True, eq=False)
class Material:
    """Everything the folds of a run share.

    Args:
        recipe: what to do.
        task: the recipe's task.
        index: samples whose labels the task knows; of a recipe of exams, one an exam.
        labels: (N,) positions of labels among the task's: of two, 1 where positive.
        folds: (N,) fold of each sample.
        pipeline: preprocessing.
        backbone: frozen, with its weights.
        plain: (N, D) features of the images as they are, or rows of exams; D is 0 where nothing is trained yet.
        extra: (N, V, D) the same of their extra views.
        turned: (N, T, D) the same of what a frozen network's answer looks at beside the images as they are.
        exams: images and records behind the exams; None of a recipe without exams.
    """

    recipe: Recipe
    task: Task
    index: Index
    labels: NDArray[np.int64]
    folds: Positions
    pipeline: Pipeline
    backbone: Backbone | None
    plain: NDArray[np.float32]
    extra: NDArray[np.float32]
    turned: NDArray[np.float32]
    exams: ExamData | None = None

    @property
    def answers(self) -> int:
        """Logits of the head: one for two labels, else as many as there are labels."""
        return 1 if len(self.task.labels) == 2 else len(self.task.labels)

    def positions(self, fold: int) -> tuple[Positions, Positions, Positions]:
        """Training, validation and test part when `fold` is tested; see `Parted.positions`."""
        return Parted(self.recipe, self.folds).positions(fold)

    def train_examples(self, positions: Positions) -> Examples:
        """Features and labels of all views of these samples."""
        answering = self.turned[positions] if self.recipe.augment.answering else self.extra[positions][:, :0]
        views_of = np.concatenate([self.plain[positions][:, None], self.extra[positions], answering], axis=1)
        flat = np.ascontiguousarray(views_of.transpose(1, 0, 2).reshape(-1, views_of.shape[2]))
        return Examples(flat, np.tile(self.labels[positions], views_of.shape[1]))

    def train_records(self, positions: Positions) -> Tensor:
        """(n, M) coded records of all images of these exams."""
        assert self.exams is not None
        return torch.from_numpy(self.exams.codes[self.exams.part(positions)[0]])

    def plain_examples(self, positions: Positions) -> Examples:
        """Features and labels of these samples as they are."""
        return Examples(self.plain[positions], self.labels[positions])

    def answering(self, positions: Positions) -> list[NDArray[np.float32]]:
        """(n, D) of all views by which these samples are answered, the plain one first."""
        turned = self.turned[positions].transpose(1, 0, 2)
        return [self.plain[positions], *(np.ascontiguousarray(view) for view in turned)]

    def images_of(self, positions: Positions) -> Index:
        """List these samples image by image; of exams, the images that are read."""
        if self.exams is None:
            return self.index.take(positions)
        return self.exams.images.take(np.sort(self.exams.part(positions)[0]))

    def all_images_of(self, positions: Positions) -> Index:
        """List these samples image by image; of exams, those that are not read too: the label is of all of them."""
        if self.exams is None:
            return self.index.take(positions)
        return self.exams.images.take(np.sort(np.concatenate([self.exams.whole[exam] for exam in positions])))

    def pictures(self, positions: Positions) -> Pictures:
        """Image files of these samples, for fine-tuning."""
        return Pictures(self.paths(positions), self.pipeline, self.labels[positions])

    def exam_source(self, positions: Positions, seed: int) -> ExamSource:
        """These exams, for fine-tuning."""
        assert self.exams is not None
        images, places = self.exams.part(positions)
        labels, paths = self.labels[positions], self.exams.images.paths()
        pictures = Pictures([paths[image] for image in images], self.pipeline, self.labels[:0])
        return ExamSource(pictures, places, self.exams.codes[images], labels, self.recipe.jitter, seed)

    def paths(self, positions: Positions) -> list[Path]:
        """Image files of these samples."""
        every = self.index.paths()
        return [every[position] for position in positions]


def pipeline_of(recipe: Recipe, task: Task) -> Pipeline:
    """Preprocessing of a recipe: grey where the modality is grey, fitted to the network's square."""
    first = () if task.color else (Gray(), *HEAT[recipe.input.heat], *REGION[recipe.input.region])
    return Pipeline((*first, Resize(recipe.input.size, recipe.input.size, recipe.input.fit)))


def indexed(
    recipe: Recipe, root: Path, answers: Mapping[str, Path] | None = None, found: Index | None = None
) -> Division:
    """Samples and folds of a recipe on a folder; raises `DatasetError` where it does not hold the dataset.

    `answers` of other models become facts; see `with_answers`. Where samples were `found` already, the folder is not
    read.
    """
    task = TASKS.get(recipe.task)
    if recipe.jitter.stain and not task.color:
        raise RecipeError(f"pictures of task {task.name!r} have no stain", "set jitter.stain to 0")
    if recipe.input.heat != "plain" and task.modality != "thermography":
        raise RecipeError(
            f"input.heat = {recipe.input.heat!r} is for thermograms, and task {task.name!r} is of {task.modality}",
            "leave input.heat out",
        )
    listed = DATASETS.get(recipe.dataset).samples_for(task, root) if found is None else found
    images = with_answers(listed, answers or {}).only(recipe.data.only)
    if recipe.model.sees:
        images = images.with_files()
    check_images(recipe, images)
    images = regional(recipe, task, images)
    if recipe.augment.before_split:
        images = multiplied(images, recipe.augment)
    joined = exams(images, recipe.exam.by, recipe.exam.most) if recipe.by_exam else None
    index, split = joined.index if joined else images, recipe.split
    check_labels(recipe, task, index)
    folded = folds(index, folds=split.folds, seed=split.seed, protocol=split.protocol)
    return Division(task, index, folded, images, joined)


def gather(recipe: Recipe, divided: Division, backbone: Backbone | None, progress: Progress) -> Material:
    """Embed what the recipe needs; a second run finds everything stored."""
    task, index = divided.task, divided.index
    pipeline, labels = pipeline_of(recipe, task), numbered([sample.label for sample in index.samples], task.labels)
    if backbone is None or recipe.model.from_scratch:
        features = np.empty((len(divided.images), 1, 0), np.float32)
    else:
        features = _embedded(recipe, divided.images, pipeline, backbone, progress)
    behind = None
    if divided.exams is not None:
        behind = exam_data(recipe, divided.exams, backbone.features if backbone else 0)
        features = (
            np.empty((len(index), 1, 0), np.float32)
            if recipe.model.from_scratch
            else np.stack([behind.rows(features[:, view]) for view in range(features.shape[1])], axis=1)
        )
    plain, extra, further = np.split(features, [1, features.shape[1] - len(_answering(recipe))], axis=1)
    return Material(recipe, task, index, labels, divided.folds, pipeline, backbone, plain[:, 0], extra, further, behind)


def _answering(recipe: Recipe) -> tuple[tuple[Step, ...], ...]:
    """Views beside the plain one whose features an answer needs: a network that is trained itself is asked anew."""
    return () if recipe.trains_backbone else STEPS[1 : recipe.input.views]


def _embedded(
    recipe: Recipe, images: Index, pipeline: Pipeline, backbone: Backbone, progress: Progress
) -> NDArray[np.float32]:
    """(N, V + T, D) features of every image's views, the plain one first, those that only answers need last."""
    wanted = []
    for path, digest, sample in zip(images.paths(), images.file_hashes, images.samples, strict=True):
        views = [viewed(pipeline, view) for view in shown(recipe.augment, sample, recipe.split.seed)]
        views += [turned(views[0], steps) for steps in _answering(recipe)]
        wanted += [Wanted(path, digest, view) for view in views]
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
    return features.reshape(len(images), len(wanted) // len(images), -1)
