from pathlib import Path

import pytest

from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.splits import folds
from tests.makers import breakhis

BREAKHIS = DATASETS.get("breakhis")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return breakhis(tmp_path / "data")


def test_blocks_and_tumour_types_of_one_case_are_one_woman(root: Path) -> None:
    index = BREAKHIS.index(root)

    groups = {sample.sample_id: sample.group for sample in index.samples}
    assert groups["SOB_B_A-14-22549AB-100-001"] == groups["SOB_B_A-14-22549CD-40-001"] == "14-22549"
    assert groups["SOB_M_DC-14-13412-200-003"] == groups["SOB_M_LC-14-13412-200-003"]
    assert index.units == 4
    assert index.notes == (
        "7 of 7,909 images of BreakHis",
        "6 patients by the publisher's count are 4 cases",
    )


def test_the_name_says_type_and_magnification(root: Path) -> None:
    by_name = {sample.sample_id: sample for sample in BREAKHIS.index(root).samples}

    assert by_name["SOB_M_PC-15-190EF-100-010"].label == "malignant"
    assert by_name["SOB_M_PC-15-190EF-100-010"].facts == {
        "subtype": "papillary_carcinoma",
        "magnification": "100X",
        "slide": "15-190EF",
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("benign/SOB/adenosis/SOB_B_A-14-22549AB-100-1.png", "not named like"),
        ("benign/SOB/adenosis/SOB_B_XX-14-22549AB-100-001.png", "not named like"),
        ("benign/SOB/adenosis/SOB_M_A-14-22549AB-100-001.png", "adenosis is benign, and the name says M"),
        ("benign/SOB/adenosis/SOB_M_DC-14-13412-100-001.png", "named malignant in the folder benign"),
    ],
)
def test_what_contradicts_itself_is_dropped(root: Path, name: str, reason: str) -> None:
    path = root / "BreaKHis_v1" / "histology_slides" / "breast" / name
    path.write_bytes(b"")

    (dropped,) = BREAKHIS.index(root).dropped

    assert dropped.path.endswith(name)
    assert reason in dropped.reason


def test_a_link_out_of_the_folder_is_dropped(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    folder = root / "BreaKHis_v1" / "histology_slides" / "breast" / "benign"
    (folder / "SOB_B_A-14-1111-100-001.png").symlink_to(tmp_path / "secret.png")
    (folder / "elsewhere").symlink_to(tmp_path)

    index = BREAKHIS.index(root)

    assert len(index) == 7
    assert [item.reason for item in index.dropped] == ["a link that leaves the folder"]


def test_the_real_set(data_root: Path) -> None:
    index = BREAKHIS.index(data_root)

    assert len(index) == 350
    assert index.dropped == ()
    assert len({sample.facts["slide"] for sample in index.samples}) == 22
    assert index.units == 19
    assert {sample.facts["magnification"] for sample in index.samples} == {"100X"}
    assert len({sample.facts["subtype"] for sample in index.samples}) == 7
    fold = folds(index, folds=5, seed=0)
    assert all(len({fold[n] for n in range(350) if index.samples[n].group == g}) == 1 for g in ("14-22549", "14-21998"))
