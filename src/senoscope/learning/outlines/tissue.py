"""Regions with a label at every pixel: cut into squares to learn from, and measured out of fold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import senoscope
from senoscope.core.cache import cache
from senoscope.core.domain.geometry import Placement, Size
from senoscope.core.domain.outline import stored
from senoscope.core.domain.recipe import Recipe
from senoscope.core.io import read
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.codes import UNNAMED, named_pixels, numbering
from senoscope.evidence.evaluation.evaluate import PAPER_LEAK
from senoscope.evidence.evaluation.outlines import About
from senoscope.evidence.evaluation.tissue import TissueEvaluation, assess_tissue
from senoscope.evidence.index import Index
from senoscope.evidence.index.tiles import Tiles, cut
from senoscope.evidence.metrics.tissue import tallied
from senoscope.learning.outlines.folds import Answered, Ground, Progress
from senoscope.learning.outlines.marks import NUMBERS

FOLDS_OWN = "the figures are of the models of the folds; the bundle's own was fitted again on all samples"

WORDS = {"patient": "patient or duplicate group", "paper": "image, as papers do", "site": "hospital"}
"""What each `split.protocol` divides by."""


def divided(recipe: Recipe) -> str:
    """Say how training and test data are kept apart."""
    return f"{recipe.split.folds}-fold cross-validation by {WORDS[recipe.split.protocol]}"


def cut_for(recipe: Recipe, regions: Index, progress: Progress) -> Tiles:
    """Cut regions into squares of the recipe's size; raises `DatasetError` as `index.tiles.cut`."""
    task = TASKS.get(recipe.task)
    table = numbering(DATASETS.get(recipe.dataset).tasks[task.name].codes, task.labels)

    def said(done: int, total: int) -> None:
        progress("cutting regions", done, total)

    return cut(regions, table, recipe.input.size, task.microns_per_pixel, cache() / "tiles", said)


def called_pixels(ground: Ground, found: Sequence[Answered]) -> TissueEvaluation:
    """Every square once, by a network that had not seen it, counted for the region it was cut from."""
    assert ground.tiles is not None
    recipe, labels = ground.recipe, ground.task.labels
    counts = np.zeros((len(ground.tiles.regions), len(labels), len(labels)), np.int64)
    for fold, each in enumerate(found):
        test = ground.parted.tested(fold)
        for codes, position in zip(each.maps, test, strict=True):
            counts[ground.tiles.owner[position]] += _tallied(ground, int(position), codes)
    paper = recipe.split.protocol == "paper"
    about = About(
        title=f"{recipe.name}: {recipe.split.folds}-fold cross-validation on {ground.index.dataset}",
        bundle=recipe.name,
        version=senoscope.__version__,
        protocol=divided(recipe),
        leak=PAPER_LEAK if paper else "",
        notes=(FOLDS_OWN, f"regions were cut into {len(ground.index):,} squares", *_untaught(ground)),
        recipe=recipe,
    )
    return assess_tissue(ground.tiles.regions, counts, about, classes=labels, positive=ground.task.positive)


def _tallied(ground: Ground, position: int, codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    sample, root = ground.index.samples[position], ground.index.root
    image = read(root / sample.path)
    truth = named_pixels(root / sample.masks[0], image.size, NUMBERS)
    called = laid_back(codes, ground.pipeline.apply(image).placements, image.size)
    return tallied(truth, called, len(ground.task.labels))


def laid_back(codes: NDArray[np.uint8], placements: tuple[Placement, ...], size: Size) -> NDArray[np.uint8]:
    """Numbers (S, S) on the network's grid over the picture as stored: of each pixel the one it is mostly of."""
    whole = np.zeros((size.height, size.width), np.uint8)
    most = np.zeros(whole.shape, np.float32)
    for code in np.unique(codes):
        share = stored((codes == code).astype(np.float32), placements)
        whole[share > most] = code
        most = np.maximum(most, share)
    return whole


def _untaught(ground: Ground) -> list[str]:
    """Labels that some fold's network was never shown, and so never calls."""
    labels = ground.task.labels
    there = np.zeros((len(ground.index), len(labels)), np.bool_)
    for position, sample in enumerate(ground.index.samples):
        path = ground.index.root / sample.masks[0]
        numbers = np.unique(named_pixels(path, read(path).size, NUMBERS))
        there[position, numbers[numbers != UNNAMED]] = True
    found = []
    for fold in range(ground.recipe.split.folds):
        train, _, test = ground.parted.positions(fold)
        missed = np.flatnonzero(there[test].any(axis=0) & ~there[train].any(axis=0))
        unseen = [labels[at] for at in missed]
        if unseen:
            found.append(f"in fold {fold} no square taught {', '.join(unseen)}: pixels of these were missed there")
    return found
