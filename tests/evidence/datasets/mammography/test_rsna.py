from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import rsna, rsna_exams, set_cell

RSNA = DATASETS.get("rsna")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return rsna(tmp_path / "rsna")


def test_the_publishers_table_is_read(root: Path) -> None:
    index = RSNA.index(root)

    assert index.counts() == {"cancer": 4, "no_cancer": 4}
    assert (index.has_patients, index.units) == (True, 4)
    third, fourth = index.samples[2:4]
    assert (third.sample_id, third.patient_id, third.group) == ("462822632", "10002", "10002")
    assert third.path == "train_images/10002/462822632.dcm"
    assert (third.label, third.laterality, third.view, fourth.view) == ("cancer", "L", "CC", "MLO")
    assert third.facts == {
        "site": "1",
        "machine": "29",
        "density": "B",
        "difficult_negative_case": "False",
        "age": "61",
        "birads": "0",
        "implant": "0",
        "invasive": "1",
        "invasiveness": "invasive",
        "biopsy": "1",
    }
    assert "density" not in index.samples[0].facts
    assert "8 of 54,706 images of RSNA Screening Mammography Breast Cancer Detection" in index.notes


@pytest.mark.parametrize(
    "layout", ["{0}/{1}.png", "{0}_{1}.png", "train_images/{0}/{1}.png", "cut {{512}}/{0}_{1}.png"]
)
def test_repackings_are_read_by_their_names(tmp_path: Path, layout: str) -> None:
    index = RSNA.index(rsna(tmp_path / "repacked", layout=layout))

    assert len(index) == 8
    assert index.samples[0].path == layout.format("10001", "462822622")
    assert all(path.is_file() for path in index.paths())


def test_a_part_of_the_images_is_said(root: Path) -> None:
    (root / "train_images" / "10001" / "462822622.dcm").unlink()

    index = RSNA.index(root)

    assert len(index) == 7
    assert "1 rows of train.csv have no image here" in index.notes


def test_a_table_without_any_image_is_another_folder(root: Path) -> None:
    bare = root.parent / "bare"
    bare.mkdir()
    (root / "train.csv").rename(bare / "train.csv")

    with pytest.raises(DatasetError, match=r"looked for train\.csv with train_images"):
        RSNA.index(bare)


@pytest.mark.parametrize(
    ("column", "value"),
    [("patient_id", "../1"), ("patient_id", ""), ("image_id", "1e9"), ("laterality", "B"), ("cancer", "")],
)
def test_a_hostile_cell_is_named(root: Path, column: str, value: str) -> None:
    set_cell(root / "train.csv", 3, column, value)

    with pytest.raises(DatasetError, match=f"row 3, column '{column}'"):
        RSNA.index(root)


def test_a_link_out_of_the_folder_is_refused(root: Path, tmp_path: Path) -> None:
    victim = root / "train_images" / "10002" / "462822632.dcm"
    victim.rename(tmp_path / "secret.dcm")
    victim.symlink_to(tmp_path / "secret.dcm")

    with pytest.raises(DatasetError, match=r"row 3, column 'image_id': .* leaves the dataset's folder"):
        RSNA.index(root)


def test_it_answers_screening(root: Path) -> None:
    assert RSNA.samples_for(TASKS.get("screening"), root).counts() == {"cancer": 4, "no_cancer": 4}


def test_a_breast_with_two_labels_is_refused(root: Path) -> None:
    set_cell(root / "train.csv", 4, "cancer", 0)
    set_cell(root / "train.csv", 4, "invasive", 0)

    with pytest.raises(DatasetError, match=r"breast '10002 L' is cancer in '462822632' and no_cancer in '462822633'"):
        RSNA.index(root)


def test_it_answers_invasiveness(tmp_path: Path) -> None:
    index = RSNA.samples_for(TASKS.get("invasiveness"), rsna_exams(tmp_path / "rsna"))

    assert index.counts() == {"invasive": 6, "non_invasive": 6, "none": 34}
    whole = RSNA.index(tmp_path / "rsna")
    truth = {sample.sample_id: sample.label for sample in whole.samples}
    assert all((truth[one.sample_id] == "no_cancer") == (one.label == "none") for one in index.samples)


def test_what_is_not_stated_is_missing(tmp_path: Path) -> None:
    index = RSNA.index(rsna_exams(tmp_path / "rsna"))

    by_woman = {sample.patient_id: sample.facts for sample in index.samples}
    assert "age" not in by_woman["20002"]
    assert "density" not in by_woman["20001"]
    assert {name: by_woman["20000"][name] for name in ("age", "density", "implant", "machine", "site")} == {
        "age": "45",
        "density": "A",
        "implant": "0",
        "machine": "29",
        "site": "1",
    }
    assert {facts["machine"] for facts in by_woman.values()} == {"29", "48"}


def test_an_invasive_cancer_without_cancer_is_refused(root: Path) -> None:
    set_cell(root / "train.csv", 1, "invasive", 1)

    with pytest.raises(DatasetError, match="row 1, column 'invasive': an invasive cancer in a breast without cancer"):
        RSNA.index(root)


def test_a_cancer_of_which_it_is_not_said_does_not_answer(root: Path) -> None:
    for row in (3, 4):
        set_cell(root / "train.csv", row, "invasive", "")

    assert RSNA.samples_for(TASKS.get("invasiveness"), root).counts() == {"invasive": 2, "none": 4}
