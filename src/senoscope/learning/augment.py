"""Extra views of training images, as preprocessing steps drawn once per sample."""

import hashlib
from dataclasses import replace

import numpy as np

from senoscope.core.domain.recipe import AugmentRecipe
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Crop, Flip, Gray, Step


def views(recipe: AugmentRecipe, sample: str, seed: int) -> list[tuple[Step, ...]]:
    """Geometry of each view of a sample; the plain one, with no steps, comes first.

    What is drawn depends on the sample's name and the seed only, so a run that was cut short
    draws the same. Odd views are mirrored where the recipe flips.

    Args:
        recipe: how many views, and how far they may go.
        sample: name of the sample.
        seed: of the run.
    """
    number = int.from_bytes(hashlib.sha256(f"{seed} {sample}".encode()).digest()[:8])
    random = np.random.default_rng(number)
    drawn: list[tuple[Step, ...]] = [()]
    for view in range(1, recipe.views + 1):
        side = float(random.uniform(recipe.smallest_crop, 1.0))
        left, top = (float(share * (1.0 - side)) for share in random.uniform(0, 1, 2))
        crop: tuple[Step, ...] = (Crop(left, top, side, side),) if side < 1 else ()
        drawn.append((*crop, *((Flip(),) if recipe.flip and view % 2 else ())))
    return drawn


def viewed(pipeline: Pipeline, view: tuple[Step, ...]) -> Pipeline:
    """Put the steps of a view behind the colour step and before everything else."""
    first = 1 if pipeline.steps and isinstance(pipeline.steps[0], Gray) else 0
    return replace(pipeline, steps=(*pipeline.steps[:first], *view, *pipeline.steps[first:]))
