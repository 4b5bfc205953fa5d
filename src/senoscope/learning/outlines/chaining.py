"""A classifier of outlined lesions: trained on what networks mark in pictures they have not seen, packed with one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import BundleManifest, ModelFile
from senoscope.core.domain.chain import ChainManifest, ChainSpec, MeasureSpec
from senoscope.core.domain.outline import stored
from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import DatasetError, RecipeError
from senoscope.core.io import read
from senoscope.core.preprocess.descriptors import DESCRIPTORS, box_of, describe, lesion_of
from senoscope.core.preprocess.steps import Gray
from senoscope.core.preprocess.surrounding import surrounding
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.index.patches import patch_folder, square_file
from senoscope.evidence.report.files import write_report
from senoscope.evidence.tables.rows import write_bytes
from senoscope.learning.outlines.folds import Ground, Progress, answered
from senoscope.learning.outlines.run import opened, train_outlines
from senoscope.learning.runs.run import Outcome, train
from senoscope.runtime.store import read_manifest, read_model

OUTLINES = "outlines"
"""Folder, in a chain's run, of the run that outlines; one that is there already is taken up."""


def train_chain(recipe: Recipe, root: Path, out: Path, progress: Progress = lambda stage, done, total: None) -> Outcome:
    """Train what outlines, then what answers for the largest lesion in its out-of-fold outlines, and pack both.

    No network marked a picture it was trained on. The networks that marked the pictures a classifier is trained on did
    see masks of pictures it is tested on, though never their labels.

    Args:
        recipe: of the classifier; `outline.by` names the recipe that outlines.
        root: folder of the dataset.
        out: run folder.
        progress: told what goes on.

    Raises:
        SenoscopeError: as `senoscope.learning.runs.run.train`.
    """
    _check(recipe)
    first = _outlining(recipe, out)
    train_outlines(first, root, out / OUTLINES, progress)
    ground = opened(first, root, out / OUTLINES)
    listed = DATASETS.get(recipe.dataset).samples_for(TASKS.get(recipe.task), root).with_files()
    lesions = lesions_of(recipe, ground, listed, out / OUTLINES, progress)
    outcome = train(recipe, root, out / "classifier", progress, found=lesions)
    write_report(outcome.evaluation, out / "report")
    _chained(outcome.bundle, out / OUTLINES / "bundle", lesions, listed, out / "bundle")
    return Outcome(outcome.evaluation, out / "bundle")


def _check(recipe: Recipe) -> None:
    known = {one.name for one in DESCRIPTORS}
    if not recipe.record.facts or not known.issuperset(recipe.record.facts):
        raise RecipeError(
            "outline.by needs record.facts to name what is measured of a lesion",
            f"measures: {', '.join(sorted(known))}",
        )
    unfit = {
        "exam.by must be 'image'": recipe.exam.joins,
        "record.network must be 'table'": recipe.record.network != "table",
        "input.region must be 'whole'": recipe.input.region != "whole",
        "split.mode must be 'crossval'": recipe.split.mode != "crossval",
        "split.validation must be 'fold'": recipe.split.validation != "fold",
        "augment.before_split must be false": recipe.augment.before_split,
    }
    for words, wrong in unfit.items():
        if wrong:
            raise RecipeError(f"with outline.by {words}", "see docs/reference/recipes.md")


def _outlining(recipe: Recipe, out: Path) -> Recipe:
    """The recipe that outlines: that of a run that is there already, or the one that ships."""
    kept = out / OUTLINES / "recipe.toml"
    found = parse_recipe(kept.read_text("utf-8") if kept.is_file() else recipe_text(recipe.outline.by))
    asked, marks = TASKS.get(recipe.task), TASKS.get(found.task)
    if found.name != recipe.outline.by or marks.kind != "segment" or marks.modality != asked.modality:
        raise RecipeError(
            f"outline.by = {recipe.outline.by!r} outlines nothing for task {asked.name!r}", "name another"
        )
    if found.dataset != recipe.dataset or found.split.protocol != recipe.split.protocol:
        raise RecipeError(f"{found.name!r} outlines {found.dataset} divided by {found.split.protocol}", "use the same")
    return found


def lesions_of(recipe: Recipe, ground: Ground, listed: Index, folder: Path, progress: Progress) -> Index:
    """The largest lesion of every picture, as the network marked it that had not seen the picture.

    Args:
        recipe: of the classifier; its `patch` says how large a square is cut out.
        ground: of the run that outlines.
        listed: samples of the classifier's task.
        folder: of the run that outlines.
        progress: told what goes on.

    Returns:
        One sample a picture: the square's file, and what was measured as facts. Pictures in which nothing stands out,
        and those whose masks the outlining run could not use, are left out and named.

    Raises:
        DatasetError: nothing was outlined in any.
    """
    answers = [answered(ground, fold, folder / "folds" / str(fold), progress) for fold in range(max(ground.folds) + 1)]
    places = {
        ground.index.samples[position].sample_id: (fold, row)
        for fold in range(len(answers))
        for row, position in enumerate(ground.parted.tested(fold))
    }
    kept: list[Sample] = []
    dropped: list[Dropped] = []
    digests = listed.file_hashes
    for number, (sample, path) in enumerate(zip(listed.samples, listed.paths(), strict=True)):
        place = places.get(sample.sample_id)
        found = None
        if place is not None:
            levels = answers[place[0]].maps[place[1]].astype(np.float32) / 255
            found = _lesion(recipe, ground, sample, path, levels, digests[number])
        if found is None:
            dropped.append(Dropped(sample.path, "nothing is outlined" if place else "its masks cannot be used"))
        else:
            kept.append(found)
        progress("lesions", number + 1, len(listed))
    if not kept:
        raise DatasetError(f"nothing is outlined in any picture of {listed.dataset}", "train the outlines for longer")
    note = f"{len(kept):,} lesions outlined in {len(listed):,} pictures by networks that had not seen them"
    return replace(
        listed,
        root=patch_folder(),
        samples=tuple(kept),
        dropped=(*listed.dropped, *dropped),
        notes=(*listed.notes, note, *([f"left out: {len(dropped):,} pictures without an outline"] if dropped else [])),
    )


def _lesion(
    recipe: Recipe,
    ground: Ground,
    sample: Sample,
    path: Path,
    levels: NDArray[np.float32],
    digest: str,
) -> Sample | None:
    image, marks = read(path), ground.recipe.outline
    mask = lesion_of(stored(levels, ground.pipeline.apply(image).placements), marks.threshold, marks.smallest)
    grey = Gray().apply(image.pixels).astype(np.float32) / np.float32(image.maximum)
    values = None if mask is None else describe(mask, grey)
    if mask is None or values is None:
        return None
    box = surrounding(box_of(mask), image.size, recipe.patch.context, recipe.patch.smallest)
    facts = {**sample.facts, **{name: f"{value:.6g}" for name, value in values.items()}}
    name = square_file(image, box, digest, patch_folder())
    return replace(sample, path=name, masks=(), boxes=(), facts=facts)


def _chained(classifier: Path, outlines: Path, lesions: Index, listed: Index, folder: Path) -> ChainManifest:
    """Write one bundle of both."""
    own, marks = read_manifest(classifier), read_manifest(outlines)
    assert isinstance(own, BundleManifest)
    assert isinstance(marks, OutlineManifest)
    assert own.exam is not None
    content = read_model(classifier, own), read_model(outlines, marks)
    point = marks.point()
    chain = ChainSpec(
        outline=ModelFile(path="outline.onnx", **marks.model.model_dump(exclude={"path"})),
        pipeline=marks.pipeline,
        reference=marks.reference,
        threshold=marks.threshold,
        smallest=marks.smallest,
        calibration=marks.calibration,
        called_from=point.threshold if point else 0.0,
        context=own.recipe.patch.context,
        least=own.recipe.patch.smallest,
        measures=tuple(
            MeasureSpec(name=fact.name, usual=_usual(lesions.samples, fact.name, own.labels))
            for fact in own.exam.coding.facts
        ),
        coding=own.exam.coding,
    )
    seen = {sample.sample_id for sample in lesions.samples}
    whole = listed.take([place for place, sample in enumerate(listed.samples) if sample.sample_id in seen])
    values = {name: getattr(own, name) for name in BundleManifest.model_fields}
    manifest = ChainManifest(**{**values, "exam": None, "datasets": (whole.fingerprint(),), "chain": chain})
    write_bytes(folder / "model.onnx", content[0])
    write_bytes(folder / "outline.onnx", content[1])
    write_manifest(folder, manifest)
    return manifest


def _usual(samples: Sequence[Sample], name: str, labels: tuple[str, ...]) -> dict[str, float]:
    return {
        label: float(np.mean([float(sample.facts[name]) for sample in samples if sample.label == label]))
        for label in labels
    }
