import shutil
from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import bach

BACH = DATASETS.get("bach")
TABLE = "microscopy_ground_truth.csv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return bach(tmp_path / "bach")


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_folders_are_classes(root: Path, depth: int) -> None:
    index = BACH.index((root, root.parent, root.parent.parent)[depth])

    assert index.counts() == {"benign": 2, "in_situ": 2, "invasive": 2, "normal": 2}
    assert [sample.sample_id for sample in index.samples][:3] == ["n001", "n002", "b001"]
    assert not index.has_patients
    assert "8 of 400 images of BreAst Cancer Histology (BACH)" in index.notes


def test_copies_share_a_group(root: Path) -> None:
    shutil.copy(root / "Invasive" / "iv001.tif", root / "Invasive" / "iv009.tif")

    groups = {sample.sample_id: sample.group for sample in BACH.index(root).samples}

    assert groups["iv009"] == groups["iv001"] == "iv001"
    assert groups["iv002"] == "iv002"


def test_foreign_damaged_and_absent_files_are_said(root: Path, tmp_path: Path) -> None:
    (root / "Normal" / "Thumbs of 2017.tif").write_bytes(b"x")
    (root / "Benign" / "b001.tif").write_bytes(b"<html>")
    (root / "Benign" / "b002.tif").unlink()
    (root / "InSitu" / "is001.tif").rename(tmp_path / "secret.tif")
    (root / "InSitu" / "is001.tif").symlink_to(tmp_path / "secret.tif")

    index = BACH.index(root)

    assert [item.reason.partition(":")[0] for item in index.dropped] == [
        "not named like 'n001.tif'",
        "a link that leaves the folder",
        "unreadable",
    ]
    assert f"2 rows of {TABLE} have no image here" in index.notes


@pytest.mark.parametrize(
    ("old", "new", "row", "column"),
    [
        ("b001.tif,Benign", "b001.tif,Invasive", 3, "label"),
        ("b001.tif,Benign", "b001.tif,Perhaps", 3, "label"),
        ("b001.tif,Benign", "../b001.tif,Benign", 3, "file"),
        ("b002.tif,Benign", "b001.tif,Benign", 4, "file"),
    ],
)
def test_a_table_that_contradicts_the_folders_is_refused(root: Path, old: str, new: str, row: int, column: str) -> None:
    text = (root / TABLE).read_text("utf-8")
    assert old in text
    (root / TABLE).write_text(text.replace(old, new), "utf-8")

    with pytest.raises(DatasetError, match=f"row {row}, column '{column}'"):
        BACH.index(root)


def test_the_table_is_not_needed(root: Path) -> None:
    (root / TABLE).unlink()

    assert len(BACH.index(root)) == 8


def test_normal_tissue_has_no_tumour_to_be_benign(root: Path) -> None:
    assert BACH.samples_for(TASKS.get("biopsy"), root).counts() == {"benign": 2, "malignant": 4}
