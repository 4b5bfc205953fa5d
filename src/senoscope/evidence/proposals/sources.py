"""Pictures that regions are proposed in: those of a dataset, or of a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.tiles import MICRONS

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True)
class Picture:
    """One picture.

    Args:
        name: unique among those of the same root.
        path: relative to the root.
        group: whose it is; pictures of one group are taken to be stained alike.
        microns: per pixel.
    """

    name: str
    path: str
    group: str
    microns: float


def of_dataset(index: Index, microns: float | None) -> list[Picture]:
    """Pictures of a histopathology dataset, grouped by patient.

    Args:
        index: of the dataset.
        microns: per pixel; where not given, the sample's own fact or what a task says of all pictures.

    Raises:
        UsageError: the dataset is of another modality, or it is not known how large a pixel is.
    """
    facts = DATASETS.get(index.dataset)
    if facts.modality != "histopathology":
        raise UsageError(f"{index.dataset} is {facts.modality}, and stains are of histopathology", "take another set")
    tasks = [TASKS.get(name) for name in facts.tasks]
    known = {task.microns_per_pixel for task in tasks if task.microns_per_pixel}
    found = []
    for sample in index.samples:
        # A task speaks of one magnification; a set with several has it as a fact.
        common = next(iter(known)) if len(known) == 1 and "magnification" not in sample.facts else None
        own = microns or _stated(sample) or common
        if own is None:
            raise UsageError(f"{sample.sample_id}: how large is a pixel?", "give --microns, in µm per pixel")
        found.append(Picture(sample.sample_id, sample.path, sample.group, own))
    return found


def _stated(sample: Sample) -> float | None:
    try:
        return float(sample.facts[MICRONS]) or None
    except (KeyError, ValueError):
        return None


def of_folder(folder: Path, microns: float | None) -> list[Picture]:
    """Pictures in a folder and below, each a group of its own.

    Raises:
        UsageError: it is not said how large a pixel is.
        DatasetError: there is no picture.
    """
    if microns is None:
        raise UsageError(f"{folder}: how large is a pixel?", "give --microns, in µm per pixel")
    paths, _ = files_below(folder, folder, SUFFIXES)
    if not paths:
        raise DatasetError(f"{folder} holds no picture", f"looked for {', '.join(SUFFIXES)}")
    return [Picture(path, path, path, microns) for path in paths]


def grouped(pictures: list[Picture]) -> Iterator[list[Picture]]:
    """Pictures of one group together, in the order in which groups first come."""
    found: dict[str, list[Picture]] = {}
    for picture in pictures:
        found.setdefault(picture.group, []).append(picture)
    yield from found.values()
