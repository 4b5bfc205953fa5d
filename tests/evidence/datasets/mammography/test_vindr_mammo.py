from pathlib import Path

import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import set_cell, vindr_mammo

VINDR_MAMMO = DATASETS.get("vindr_mammo")
SECOND = f"{1:032x}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return vindr_mammo(tmp_path / "vindr")


def test_the_tables_are_joined(root: Path) -> None:
    index = VINDR_MAMMO.index(root)

    ill = index.samples[4]
    assert (ill.group, ill.patient_id, ill.label) == (SECOND, "", "BI-RADS 4")
    assert ill.path == f"images/{SECOND}/{17:032x}.dicom"
    assert (ill.laterality, ill.view) == ("L", "CC")
    assert ill.facts == {
        "birads": "BI-RADS 4",
        "density": "B",
        "split": "training",
        "lesion": "Mass, Skin Thickening",
        "machine": "Mammomat Inspiration",
        "age": "53",
    }
    assert "lesion" not in index.samples[0].facts
    assert "age" not in index.samples[0].facts
    assert (index.units, index.has_patients) == (3, False)
    assert {sample.facts["split"] for sample in index.samples[8:]} == {"test"}
    assert "12 of 20,000 images of VinDr-Mammo" in index.notes


def test_boxes_are_cut_at_the_edge_of_the_image(root: Path) -> None:
    samples = VINDR_MAMMO.index(root).samples

    assert samples[4].boxes == (Box(0, 10, 31, 50),)
    assert samples[0].boxes == ()


def test_images_alone_with_their_labels_will_do(root: Path) -> None:
    (root / "finding_annotations.csv").unlink()
    (root / "metadata.csv").unlink()

    index = VINDR_MAMMO.index(root)

    assert len(index) == 12
    assert not any(sample.boxes for sample in index.samples)


def test_a_part_of_the_images_is_said(root: Path) -> None:
    (root / index_path(root, 0)).unlink()

    assert "1 rows of breast-level_annotations.csv have no image here" in VINDR_MAMMO.index(root).notes


def index_path(root: Path, number: int) -> str:
    return VINDR_MAMMO.index(root).samples[number].path


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("breast-level_annotations.csv", "study_id", "../.."),
        ("breast-level_annotations.csv", "split", "train"),
        ("breast-level_annotations.csv", "laterality", ""),
        ("finding_annotations.csv", "xmin", "nan"),
        ("finding_annotations.csv", "ymax", "1e400"),
        ("finding_annotations.csv", "xmax", "-50"),
        ("finding_annotations.csv", "image_id", "x"),
        ("finding_annotations.csv", "height", ""),
    ],
)
def test_a_hostile_cell_is_named(root: Path, table: str, column: str, value: str) -> None:
    set_cell(root / table, 5, column, value)
    if column == "xmin":
        set_cell(root / table, 5, column, "minus one")

    with pytest.raises(DatasetError, match=f"{table}, row 5, column '{column}'"):
        VINDR_MAMMO.index(root)


def test_birads_answers_two_tasks(root: Path) -> None:
    index = VINDR_MAMMO.index(root)

    assert index.counts() == {"BI-RADS 1": 6, "BI-RADS 2": 4, "BI-RADS 4": 2}
    assert VINDR_MAMMO.answering(TASKS.get("mammography"), index).counts() == {"benign": 4, "malignant": 2}
    assert VINDR_MAMMO.answering(TASKS.get("abnormality"), index).counts() == {"abnormal": 6, "normal": 6}
