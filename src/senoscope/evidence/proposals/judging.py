"""What proposals are worth: beside true masks where a dataset has them, else beside the labels of its pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError, InputError
from senoscope.core.io import read
from senoscope.core.tasks import TASKS, Task
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.codes import UNNAMED, named_pixels, numbering
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.intervals import bootstrap
from senoscope.evidence.metrics.tissue import OF_LABEL, tallied, tissue
from senoscope.evidence.proposals.writing import PROPOSED
from senoscope.evidence.tables.rows import Row

REST = "rest"


@dataclass(frozen=True)
class Worth:
    """Figures of proposals.

    Args:
        beside: what they were compared with, in words.
        pictures: how many were.
        groups: patients they belong to.
        table: figures with intervals by bootstrap over groups.
        notes: what must be known of them.
    """

    beside: str
    pictures: int
    groups: int
    table: dict[str, Interval]
    notes: tuple[str, ...]


def worth(index: Index, rows: list[Row], out: Path) -> Worth | None:
    """Compare proposals with what a dataset's publisher says; None where it says neither where nor which.

    Pictures whose proposals failed, or were changed since, are left out.

    Args:
        index: of the dataset.
        rows: of `proposals.csv`.
        out: folder of the proposals.

    Raises:
        DatasetError: the publisher's masks have no pixel with a label.
        MissingExtraError: scipy is not installed.
    """
    facts = DATASETS.get(index.dataset)
    own = {row["name"]: row for row in rows if row["status"] == PROPOSED}
    kept = [position for position, sample in enumerate(index.samples) if sample.sample_id in own]
    asked = [TASKS.get(name) for name in facts.tasks]
    if not kept:
        return None
    masks = next((task for task in asked if task.by_pixel), None)
    if masks is not None:
        return _beside_masks(index.take(kept), own, out, masks)
    labels = next((task for task in asked if task.kind == "classify" and len(task.labels) == 2), None)
    return None if labels is None else _beside_labels(facts.answering(labels, index.take(kept)), own, labels)


def _beside_masks(index: Index, own: dict[str, Row], out: Path, task: Task) -> Worth:
    table = numbering(DATASETS.get(index.dataset).tasks[task.name].codes, task.labels)
    counts, kept, lost = [], [], 0
    for position, sample in enumerate(index.samples):
        try:
            counts.append(_counted(index.root, sample, out / own[sample.sample_id]["mask"], table, task))
            kept.append(position)
        except (DatasetError, InputError):
            lost += 1
    if not kept:
        raise DatasetError(f"no mask of {index.dataset} can be read", "fetch them again")
    found = tissue(np.stack(counts), index.groups()[kept], (REST, task.positive))
    figures = found.labels.get(task.positive, {})
    notes = (f"{lost:,} masks cannot be used and were left out",) if lost else ()
    return Worth(
        f"the publisher's masks of {task.positive}, all pixels with a label together",
        len(kept),
        index.take(kept).units,
        {name: figures[name] for name in OF_LABEL if name in figures},
        (*notes, *found.notes),
    )


def _counted(root: Path, sample: Sample, mask: Path, table: NDArray[np.uint8], task: Task) -> NDArray[np.int64]:
    """(2, 2) pixels, not of the positive label and of it."""
    marked = read(mask)
    if len(sample.masks) != 1:
        raise DatasetError(f"{sample.path}: {len(sample.masks)} masks, where one of numbers is needed")
    named = named_pixels(root / sample.masks[0], marked.size, table)
    truth = np.where(named == UNNAMED, UNNAMED, named == task.labels.index(task.positive)).astype(np.uint8)
    return tallied(truth, (marked.pixels > 0).astype(np.uint8), 2)


def _beside_labels(index: Index, own: dict[str, Row], task: Task) -> Worth | None:
    labels = index.labels_as(task.positive)
    if labels.min() == labels.max():
        return None
    shares = np.array([float(own[sample.sample_id]["share"]) for sample in index.samples])
    found = bootstrap(labels, shares, index.groups(), 0.5)
    return Worth(
        f"the label {task.positive} of whole pictures: does a larger proposed share go with it?",
        len(index),
        index.units,
        {"roc_auc": found.table["roc_auc"]},
        tuple(note for note in found.notes if "groups" in note),
    )
