from pathlib import Path

import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets import DATASETS
from tests.makers import breast_usg, set_cell

BREAST_USG = DATASETS.get("breast_usg")
IMAGES = "BrEaST-Lesions_USG-images_and_masks"
TABLE = "BrEaST-Lesions-USG-clinical-data-Dec-15-2023.xlsx"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return breast_usg(tmp_path / "breast_usg")


def test_the_publishers_table_is_read(root: Path) -> None:
    samples = {sample.sample_id: sample for sample in BREAST_USG.index(root).samples}

    assert list(samples) == [f"case{number:03d}" for number in range(1, 6)]
    first = samples["case001"]
    assert (first.patient_id, first.group, first.label) == ("1", "1", "benign")
    assert first.boxes == (Box(70, 50, 24, 16), Box(20, 50, 24, 16))
    assert first.masks == (f"{IMAGES}/case001_tumor.png", f"{IMAGES}/case001_tumor2.png")
    assert first.facts["age"] == "31"
    assert first.facts["birads"] == "4a"
    assert first.facts["histology"] == "Fibroadenoma"
    assert first.facts["pixel_size"] == "0.007"
    assert "age" not in samples["case003"].facts
    assert (samples["case005"].label, samples["case005"].masks) == ("normal", ())


def test_masks_of_other_areas_are_no_lesions(root: Path) -> None:
    second = BREAST_USG.index(root).samples[1]

    assert (root / IMAGES / "case002_other1.png").is_file()
    assert second.masks == (f"{IMAGES}/case002_tumor.png",)


def test_rows_without_images_and_masks_that_are_not_here_are_said(root: Path) -> None:
    (root / IMAGES / "case002.png").unlink()
    (root / IMAGES / "case003_tumor.png").unlink()
    (root / IMAGES / "case004_tumor.png").write_bytes(b"<html>")

    index = BREAST_USG.index(root)

    assert index.notes == ("4 of 256 images of BrEaST (Breast-Lesions-USG)", f"1 rows of {TABLE} have no image here")
    assert [(Path(item.path).name, item.reason.partition(":")[0]) for item in index.dropped] == [
        ("case003_tumor.png", "a mask that is listed and not here"),
        ("case004_tumor.png", "unreadable mask"),
    ]


def test_the_folder_around_it_will_do(root: Path) -> None:
    assert len(BREAST_USG.index(root.parent)) == 5


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Image_filename", "../case001.png"),
        ("Image_filename", ""),
        ("Mask_tumor_filename", "case001_tumor.png&/etc/passwd"),
        ("Mask_tumor_filename", "=HYPERLINK"),
    ],
)
def test_a_hostile_cell_is_named(root: Path, column: str, value: str) -> None:
    set_cell(root / TABLE, 2, column, value.removeprefix("="))

    with pytest.raises(DatasetError, match=f"sheet 'Sheet1', row 2, column '{column}'"):
        BREAST_USG.index(root)


def test_a_link_out_of_the_folder_is_refused(root: Path, tmp_path: Path) -> None:
    (root / IMAGES / "case002.png").rename(tmp_path / "secret.png")
    (root / IMAGES / "case002.png").symlink_to(tmp_path / "secret.png")

    with pytest.raises(DatasetError, match="leaves the dataset's folder"):
        BREAST_USG.index(root)


def test_the_task_leaves_normal_pictures_out(root: Path) -> None:
    from senoscope.core.tasks import TASKS

    index = BREAST_USG.samples_for(TASKS.get("ultrasound"), root)

    assert index.counts() == {"benign": 2, "malignant": 2}
