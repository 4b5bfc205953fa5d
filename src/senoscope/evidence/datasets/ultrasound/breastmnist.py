"""BreastMNIST: BUSI in one `.npz` file, with the publisher's split and two classes.

Its images are BUSI's, and BUSI shows many lesions twice; the split was drawn by image, so that near-duplicates lie on
both sides of it. They are clustered here from the pixels, as for BUSI, and the cluster is the group.
"""

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.base import Dataset
from senoscope.evidence.datasets.folders import below, inside, levels
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.duplicates import joined, near_pairs, signature

SIZES = (224, 128, 64, 28)
SPLITS = ("train", "val", "test")
LABELS = ("malignant", "normal_or_benign")
"""Words of the classes 0 and 1."""

LARGEST_ARRAY = 256 * 2**20
"""Bytes of one array; the largest that is published, 546 pictures of 224 × 224, has 27 MB."""

MOST_MEMBERS = 16


@dataclass(frozen=True)
class _Part:
    split: str
    labels: NDArray[np.uint8]
    images: NDArray[np.uint8]


def _read(dataset: Dataset, root: Path) -> Index:
    path = _file(root)
    if path is None:
        raise dataset.wrong_folder(root, root)
    parts = _parts(path)
    found = [(part, row) for part in parts for row in range(len(part.labels))]
    hashed = [signature(Image(part.images[row], 255.0)) for part, row in found]
    cluster = joined(len(found), near_pairs(hashed))
    names: dict[int, str] = {}
    samples: list[Sample] = []
    for (part, row), number in zip(found, cluster, strict=True):
        code = int(part.labels[row])
        if code >= len(LABELS):
            raise DatasetError(f"{path}, array {part.split}_labels, row {row}: the label {code} is neither 0 nor 1")
        name = f"{part.split}-{row:04d}"
        facts = {"split": part.split, "array": f"{part.split}_images", "row": str(row)}
        group = names.setdefault(int(number), name)
        samples.append(Sample(name, "", group, below(root, path), LABELS[code], facts=facts))
    return Index(dataset.name, root, tuple(samples), (), _notes(dataset, path, samples))


def _notes(dataset: Dataset, path: Path, samples: list[Sample]) -> tuple[str, ...]:
    sides: dict[str, set[str]] = {}
    for sample in samples:
        sides.setdefault(sample.group, set()).add(sample.facts["split"])
    crossing = sum(len(names) > 1 for names in sides.values())
    return (
        dataset.share_note(len(samples)),
        f"read from {path.name}",
        "no patient ids: the group is the cluster of near-duplicate images",
        f"{crossing:,} clusters of near-duplicates lie on more than one side of the publisher's split",
        "its images are those of BUSI: a model trained on one has seen the other",
    )


def _file(root: Path) -> Path | None:
    for folder in levels(root, 1):
        for name in [f"breastmnist_{size}.npz" for size in SIZES] + ["breastmnist.npz"]:
            if (folder / name).is_file() and inside(root, folder / name):
                return folder / name
    return None


def _parts(path: Path) -> list[_Part]:
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                raise ValueError(f"more than {MOST_MEMBERS} members")
            return [_part(archive, split) for split in SPLITS]
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError, KeyError) as error:
        hint = "take the file from https://zenodo.org/records/10519652 again"
        raise DatasetError(f"{path} is not BreastMNIST: {str(error)[:160]}", hint) from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def _part(archive: zipfile.ZipFile, split: str) -> _Part:
    labels, images = (_array(archive, f"{split}_{kind}.npy") for kind in ("labels", "images"))
    if images.ndim != 3 or images.shape[1] != images.shape[2] or not 16 <= images.shape[1] <= 1024:
        raise ValueError(f"{split}_images has the shape {images.shape}, not (N, side, side)")
    if labels.size != len(images):
        raise ValueError(f"{split} has {labels.size} labels of {len(images)} images")
    return _Part(split, labels.reshape(-1), images)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    """Read a member whose header says 8-bit numbers, of just the bytes that the header says; nothing is unpickled."""
    with archive.open(name) as stream:
        shape = _shape(stream, name)
        size = math.prod(shape)
        if size > LARGEST_ARRAY:
            raise ValueError(f"{name} says that it has {size:,} bytes")
        content = stream.read(size + 1)
    if len(content) != size:
        raise ValueError(f"{name} does not have the {size:,} bytes that it says")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _shape(stream: IO[bytes], name: str) -> tuple[int, ...]:
    major, _ = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
    shape, by_column, kind = read(stream)
    if kind != np.uint8 or by_column or any(length < 0 for length in shape):
        raise ValueError(f"{name} does not hold 8-bit numbers, row by row")
    return tuple(shape)


BREASTMNIST = Dataset(
    name="breastmnist",
    title="BreastMNIST",
    tasks={},
    modality="ultrasound",
    licence="CC BY 4.0",
    url="https://medmnist.com/",
    citation="Yang J, Shi R, Wei D, et al. MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical "
    "image classification. Scientific Data 10 (2023) 41. doi:10.1038/s41597-022-01721-8",
    published={"malignant": 210, "normal_or_benign": 570},
    patients=None,
    layout="breastmnist.npz or breastmnist_224.npz with train_images, train_labels, val_images, …",
    read=_read,
    same_women=("busi",),
)
