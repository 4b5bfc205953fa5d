from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import dicom, qin_breast, set_cell

QIN_BREAST = DATASETS.get("qin_breast")
TABLE = "QIN-Breast_TreatmentResponse(2014-12-16).xlsx"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return qin_breast(tmp_path / "qin")


def test_series_of_magnetic_resonance_are_listed_and_others_counted(root: Path) -> None:
    index = QIN_BREAST.index(root)

    assert [(sample.patient_id, sample.facts["series"], sample.facts["visit"]) for sample in index.samples] == [
        ("QIN-BREAST-01-0001", "DWI_EPI_MPS_smartTX", "1"),
        ("QIN-BREAST-01-0001", "dynamic_smartTX", "1"),
        ("QIN-BREAST-01-0001", "dynamic_smartTX", "2"),
        ("QIN-BREAST-01-0002", "dynamic_smartTX", "1"),
    ]
    assert index.samples[0].facts["age"] == "52"
    assert "2 patients of QIN-Breast" in index.notes
    assert "1 series are not of magnetic resonance: left out" in index.notes
    assert f"1 patients have images and no answer in {TABLE}: left out" in index.notes


def test_only_the_first_dynamic_series_answers_the_task(root: Path) -> None:
    answering = QIN_BREAST.samples_for(TASKS.get("response"), root)

    assert [(sample.patient_id, sample.facts["visit"], sample.label) for sample in answering.samples] == [
        ("QIN-BREAST-01-0001", "1", "response"),
        ("QIN-BREAST-01-0002", "1", "no_response"),
    ]


def test_a_series_without_a_date_answers_nothing(root: Path) -> None:
    series = root / "QIN-BREAST" / "QIN-BREAST-01-0002" / "undated"
    dicom(series / "1-001.dcm", Modality="MR", SeriesDescription="dynamic")

    undated = QIN_BREAST.index(root).samples[-1]

    assert undated.patient_id == "QIN-BREAST-01-0002"
    assert "visit" not in undated.facts
    assert "before_treatment" not in undated.facts


def test_a_word_that_is_not_known_is_no_guess(root: Path) -> None:
    set_cell(root / TABLE, 2, "Response", "partial")

    with pytest.raises(DatasetError, match="row 2, column 'Response': 'partial' is none of"):
        QIN_BREAST.index(root)
