"""BACH: 400 H&E-stained fields of breast tissue in Portugal, in four classes of a hundred.

The download says nothing of patients. Fields of one woman look alike and are not copies of one another, so that
clusters of near-duplicates, which are the groups here, hide some of what is shared.
"""

import re
from pathlib import Path

from senoscope.core.errors import InputError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import below, inside, levels
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.index.duplicates import Signature, joined, near_pairs, signatures
from senoscope.evidence.tables.records import read_records

LABELS = {"Normal": "normal", "Benign": "benign", "InSitu": "in_situ", "Invasive": "invasive"}
"""Folders, and their labels."""

TABLE = "microscopy_ground_truth.csv"
NAME = re.compile(r"^[a-z]{1,2}\d{1,4}\.tiff?$")


def _read(dataset: Dataset, root: Path) -> Index:
    base = next((folder for folder in levels(root, 2) if any((folder / name).is_dir() for name in LABELS)), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    found, dropped = _list(root, base)
    listed = _check(base, {sample.sample_id: sample.label for sample in found})
    readable: list[Sample] = []
    hashed: list[Signature] = []
    for sample, result in zip(found, signatures([root / sample.path for sample in found]), strict=True):
        if isinstance(result, InputError):
            dropped.append(Dropped(sample.path, f"unreadable: {result.message}"))
        else:
            readable.append(sample)
            hashed.append(result)
    names: dict[int, str] = {}
    samples = []
    for sample, number in zip(readable, joined(len(readable), near_pairs(hashed)), strict=True):
        group = names.setdefault(int(number), sample.sample_id)
        samples.append(Sample(sample.sample_id, "", group, sample.path, sample.label))
    notes = [
        dataset.share_note(len(samples)),
        "no patient ids: the group is the cluster of near-duplicate images, and one woman may be in many clusters",
    ]
    if listed > len(found):
        notes.append(f"{listed - len(found):,} rows of {TABLE} have no image here")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _list(root: Path, base: Path) -> tuple[list[Sample], list[Dropped]]:
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    for folder, label in LABELS.items():
        for path in sorted((base / folder).glob("*.tif*")):
            if not inside(root, path):
                dropped.append(Dropped(f"{below(root, base / folder)}/…", "a link that leaves the folder"))
            elif NAME.match(path.name) is None:
                dropped.append(Dropped(below(root, path), "not named like 'n001.tif'"))
            else:
                samples.append(Sample(path.stem, "", path.stem, below(root, path), label))
    return samples, dropped


def _check(base: Path, labels: dict[str, str]) -> int:
    """Lay the publisher's table, where it is there, beside the folders; return how many images it lists."""
    if not (base / TABLE).is_file():
        return 0
    words = {folder.lower(): label for folder, label in LABELS.items()}
    records = read_records(base / TABLE, ("file", "label"), headless=True)
    for line in records:
        name = line.identifier("file", NAME).partition(".")[0]
        records.once(line, "file", name)
        label = line.word("label", words)
        if labels.get(name, label) != label:
            raise line.error("label", f"{label}, and the image lies in the folder of {labels[name]}")
    return len(records)


BACH = Dataset(
    name="bach",
    title="BreAst Cancer Histology (BACH)",
    tasks={"biopsy": Labelling(words={"benign": "benign", "in_situ": "malignant", "invasive": "malignant"})},
    modality="histopathology",
    licence="CC BY-NC-ND 4.0",
    url="https://zenodo.org/records/3632035",
    citation="Aresta G, Araújo T, Kwok S, et al. BACH: grand challenge on breast cancer histology images. Medical "
    "Image Analysis 56 (2019) 122–139. doi:10.1016/j.media.2019.05.010",
    published=dict.fromkeys(LABELS.values(), 100),
    patients=None,
    layout="ICIAR2018_BACH_Challenge/Photos/Normal, Benign, InSitu and Invasive with n001.tif, b001.tif, is001.tif, …",
    read=_read,
)
