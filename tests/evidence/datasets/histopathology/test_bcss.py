from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.histopathology.bcss import IGNORED, TEST_SITES, read_codes
from tests.makers import bcss, set_cell

BCSS = DATASETS.get("bcss")
PICTURES = "rgbs_colorNormalized"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return bcss(tmp_path / "bcss")


def test_names_tell_patient_hospital_and_place(root: Path) -> None:
    index = BCSS.index(root)

    first = index.samples[0]
    assert first.sample_id == "TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500"
    assert (first.patient_id, first.group, first.label) == ("TCGA-A1-A0SK", "TCGA-A1-A0SK", "tissue")
    assert first.masks == (f"masks/{first.sample_id}.png",)
    assert first.facts == {
        "site": "A1",
        "split": "train",
        "slide": "DX1",
        "xmin": "45749",
        "ymin": "25055",
        "microns_per_pixel": "0.2500",
    }
    assert index.units == 4
    assert "4 of 151 regions of Breast Cancer Semantic Segmentation (BCSS)" in index.notes


def test_whole_hospitals_are_held_out(root: Path) -> None:
    samples = BCSS.index(root).samples

    split = {sample.facts["site"]: sample.facts["split"] for sample in samples}
    assert split == {"A1": "train", "A2": "train", "E2": "test", "OL": "test"}
    assert {"E2", "OL"} < set(TEST_SITES)


def test_code_0_is_said_to_be_no_class(root: Path) -> None:
    assert IGNORED == 0
    assert "masks hold codes: 0 lies outside the region and is ignored, never a class" in BCSS.index(root).notes


def test_the_layout_of_the_download_script_is_read(root: Path) -> None:
    (root / PICTURES).rename(root / "images")

    assert len(BCSS.index(root.parent)) == 4


def test_foreign_names_and_missing_masks_are_said(root: Path) -> None:
    Pil.fromarray(np.zeros((4, 4, 3), np.uint8)).save(root / PICTURES / "holiday.png")
    (root / "masks" / "TCGA-A2-A04P-DX1_xmin104246_ymin48517_MPP-0.2500.png").unlink()

    index = BCSS.index(root)

    assert len(index) == 3
    assert {Path(item.path).stem[:8]: item.reason.partition(" '")[0] for item in index.dropped} == {
        "holiday": "not named",
        "TCGA-A2-": "no mask of this name",
    }


@pytest.mark.parametrize(
    ("row", "column", "value", "problem"),
    [
        (2, "GT_code", "-1", "is not a code"),
        (2, "GT_code", "256", "is not a code"),
        (2, "GT_code", "", "is not a code"),
        (3, "GT_code", "1", "is in row 2 already"),
        (2, "label", "", "is not an id"),
    ],
)
def test_a_bad_code_names_row_and_column(root: Path, row: int, column: str, value: str, problem: str) -> None:
    set_cell(root / "meta" / "gtruth_codes.tsv", row, column, value, "\t")

    with pytest.raises(DatasetError, match=rf"gtruth_codes\.tsv, row {row}, column '{column}': .*{problem}"):
        BCSS.index(root)


def test_codes_that_make_a_class_of_the_outside_are_refused(root: Path) -> None:
    set_cell(root / "meta" / "gtruth_codes.tsv", 1, "label", "other", "\t")

    with pytest.raises(DatasetError, match="code 0 is not outside_roi"):
        BCSS.index(root)


def test_the_publishers_codes_are_read(data_root: Path) -> None:
    codes = read_codes(data_root / "bcss" / "meta" / "gtruth_codes.tsv")

    assert sorted(codes) == list(range(22))
    assert (codes[IGNORED], codes[1], codes[20], codes[21]) == ("outside_roi", "tumor", "dcis", "other")


def test_the_publishers_regions_have_names_that_are_read(data_root: Path, tmp_path: Path) -> None:
    bounds = (data_root / "bcss" / "meta" / "roiBounds.csv").read_text("utf-8").splitlines()[1:]
    for part in (PICTURES, "masks"):
        (tmp_path / part).mkdir()
        for slide, left, top, *_ in (line.split(",") for line in bounds):
            (tmp_path / part / f"{slide}_xmin{left}_ymin{top}_MPP-0.2500.png").touch()

    index = BCSS.index(tmp_path)

    assert len(index) == index.units == 151
    assert index.dropped == ()
    assert sum(sample.facts["split"] == "test" for sample in index.samples) == 45
