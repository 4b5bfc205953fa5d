from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import cmmd, coded, dicom, drop_column, set_cell

CMMD = DATASETS.get("cmmd")
SERIES = "manifest-1616439774456/CMMD/D1-0002/07-18-2010-NA-NA-79377/1.000000-NA-70244"
TABLE = "CMMD_clinicaldata_revision.xlsx"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return cmmd(tmp_path / "cmmd")


def test_headers_tell_breast_and_view_and_the_table_the_label(root: Path) -> None:
    index = CMMD.index(root)

    assert [(sample.sample_id, sample.label) for sample in index.samples] == [
        ("D1-0001_R_CC", "benign"),
        ("D1-0001_R_MLO", "benign"),
        ("D1-0002_L_CC", "malignant"),
        ("D1-0002_L_MLO", "malignant"),
        ("D1-0002_R_CC", "benign"),
        ("D1-0002_R_MLO", "benign"),
        ("D2-0001_L_CC", "malignant"),
        ("D2-0001_L_MLO", "malignant"),
    ]
    third, last = index.samples[2], index.samples[-1]
    assert third.path == f"{SERIES}/1-3.dcm"
    assert (third.patient_id, third.group, third.laterality, third.view) == ("D1-0002", "D1-0002", "L", "CC")
    assert third.facts == {"lesion": "both", "age": "52"}
    assert last.facts == {"lesion": "mass", "subtype": "Luminal A", "age": "61"}
    assert index.units == 3


def test_the_other_breast_is_nobodys_benign_example(root: Path) -> None:
    index = CMMD.index(root)

    assert "D2-0001_R_CC" not in {sample.sample_id for sample in index.samples}
    assert f"2 images are of breasts without a row in {TABLE}: unlabelled, left out" in index.notes
    assert "8 of 3,744 images of Chinese Mammography Database (CMMD)" in index.notes


def test_damaged_and_nameless_files_are_dropped_and_absent_breasts_said(root: Path) -> None:
    (root / SERIES / "1-3.dcm").write_bytes(b"<html>")
    dicom(root / SERIES / "1-4.dcm", PatientID="D1-0002")
    dicom(root / SERIES / "1-9.dcm", PatientID="somebody", ImageLaterality="L")

    index = CMMD.index(root)

    assert {Path(item.path).name: item.reason.partition(":")[0] for item in index.dropped} == {
        "1-3.dcm": "unreadable",
        "1-4.dcm": "its header does not say whose breast, or which",
        "1-9.dcm": "its header does not say whose breast, or which",
    }
    assert f"1 rows of {TABLE} have no image here" in index.notes
    assert f"2 images are of breasts without a row in {TABLE}: unlabelled, left out" in index.notes


def test_old_codes_and_repeated_views_are_told_apart(root: Path) -> None:
    sequence = coded("R-10226", "SRT", "medio-lateral oblique")
    dicom(root / SERIES / "2-1.dcm", PatientID="D1-0002", Laterality="L", ViewCodeSequence=sequence)
    dicom(root / SERIES / "2-2.dcm", PatientID="D1-0002", Laterality="R", ViewPosition="XCCL")

    found = {sample.sample_id: sample.view for sample in CMMD.index(root).samples}

    assert found["D1-0002_L_MLO_2"] == "MLO"
    assert found["D1-0002_R_XCCL"] == "XCCL"


def test_a_breast_listed_twice_is_refused(root: Path) -> None:
    set_cell(root / TABLE, 3, "LeftRight", "L")

    with pytest.raises(DatasetError, match="row 3, column 'ID1': 'D1-0002 L' is in row 2 already"):
        CMMD.index(root)


def test_a_table_alone_is_another_folder(root: Path) -> None:
    for path in root.rglob("*.dcm"):
        path.unlink()

    with pytest.raises(DatasetError, match="looked for CMMD_clinicaldata_revision"):
        CMMD.index(root)


def test_it_answers_mammography(root: Path) -> None:
    assert CMMD.samples_for(TASKS.get("mammography"), root).counts() == {"benign": 4, "malignant": 4}


def test_the_column_of_the_number_of_images_is_part_of_the_table(root: Path) -> None:
    drop_column(root / TABLE, "number")

    with pytest.raises(DatasetError, match="has no column number"):
        CMMD.index(root)
