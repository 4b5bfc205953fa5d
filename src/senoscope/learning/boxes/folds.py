"""One network a fold: trained, asked about the pictures it has not seen, and what it said kept."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RunError
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.boxes import Rows, box_of, carried_back
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.tasks import Task
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.detection import Picture
from senoscope.evidence.tables.rows import write_text
from senoscope.learning.boxes.fasterrcnn import FasterNetwork
from senoscope.learning.boxes.fit import Detecting, fit
from senoscope.learning.boxes.network import CentreNetwork
from senoscope.learning.boxes.source import Boxed, BoxSource
from senoscope.learning.fitting.loop import Plan, Row
from senoscope.learning.models.weights import Backbone
from senoscope.learning.runs.parting import Parted, Positions
from senoscope.learning.runs.patches import copied
from senoscope.runtime.detecting import Boxes, Finding

Progress = Callable[[str, int, int], None]

ASKED = 4
"""Pictures asked about at once."""


@dataclass(frozen=True, eq=False)
class Ground:
    """Everything the folds of a run share.

    Args:
        recipe: what to do.
        task: the recipe's task.
        index: samples with files, each with the boxes of its lesions; see `index.boxed`.
        folds: (N,) fold of each sample.
        pipeline: preprocessing.
        backbone: the starting weights.
    """

    recipe: Recipe
    task: Task
    index: Index
    folds: Positions
    pipeline: Pipeline
    backbone: Backbone

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 where there is a lesion."""
        return self.index.labels_as(self.task.positive)

    @property
    def finding(self) -> Finding:
        """How boxes are made of maps."""
        asked = self.recipe.boxes
        return Finding(asked.patch, asked.overlap, asked.most)

    @property
    def parted(self) -> Parted:
        """Which folds are trained on, judged by and tested on."""
        return Parted(self.recipe, self.folds)

    def source(self, positions: Positions) -> BoxSource:
        """These samples, for training and for judging."""
        every, samples = self.index.paths(), self.index.samples
        boxes = [samples[position].boxes for position in positions]
        boxed = Boxed([every[position] for position in positions], boxes, self.pipeline, self.recipe.boxes.patch)
        return BoxSource(boxed, self.recipe.jitter, self.recipe.fit.seed)


@dataclass(frozen=True, eq=False)
class Look:
    """What a network finds in one picture.

    Args:
        boxes: (D, 4) left, top, width and height in whole pixels of the stored image, the surest first.
        logits: (D,) of the boxes.
        surest: logit of there being a lesion at all.
    """

    boxes: Rows
    logits: NDArray[np.float64]
    surest: float


@dataclass(frozen=True, eq=False)
class Answered:
    """What the network of one fold said of pictures it was not trained on.

    Args:
        tested: of the tested pictures.
        validation: of the validation pictures.
        epoch: best epoch.
    """

    tested: tuple[Look, ...]
    validation: tuple[Look, ...]
    epoch: int


def network_of(recipe: Recipe, backbone: Backbone) -> Detecting:
    """Build the network a recipe asks for on a copy of the backbone; what is new is drawn from `fit.seed`."""
    torch.manual_seed(recipe.fit.seed)
    side = recipe.boxes.patch or recipe.input.size
    if recipe.boxes.architecture == "fasterrcnn":
        return FasterNetwork(backbone, recipe, side)
    return CentreNetwork(copied(backbone), recipe, side)


def fitted(
    ground: Ground, recipe: Recipe, train: Positions, validation: Positions | None, folder: Path, progress: Progress
) -> tuple[Detecting, int]:
    """Train on these samples; returns the network in evaluation mode and its best epoch."""
    network = network_of(recipe, ground.backbone)
    plan = Plan(recipe.finetune.epochs, recipe.finetune.patience, recipe.fit.seed, folder)

    def said(row: Row) -> None:
        progress(f"{folder.name}: boxes", row.epoch, plan.epochs)

    judged = None if validation is None else ground.source(validation)
    found = fit(network, ground.source(train), judged, recipe, plan, said)
    network.eval()
    return network, found.best_epoch


def asked(ground: Ground, network: Detecting, positions: Positions) -> Iterator[tuple[Look, Boxes]]:
    """What a network finds in these samples, prepared exactly as the runtime prepares them, one by one."""
    every = ground.index.paths()

    def prepared(position: int) -> tuple[Any, Any]:
        image = read(every[position])
        return image.size, ground.pipeline.apply(image)

    for group in batches(prepared, [int(position) for position in positions], batch=ASKED):
        found = network.found([ready.array for _, ready in group], ground.finding)
        for (size, ready), boxes in zip(group, found, strict=True):
            stored = [box_of(row, size) for row in carried_back(boxes.rows, ready.placements)]
            rows = np.array([list(vars(box).values()) for box in stored], np.float64).reshape(-1, 4)
            yield Look(rows, boxes.logits, boxes.surest), boxes


def answered(ground: Ground, fold: int, folder: Path, progress: Progress) -> Answered:
    """Fit with `fold` held out and ask about it; a fold that is already answered is read back."""
    train, validation, test = ground.parted.positions(fold)
    path = folder / "scores.json"
    if path.is_file():
        return _read(path, len(test), len(validation))
    judge = validation if ground.parted.judged else None
    network, epoch = fitted(ground, ground.recipe, train, judge, folder, progress)
    tested, judged = (tuple(look for look, _ in asked(ground, network, positions)) for positions in (test, validation))
    plain = {"tested": _plain(tested), "validation": _plain(judged), "epoch": epoch}
    write_text(path, json.dumps(plain) + "\n")
    return Answered(tested, judged, epoch)


def pictures(ground: Ground, positions: Positions, looks: Sequence[Look]) -> list[Picture]:
    """Lesions and boxes of these samples, scored by their logits."""
    groups = ground.index.groups()
    found = []
    for position, look in zip(positions, looks, strict=True):
        boxes = ground.index.samples[position].boxes
        truth = np.array([list(vars(box).values()) for box in boxes], np.float64).reshape(-1, 4)
        found.append(Picture(truth, look.boxes, look.logits, int(groups[position])))
    return found


def _plain(looks: Sequence[Look]) -> list[dict[str, object]]:
    return [{"boxes": look.boxes.tolist(), "logits": look.logits.tolist(), "surest": look.surest} for look in looks]


def _read(path: Path, tested: int, validated: int) -> Answered:
    try:
        values = json.loads(path.read_text())
        parts = [tuple(_look(one) for one in values[key]) for key in ("tested", "validation")]
        if [len(part) for part in parts] != [tested, validated]:
            raise ValueError("it is not of this fold's samples")
        return Answered(parts[0], parts[1], int(values["epoch"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}", "remove it, and the fold is fitted again") from error


def _look(one: Any) -> Look:
    boxes, logits = np.array(one["boxes"], np.float64).reshape(-1, 4), np.array(one["logits"], np.float64)
    if len(boxes) != len(logits) or not (np.isfinite(boxes).all() and np.isfinite(logits).all()):
        raise ValueError("its boxes and scores do not fit")
    return Look(boxes, logits, float(one["surest"]))
