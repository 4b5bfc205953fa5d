from collections import Counter
from pathlib import Path

import pytest

from senoscope.evidence.datasets import DATASETS
from tests.makers import idc

IDC = DATASETS.get("idc")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return idc(tmp_path / "data")


def test_names_say_patient_place_and_class(root: Path) -> None:
    index = IDC.index(root)

    assert index.counts() == {"idc_negative": 4, "idc_positive": 2}
    assert index.units == 3
    by_name = {sample.sample_id: sample for sample in index.samples}
    sample = by_name["8863_idx5_x51_y801_class0"]
    assert (sample.patient_id, sample.label) == ("8863", "idc_negative")
    assert sample.facts == {"x": "51", "y": "801", "edge": "no"}


def test_patches_at_the_edge_are_marked_and_counted(root: Path) -> None:
    index = IDC.index(root)

    assert [sample.sample_id for sample in index.samples if sample.facts["edge"] == "yes"] == [
        "8863_idx5_x1_y801_class0"
    ]
    assert "1 patches at the edge of a slide are smaller than 50×50 pixels" in index.notes


@pytest.mark.parametrize("base", ["", "IDC_regular_ps50_idx5"])
def test_with_and_without_the_outer_folder(root: Path, base: str) -> None:
    assert len(IDC.index(root / base)) == 6


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("8863/0/8863_idx5_x9_y801_class1.png", "class 1 in another folder"),
        ("8863/0/10253_idx5_x9_y801_class0.png", "patient 10253"),
        ("8863/0/holiday.png", "not named like"),
        ("8863/0/8863_idx5_x9_y801_class0.png", "unreadable: not a PNG"),
    ],
)
def test_what_does_not_fit_is_dropped(root: Path, name: str, reason: str) -> None:
    (root / "IDC_regular_ps50_idx5" / name).write_bytes(b"GIF89a")

    (dropped,) = IDC.index(root).dropped

    assert reason in dropped.reason


def test_the_real_set(data_root: Path) -> None:
    index = IDC.index(data_root)

    assert len(index) == 3529
    assert index.counts() == {"idc_negative": 2022, "idc_positive": 1507}
    assert (index.has_patients, index.units) == (True, 221)
    assert index.dropped == ()
    assert max(Counter((sample.patient_id, sample.label) for sample in index.samples).values()) <= 10
    assert [str(check) for check in IDC.validate(index)] == [
        "patches: 3,529 of 277,524",
        "patches, idc_negative: 2,022 of 198,738",
        "patches, idc_positive: 1,507 of 78,786",
        "patients: 221 of 279",
    ]
