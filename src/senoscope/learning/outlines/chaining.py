"""A classifier of outlined lesions: trained on what networks mark in pictures they have not seen, packed with one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from senoscope.core.domain.bundle import BundleManifest, ModelFile
from senoscope.core.domain.chain import ChainManifest, ChainSpec, MeasureSpec
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import stored
from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError, RecipeError
from senoscope.core.io import read
from senoscope.core.preprocess.descriptors import DESCRIPTORS
from senoscope.core.preprocess.lesion import Lesion, Seeking, lesion_in
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.index.patches import patch_folder, square_file
from senoscope.evidence.report.files import write_report
from senoscope.evidence.tables.rows import write_bytes
from senoscope.learning.outlines.before import first_recipe
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
    first = first_recipe(recipe, "segment", out / OUTLINES)
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
        ground.index.samples[position].sample_id: (int(position), answers[fold].maps[row])
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
            image = read(path)
            placements, shown = ground.laid(place[0], image)
            chances = stored(place[1].astype(np.float32) / 255, placements)
            found = _lesion(sample, image, digests[number], lesion_in(image, chances, shown, _seeking(recipe, ground)))
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


def _seeking(recipe: Recipe, ground: Ground) -> Seeking:
    marks = ground.recipe.outline
    return Seeking(marks.threshold, marks.smallest, recipe.patch.context, recipe.patch.smallest)


def _lesion(sample: Sample, image: Image, digest: str, lesion: Lesion | None) -> Sample | None:
    """The square of a lesion as a sample, with what was measured as facts."""
    if lesion is None:
        return None
    facts = {**sample.facts, **{name: f"{value:.6g}" for name, value in lesion.values.items()}}
    name = square_file(image, lesion.square, digest, patch_folder())
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
        within=marks.within,
    )
    seen = {sample.sample_id for sample in lesions.samples}
    whole = listed.take([place for place, sample in enumerate(listed.samples) if sample.sample_id in seen])
    values = {name: getattr(own, name) for name in BundleManifest.model_fields}
    manifest = ChainManifest(**{**values, "exam": None, "datasets": (whole.fingerprint(),), "chain": chain})
    write_bytes(folder / "model.onnx", content[0])
    write_bytes(folder / "outline.onnx", content[1])
    if marks.within:
        write_bytes(folder / marks.within.boxes.path, read_model(outlines, marks, marks.within.boxes))
    write_manifest(folder, manifest)
    return manifest


def _usual(samples: Sequence[Sample], name: str, labels: tuple[str, ...]) -> dict[str, float]:
    return {
        label: float(np.mean([float(sample.facts[name]) for sample in samples if sample.label == label]))
        for label in labels
    }
