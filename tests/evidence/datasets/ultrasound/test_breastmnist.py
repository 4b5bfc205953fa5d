import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets import DATASETS
from tests.makers import breastmnist

BREASTMNIST = DATASETS.get("breastmnist")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return breastmnist(tmp_path / "mnist")


def rewrite(root: Path, name: str, content: bytes) -> None:
    path = root / "breastmnist_64.npz"
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, body in (members | {name: content}).items():
            archive.writestr(member, body)


def npy(array: NDArray[np.generic], *, shape: tuple[int, ...] | None = None) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    )
    return buffer.getvalue() + array.tobytes()


def test_rows_and_the_publishers_split_are_listed(root: Path) -> None:
    index = BREASTMNIST.index(root)

    assert index.counts() == {"malignant": 6, "normal_or_benign": 6}
    first = index.samples[0]
    assert (first.sample_id, first.path, first.label) == ("train-0000", "breastmnist_64.npz", "malignant")
    assert first.facts == {"split": "train", "array": "train_images", "row": "0"}
    assert not index.has_patients


def test_near_duplicates_across_the_split_share_a_group_and_are_counted(root: Path) -> None:
    index = BREASTMNIST.index(root)

    groups = {sample.sample_id: sample.group for sample in index.samples}
    assert groups["test-0000"] == groups["train-0000"] == "train-0000"
    assert "1 clusters of near-duplicates lie on more than one side of the publisher's split" in index.notes


def test_the_largest_pictures_are_read(root: Path) -> None:
    (root / "breastmnist_224.npz").write_bytes((root / "breastmnist_64.npz").read_bytes())

    assert "read from breastmnist_224.npz" in BREASTMNIST.index(root).notes


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("train_labels.npy", npy(np.array([[object()]] * 8, dtype=object).astype("O").view()), "8-bit numbers"),
        ("train_labels.npy", npy(np.zeros((8, 1), np.int64)), "8-bit numbers"),
        ("train_labels.npy", npy(np.zeros((7, 1), np.uint8)), "7 labels of 8 images"),
        ("train_images.npy", npy(np.zeros(8, np.uint8), shape=(2**20, 2**10, 2**10)), "says that it has"),
        ("train_images.npy", npy(np.zeros(8, np.uint8), shape=(8, 64, 64)), "does not have the 32,768 bytes"),
        ("train_images.npy", npy(np.zeros((8, 64, 32), np.uint8)), "not (N, side, side)"),
        ("train_images.npy", b"\x93NUMPY\x01\x00\xff\xff{'descr': __import__('os')", "not BreastMNIST"),
        ("train_images.npy", b"", "not BreastMNIST"),
    ],
)
def test_a_hostile_array_is_refused(root: Path, name: str, content: bytes, problem: str) -> None:
    rewrite(root, name, content)

    with pytest.raises(DatasetError) as caught:
        BREASTMNIST.index(root)

    assert problem in caught.value.message


def test_a_bomb_is_refused_before_it_grows(root: Path) -> None:
    rewrite(root, "val_images.npy", npy(np.zeros(0, np.uint8), shape=(2**20, 64, 64)) + bytes(2**24))

    with pytest.raises(DatasetError, match=r"val_images\.npy says that it has 4,294,967,296 bytes"):
        BREASTMNIST.index(root)


def test_a_third_class_is_refused(root: Path) -> None:
    rewrite(root, "val_labels.npy", npy(np.array([[0], [2]], np.uint8)))

    with pytest.raises(DatasetError, match="val_labels, row 1: the label 2 is neither 0 nor 1"):
        BREASTMNIST.index(root)


def test_a_missing_array_and_too_many_are_refused(root: Path) -> None:
    for number in range(20):
        rewrite(root, f"extra_{number}.npy", b"")
    with pytest.raises(DatasetError, match="more than 16 members"):
        BREASTMNIST.index(root)

    with zipfile.ZipFile(root / "breastmnist_64.npz", "w") as archive:
        archive.writestr("train_images.npy", npy(np.zeros((1, 28, 28), np.uint8)))
    with pytest.raises(DatasetError, match="train_labels"):
        BREASTMNIST.index(root)
