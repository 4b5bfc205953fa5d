from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import ispy2, set_cell

ISPY2 = DATASETS.get("ispy2")
RESPONSE = TASKS.get("response")
TABLE = "ISPY2-Imaging-Cohort-1-Clinical-Data.xlsx"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return ispy2(tmp_path / "ispy2")


def test_a_sample_is_a_series(root: Path) -> None:
    index = ISPY2.index(root)

    assert index.counts() == {"no_response": 1, "response": 3}
    substudy, first, *_ = index.samples
    assert (substudy.patient_id, substudy.group, substudy.label) == ("ISPY2-102212", "ISPY2-102212", "no_response")
    assert first.path.endswith("ISPY2-100899/01-01-2004-T0-ISPY2MRIT0-31349/61800.000000-61800/1-001.dcm")
    assert first.facts == {
        "series": "ISPY2: VOLSER: uni-lateral cropped: original DCE",
        "study": "ISPY2MRIT0",
        "visit": "T0",
        "date": "20040101",
        "machine": "Signa HDxt",
        "files": "2",
        "mammaprint": "1",
        "race": "White",
        "arm": "Paclitaxel",
        "receptor": "HR+ HER2-",
        "age": "45",
        "before_treatment": "response",
    }
    assert "2 of 985 patients of I-SPY 2 imaging cohort 1" in index.notes
    assert "1 series are no pictures but marks on them: left out" in index.notes


def test_no_answer_is_not_a_negative_one(root: Path) -> None:
    index = ISPY2.index(root)

    assert "ISPY2-103939" not in {sample.patient_id for sample in index.samples}
    assert f"2 patients have images and no answer in {TABLE}: left out" in index.notes


def test_only_dynamic_series_before_treatment_answer_the_task(root: Path) -> None:
    """A scan after treatment shows whether the tumour is gone."""
    index = ISPY2.index(root)
    answering = ISPY2.answering(RESPONSE, index)

    assert {sample.facts["visit"] for sample in index.samples} == {"T0", "T3"}
    assert [(sample.patient_id, sample.label) for sample in answering.samples] == [
        ("ISPY2-102212", "no_response"),
        ("ISPY2-100899", "response"),
    ]
    assert all("original DCE" in sample.facts["series"] for sample in answering.samples)


def test_volumes_in_folders_of_patients_are_read_by_their_names(root: Path) -> None:
    folder = root / "nifti" / "ISPY2-111038"
    folder.mkdir(parents=True)
    for name in ("ISPY2-111038_spy2_vis1_acq0.nii.gz", "ISPY2-111038_spy2_vis1_mask.nii.gz", "vis4_acq0.nii"):
        (folder / name).write_bytes(b"\x1f\x8b")

    samples = {Path(one.path).name: one for one in ISPY2.index(root).samples if one.path.startswith("nifti")}

    first = samples["ISPY2-111038_spy2_vis1_acq0.nii.gz"]
    assert (first.patient_id, first.label, first.facts["visit"]) == ("ISPY2-111038", "no_response", "T0")
    assert first.facts["series"] == "ISPY2-111038_spy2_vis1_acq0"
    asked = {name for name, sample in samples.items() if "before_treatment" in sample.facts}
    assert asked == {"ISPY2-111038_spy2_vis1_acq0.nii.gz"}


@pytest.mark.parametrize(("column", "value"), [("Patient_ID", "ISPY2-1"), ("pCR", "2"), ("Patient_ID", "../1")])
def test_a_hostile_cell_is_named(root: Path, column: str, value: str) -> None:
    set_cell(root / TABLE, 2, column, value)

    with pytest.raises(DatasetError, match=f"sheet 'Sheet1', row 2, column '{column}'"):
        ISPY2.index(root)


def test_a_damaged_series_is_said(root: Path) -> None:
    victim = root / ISPY2.index(root).samples[0].path
    victim.write_bytes(b"<html>")

    index = ISPY2.index(root)

    assert len(index) == 3
    assert [item.reason.partition(":")[0] for item in index.dropped] == ["unreadable"]
