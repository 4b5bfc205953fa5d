"""Extra views of training images, as preprocessing steps drawn once per sample."""

import hashlib
import itertools
from dataclasses import replace

import numpy as np

from senoscope.core.domain.recipe_parts import AugmentRecipe
from senoscope.core.preprocess.pectoral import Muscle
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Breast, Crop, Flip, Gray, Rotate, Step
from senoscope.evidence.index import Index, Sample

COPY = "copy"
"""Fact of a sample that is a view of another."""


SIX: tuple[tuple[Step, ...], ...] = (
    (Flip(),),
    (Rotate(90),),
    (Rotate(180),),
    (Rotate(-90),),
    (Flip(), Rotate(180)),
)
"""The papers' six geometric copies, but for the picture as it is: mirrored, three quarter turns, upside down."""


def views(recipe: AugmentRecipe, sample: str, seed: int) -> list[tuple[Step, ...]]:
    """Geometry of each view of a sample; the plain one, with no steps, comes first.

    What is drawn depends on the sample's name and the seed only, so a run that was cut short
    draws the same. Odd views are mirrored where the recipe flips; the n-th is turned by n times the recipe's angle.

    Args:
        recipe: how many views, and how far they may go.
        sample: name of the sample.
        seed: of the run.
    """
    if recipe.geometric:
        return [(), *SIX[: recipe.views]]
    number = int.from_bytes(hashlib.sha256(f"{seed} {sample}".encode()).digest()[:8])
    random = np.random.default_rng(number)
    drawn: list[tuple[Step, ...]] = [()]
    for view in range(1, recipe.views + 1):
        side = float(random.uniform(recipe.smallest_crop, 1.0))
        left, top = (float(share * (1.0 - side)) for share in random.uniform(0, 1, 2))
        crop: tuple[Step, ...] = (Crop(left, top, side, side),) if side < 1 else ()
        degrees = (view * recipe.rotate + 180.0) % 360.0 - 180.0
        turn: tuple[Step, ...] = (Rotate(degrees),) if degrees else ()
        drawn.append((*crop, *((Flip(),) if recipe.flip and view % 2 else ()), *turn))
    return drawn


def viewed(pipeline: Pipeline, view: tuple[Step, ...]) -> Pipeline:
    """Put the steps of a view behind colour and region, which turns every breast to one side, and before the rest."""
    first = sum(1 for _ in itertools.takewhile(lambda step: isinstance(step, Gray | Breast | Muscle), pipeline.steps))
    return replace(pipeline, steps=(*pipeline.steps[:first], *view, *pipeline.steps[first:]))


def multiplied(index: Index, recipe: AugmentRecipe) -> Index:
    """Make a sample of its own of every view, named `<sample>@<view>`, as papers do that multiply a small set first.

    The views of a sample stay in its group; `facts["copy"]` is the number of the view, and 0 the picture as it is.
    """
    samples = tuple(
        replace(sample, sample_id=f"{sample.sample_id}@{view}", facts={**sample.facts, COPY: str(view)})
        for sample in index.samples
        for view in range(recipe.views + 1)
    )
    note = f"every picture counts {recipe.views + 1} times: as it is and in {recipe.views} views made before the split"
    return replace(index, samples=samples, notes=(*index.notes, note))


def shown(recipe: AugmentRecipe, sample: Sample, seed: int) -> list[tuple[Step, ...]]:
    """Geometry of what is embedded for a sample: all its views, or the one that it is."""
    if COPY not in sample.facts:
        return views(recipe, sample.sample_id, seed)
    name, _, view = sample.sample_id.rpartition("@")
    return [views(recipe, name, seed)[int(view)]]
