"""What is measured on: pictures on disk and a backbone, real ones where this machine has them."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from tests.makers import ultrasound

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.recipes import recipe_text

if TYPE_CHECKING:
    from senoscope.learning.models.weights import Backbone

DATA, WEIGHTS = "SENOSCOPE_DATA", "SENOSCOPE_WEIGHTS"
SYNTHETIC_SIZE = (560, 470)
"""Width and height, about those of a BUSI picture."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Files in two parts that share no patient or duplicate group.

    Args:
        origin: where they come from, in words.
        train: files, both labels.
        train_labels: (N,) 1 where malignant.
        validation: files, both labels.
        validation_labels: (M,) likewise.
    """

    origin: str
    train: list[Path]
    train_labels: NDArray[np.int64]
    validation: list[Path]
    validation_labels: NDArray[np.int64]

    @property
    def every(self) -> list[Path]:
        """Training, then validation files."""
        return [*self.train, *self.validation]


def pictures(folder: Path, train: int, validation: int) -> Pictures:
    """Choose pictures of BUSI by a fixed seed, or draw synthetic ones into `folder`."""
    return _busi(train, validation) if DATA in os.environ else _drawn(folder, train, validation)


def _busi(train: int, validation: int) -> Pictures:
    from senoscope.evidence.index.splits import folds

    index = _busi_index(Path(os.environ[DATA]))
    held_out = folds(index, folds=4, seed=0) == 0
    random = np.random.default_rng(0)
    counts = ((False, train), (True, validation))
    parts = [random.permutation(np.flatnonzero(held_out == part))[:count] for part, count in counts]
    paths, labels = index.paths(), index.labels_as("malignant")
    first, second = ([paths[position] for position in part] for part in parts)
    return Pictures("BUSI", first, labels[parts[0]], second, labels[parts[1]])


@cache
def _busi_index(root: Path):  # type: ignore[no-untyped-def] # its module reads far more than this one needs
    from senoscope.evidence.datasets import DATASETS

    return DATASETS.get("busi").index(root).with_labels(("benign", "malignant"))


def _drawn(folder: Path, train: int, validation: int) -> Pictures:
    folder.mkdir(parents=True, exist_ok=True)
    paths, labels = [], np.arange(train + validation) % 2
    for number, label in enumerate(labels):
        paths.append(folder / f"{number:04d}.png")
        Pil.fromarray(ultrasound(number, SYNTHETIC_SIZE, malignant=bool(label))).save(paths[-1])
    return Pictures("synthetic pictures", paths[:train], labels[:train], paths[train:], labels[train:])


def recipe(name: str, **changes: str) -> Recipe:
    """Read a shipped recipe; `fit_epochs="5"` changes `fit.epochs`."""
    return parse_recipe(recipe_text(name), {key.replace("_", ".", 1): value for key, value in changes.items()})


def backbone(name: str) -> "Backbone":
    """Build a backbone with local weights, or with random ones where this machine has none."""
    from senoscope.learning.models.weights import resolve

    local = WEIGHTS in os.environ and (Path(os.environ[WEIGHTS]) / f"{name}.safetensors").is_file()
    return resolve(name, pretrained=local)
