"""What a recipe needs of a dataset, said before anything long begins."""

from difflib import get_close_matches

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError, RecipeError
from senoscope.core.tasks import Task
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index
from senoscope.evidence.index.exams import record_of


def check_images(recipe: Recipe, images: Index) -> None:
    """Raise where the images' records lack what the recipe goes by.

    Args:
        recipe: what is asked.
        images: samples of the task, before they are joined to exams.

    Raises:
        DatasetError: there are no samples; no patients, or breasts without a side, for exams; no lesion is outlined for
            patches to be of.
        RecipeError: a fact is one of no sample, and the nearest are named; or it is known only after reading, or the
            task's own answer.
    """
    if not images.samples:
        raise DatasetError(
            f"{images.dataset} holds no sample with a label of the task", f"see senoscope data audit {images.dataset}"
        )
    if recipe.exam.joins:
        _check_exams(recipe, images)
    _check_facts(recipe, images)
    if recipe.patch.epochs and not any(sample.boxes or sample.masks for sample in images.samples):
        raise DatasetError(
            f"patch.epochs = {recipe.patch.epochs} needs outlined lesions, and {images.dataset} has none",
            "set patch.epochs to 0, or use a dataset with boxes or masks",
        )


def _check_facts(recipe: Recipe, images: Index) -> None:
    late = DATASETS.get(recipe.dataset).known_after(recipe.task)
    known = {fact for sample in images.samples for fact in record_of(sample)} - late
    for fact in recipe.record.facts:
        if fact in late:
            raise RecipeError(
                f"record.facts: {fact!r} of {recipe.dataset} is no input of task {recipe.task!r}: it is known only "
                "after reading, or is the answer itself",
                f"leave it out; it makes subgroups. Inputs are: {', '.join(sorted(known)) or 'none'}",
            )
        if fact not in known:
            near = get_close_matches(fact, known, n=3) or sorted(known)
            raise RecipeError(
                f"record.facts: no sample of {images.dataset} has a fact {fact!r}",
                f"did you mean: {', '.join(near)}?" if near else "its samples have no facts",
            )


def _check_exams(recipe: Recipe, images: Index) -> None:
    lacking = {
        "whose image is whose": sum(not sample.patient_id for sample in images.samples),
        "which breast an image shows": sum(not sample.laterality for sample in images.samples)
        if recipe.exam.by == "breast"
        else 0,
    }
    for words, count in lacking.items():
        if count:
            raise DatasetError(
                f"exam.by = {recipe.exam.by!r}, and {images.dataset} does not say {words} "
                f"({count:,} of {len(images.samples):,} images)",
                "choose another exam.by: 'image' always goes",
            )


def check_labels(recipe: Recipe, task: Task, index: Index) -> None:
    """Raise where the samples cannot be divided into the recipe's folds with every label in each.

    Args:
        recipe: what is asked.
        task: whose labels.
        index: what is divided: images, or exams.

    Raises:
        DatasetError: a label has no sample, or fewer patients than there are folds; names label and count.
    """
    split = recipe.split
    by_label = {label: [sample for sample in index.samples if sample.label == label] for label in task.labels}
    if absent := [label for label, samples in by_label.items() if not samples]:
        raise DatasetError(
            f"task {task.name!r} needs samples labelled {', '.join(map(repr, absent))}; {index.dataset} has none",
            "use another dataset or task",
        )
    for label, samples in by_label.items():
        units = len(samples) if split.protocol == "paper" else len({sample.group for sample in samples})
        if units < split.folds:
            of = "images" if split.protocol == "paper" else "patients or duplicate groups"
            raise DatasetError(
                f"label {label!r} of {index.dataset} has {units} {of}, fewer than {split.folds} folds",
                "set split.folds lower, or use more data",
            )
