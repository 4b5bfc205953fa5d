from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import breastdcedl

BREASTDCEDL = DATASETS.get("breastdcedl")
RESPONSE = TASKS.get("response")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return breastdcedl(tmp_path / "breast_dce")


def edit(root: Path, old: str, new: str) -> None:
    text = (root / "metadata.csv").read_text("utf-8")
    assert old in text
    (root / "metadata.csv").write_text(text.replace(old, new, 1), "utf-8")


def test_slices_carry_what_is_known_of_the_patient(root: Path) -> None:
    first = BREASTDCEDL.index(root).samples[0]

    assert (first.sample_id, first.group, first.label) == (
        "ACRIN-6698-102212/slice_006",
        "ACRIN-6698-102212",
        "no_response",
    )
    assert first.facts == {
        "age": "26",
        "menopause": "0",
        "hr": "0",
        "her2": "0",
        "receptor": "HR- HER2-",
        "tumour_volume": "31107.1102",
        "tumour_length": "58.128",
        "tumour_depth": "74",
        "slice_thickness": "2",
        "pixel_spacing": "0.6055",
        "site": "spy2",
        "split": "1",
        "slice": "6",
    }


def test_volumes_in_another_unit_are_brought_to_mm3(root: Path) -> None:
    duke = next(sample for sample in BREASTDCEDL.index(root).samples if sample.facts["site"] == "duke")

    assert duke.facts["tumour_volume"] == "5201.3174"
    assert (duke.facts["tumour_length"], duke.facts["tumour_depth"]) == ("38.5178", "48")

    edit(root, ",5.201317373616001,", ",5201.317373616001,")
    corrected = next(sample for sample in BREASTDCEDL.index(root).samples if sample.facts["site"] == "duke")
    assert corrected.facts["tumour_volume"] == "5201.3174"


def test_a_box_that_is_not_whole_has_no_size(root: Path) -> None:
    without = [sample for sample in BREASTDCEDL.index(root).samples if sample.facts["site"] == "spy1"]

    assert without
    assert all("tumour_length" not in sample.facts and "tumour_depth" not in sample.facts for sample in without)


def test_a_missing_response_is_not_a_negative(root: Path) -> None:
    index = BREASTDCEDL.index(root)

    assert index.counts() == {"no_response": 2, "response": 2, "unknown": 2}
    answered = BREASTDCEDL.answering(RESPONSE, index)
    assert answered.counts() == {"no_response": 2, "response": 2}
    assert "left out, as the task does not know the label: 2 unknown" in answered.notes


def test_patients_are_counted_rather_than_slices(root: Path) -> None:
    index = BREASTDCEDL.index(root)

    assert [str(check) for check in BREASTDCEDL.validate(index)] == [
        "patients: 3",
        "patients, no_response: 1",
        "patients, response: 1",
        "patients, unknown: 1",
    ]
    assert index.notes == (
        "3 patients of BreastDCEDL",
        "1 more patients are in all_patients.csv, without images; alone it lists them",
    )


def test_the_clinical_table_alone_lists_patients(tmp_path: Path) -> None:
    index = BREASTDCEDL.index(breastdcedl(tmp_path, images=False))

    assert [sample.path for sample in index.samples] == [""] * 4
    assert [sample.facts.get("age") for sample in index.samples] == ["26", "44", "60", "51"]
    assert "receptor" not in index.samples[3].facts
    assert BREASTDCEDL.answering(RESPONSE, index).counts() == {"no_response": 1, "response": 2}
    assert index.notes == ("4 patients of BreastDCEDL", "all_patients.csv alone: patients without images")


def test_pictures_that_nobody_listed_are_dropped(root: Path) -> None:
    (root / "images" / "Stranger").mkdir()
    (root / "images" / "Stranger" / "slice_001.jpg").write_bytes(b"x")
    (root / "images" / "ISPY1_1001" / "overview.jpg").write_bytes(b"x")

    index = BREASTDCEDL.index(root)

    assert [(item.path, item.reason) for item in index.dropped] == [
        ("images/ISPY1_1001/overview.jpg", "not named like 'slice_006.jpg'"),
        ("images/Stranger/slice_001.jpg", "no row in metadata.csv"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "row", "column"),
    [
        ("ACRIN-6698-102212,ACRIN-6698-102212", "../secret,ACRIN-6698-102212", 1, "folder"),
        ("ACRIN-6698-102212,ACRIN-6698-102212", "ACRIN-6698-102212,../secret", 1, "pid"),
        ("Breast_MRI_285,Breast_MRI_285", "Breast_MRI_285,ACRIN-6698-102212", 2, "pid"),
        ("Breast_MRI_285,Breast_MRI_285", "ACRIN-6698-102212,Breast_MRI_285", 2, "folder"),
        ("285,1.0,", "285,perhaps,", 2, "pCR"),
        ("285,1.0,", "285,2.0,", 2, "pCR"),
        (",26.0,", ",old,", 1, "age"),
        (",26.0,", ",inf,", 1, "age"),
        (",104.0,", ",top,", 1, "sraw"),
    ],
)
def test_a_wrong_cell_is_named(root: Path, old: str, new: str, row: int, column: str) -> None:
    edit(root, old, new)

    with pytest.raises(DatasetError, match=f"row {row}, column '{column}'"):
        BREASTDCEDL.index(root)


def test_the_real_set(data_root: Path) -> None:
    index = BREASTDCEDL.index(data_root)

    assert len(index) == 1064
    assert index.units == 266
    assert index.dropped == ()
    assert {sample.facts["site"] for sample in index.samples} == {"duke", "spy1", "spy2"}
    assert [check.here for check in BREASTDCEDL.validate(index)] == [266, 190, 76, 0]
    assert all(sample.facts["receptor"].startswith("HR") for sample in index.samples)


def test_the_real_clinical_table(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "all_patients.csv").write_bytes((data_root / "breast_dce" / "all_patients.csv").read_bytes())

    index = BREASTDCEDL.index(tmp_path)

    assert len(index) == index.units == 1991
    assert index.counts() == {"no_response": 953, "response": 398, "unknown": 640}


def test_real_tumours_fill_a_like_share_of_their_box_in_every_cohort(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "all_patients.csv").write_bytes((data_root / "breast_dce" / "all_patients.csv").read_bytes())
    shares: dict[str, list[float]] = {}
    for sample in BREASTDCEDL.index(tmp_path).samples:
        if {"tumour_volume", "tumour_length"} <= sample.facts.keys():
            volume, length, depth = (float(sample.facts[f"tumour_{name}"]) for name in ("volume", "length", "depth"))
            shares.setdefault(sample.facts["site"], []).append(volume / (length**2 * depth))

    middles = {site: sorted(values)[len(values) // 2] for site, values in shares.items()}
    assert {site: len(values) for site, values in shares.items()} == {"duke": 900, "spy1": 153, "spy2": 936}
    assert max(middles.values()) < 2 * min(middles.values())
