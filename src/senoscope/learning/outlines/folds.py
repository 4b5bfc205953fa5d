"""One network a fold: trained, asked about the pictures it has not seen, and what it said kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from senoscope.core.domain.geometry import Box, Placement, part_of
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline_bundle import score
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RunError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.tasks import Task
from senoscope.evidence.index import Index
from senoscope.evidence.index.tiles import Tiles
from senoscope.evidence.tables.rows import write_bytes, write_text
from senoscope.learning.fitting.loop import Plan, Row
from senoscope.learning.models.weights import Backbone
from senoscope.learning.outlines.before import Boxing
from senoscope.learning.outlines.fit import asked, fit
from senoscope.learning.outlines.marks import answers_of, kept
from senoscope.learning.outlines.network import OutlineNetwork, build
from senoscope.learning.outlines.parts import PartSource, found_part, shown_part
from senoscope.learning.outlines.source import MarkedSource
from senoscope.learning.runs.parting import Parted, Positions
from senoscope.runtime.marking import laid_part

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Ground:
    """Everything the folds of a run share.

    Args:
        recipe: what to do.
        task: the recipe's task.
        index: samples with files, and with masks where there is something to be marked.
        folds: (N,) fold of each sample.
        pipeline: preprocessing.
        backbone: the encoder's starting weights.
        tiles: where the samples are squares of regions with a label at every pixel.
        boxing: what was found by the run that puts boxes first; None where whole pictures are outlined.
    """

    recipe: Recipe
    task: Task
    index: Index
    folds: Positions
    pipeline: Pipeline
    backbone: Backbone
    tiles: Tiles | None = None
    boxing: Boxing | None = None

    @property
    def answers(self) -> int:
        """Maps of the network: one for two labels, one a label for more."""
        return answers_of(self.task)

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 where there is something to be marked."""
        return self.index.labels_as(self.task.positive)

    @property
    def parted(self) -> Parted:
        """Which folds are trained on, judged by and tested on."""
        return Parted(self.recipe, self.folds)

    @property
    def counted(self) -> str:
        """What the samples are."""
        return "squares" if self.tiles else "images"

    def shown(self, positions: Positions) -> Index:
        """The publisher's pictures that these samples are, or were cut from."""
        if self.tiles is None:
            return self.index.take(positions)
        return self.tiles.regions.take(np.unique(self.tiles.owner[positions]))

    def source(self, positions: Positions) -> MarkedSource:
        """These samples, for training and for judging."""
        index = self.index.take(positions)
        if self.boxing is None:
            return MarkedSource(index, self.pipeline, self.recipe.jitter, self.recipe.fit.seed, self.answers)
        looks = [self.boxing.look(sample.sample_id) for sample in index.samples]
        return PartSource(index, looks, self.boxing.manifest.pipeline, self.pipeline, self.recipe)

    def trained_on(self, positions: Positions) -> Positions:
        """Those of these samples that teach anything: all, or where only boxes are outlined, those with a lesion."""
        return positions if self.boxing is None else positions[self.labels[positions] == 1]

    def laid(self, position: int, image: Image) -> tuple[tuple[Placement, ...], Box]:
        """How the network's grid lies in a stored picture, and the part of that picture that shows something."""
        if self.boxing is None:
            placements = self.pipeline.apply(image).placements
            return placements, placements[0].source_box
        shown = shown_part(image, self.boxing.manifest.pipeline)
        look = self.boxing.look(self.index.samples[position].sample_id)
        part = found_part(look, shown, self.recipe.outline.context) or shown
        return (part_of(image.size, part), *laid_part(image, part, self.pipeline).placements), shown


@dataclass(frozen=True, eq=False)
class Answered:
    """What the network of one fold said of pictures it was not trained on.

    Args:
        maps: (n, S, S) uint8 probabilities of the tested pictures' pixels, 255 for certainty; of more than two labels
            the number of each pixel's likeliest.
        tested: (n,) scores of the tested pictures; see `score`, or where boxes come first the logit of the surest
            place. Of more than two labels 0: nobody asks for them.
        validation: (m,) scores of the validation pictures.
        epoch: best epoch.
    """

    maps: NDArray[np.uint8]
    tested: NDArray[np.float64]
    validation: NDArray[np.float64]
    epoch: int


def fitted(
    ground: Ground, recipe: Recipe, train: Positions, validation: Positions | None, folder: Path, progress: Progress
) -> tuple[OutlineNetwork, int]:
    """Train on these samples; returns the network in evaluation mode and its best epoch."""
    network = build(recipe, ground.backbone, ground.answers)
    plan = Plan(recipe.finetune.epochs, recipe.finetune.patience, recipe.fit.seed, folder)

    def said(row: Row) -> None:
        progress(f"{folder.name}: outlines", row.epoch, plan.epochs)

    judged = None if validation is None else ground.source(validation)
    found = fit(network, ground.source(ground.trained_on(train)), judged, recipe, plan, said)
    return network.eval(), found.best_epoch


def answered(ground: Ground, fold: int, folder: Path, progress: Progress) -> Answered:
    """Fit with `fold` held out and ask about it; a fold that is already answered is read back."""
    train, validation, test = ground.parted.positions(fold)
    path = folder / "scores.json"
    if path.is_file():
        return _read(folder, len(test), len(validation))
    judge = validation if ground.parted.judged else None
    network, epoch = fitted(ground, ground.recipe, train, judge, folder, progress)
    maps, tested = _asked(ground, network, test)
    # Calibration of one map needs the validation pictures' scores; of several nothing is calibrated.
    asks = ground.answers == 1 and len(validation)
    judged = _asked(ground, network, validation)[1] if asks else np.zeros(len(validation))
    found = Answered(maps=maps, tested=tested, validation=judged, epoch=epoch)
    write_bytes(folder / "maps.safetensors", save({"maps": found.maps}))
    facts = {"tested": found.tested.tolist(), "validation": found.validation.tolist()}
    write_text(path, json.dumps({**facts, "epoch": epoch}) + "\n")
    return found


def _asked(
    ground: Ground, network: OutlineNetwork, positions: Positions
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """(n, S, S) maps as they are kept, and (n,) scores."""
    smallest = ground.recipe.outline.smallest
    maps, scores = [], []
    for position, (chances, _) in zip(positions, asked(network, ground.source(positions)), strict=True):
        own = score(chances[0], smallest) if len(chances) == 1 else 0.0
        if ground.boxing is not None:
            look = ground.boxing.look(ground.index.samples[position].sample_id)
            # Without a box nothing is outlined, as nothing is when the bundle is asked.
            chances, own = chances * min(1, len(look.boxes)), look.surest
        maps.append(kept(chances))
        scores.append(own)
    return np.stack(maps), np.array(scores)


def _read(folder: Path, tested: int, validated: int) -> Answered:
    path = folder / "scores.json"
    try:
        values = json.loads(path.read_text())
        maps = load_file(folder / "maps.safetensors")["maps"]
        own, judged = (np.array(values[key], np.float64) for key in ("tested", "validation"))
        if (len(maps), len(own), len(judged)) != (tested, tested, validated) or maps.dtype != np.uint8:
            raise ValueError("it is not of this fold's samples")
        return Answered(maps, own, judged, int(values["epoch"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read: {error}", "remove it, and the fold is fitted again") from error
