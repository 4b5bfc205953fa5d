"""Mammography CAD reports, item by item."""

import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from senoscope.runtime.outputs.dicom.reports.mammography_cad import mammography_cad
from tests.conftest import needs
from tests.makers.dicom_answers import ANSWERS, REFUSAL, subject_of
from tests.runtime.outputs.dicom.conftest import file_of, read_again


def named(parent: Dataset, code: str) -> list[Dataset]:
    """Items of a name right below another."""
    return [
        item
        for item in parent.get("ContentSequence") or []
        if "ConceptNameCodeSequence" in item and item.ConceptNameCodeSequence[0].CodeValue == code
    ]


def value(item: Dataset) -> str:
    """The code that an item has for its value."""
    return str(item.ConceptCodeSequence[0].CodeValue)


@pytest.fixture
def boxed() -> Dataset:
    return read_again(mammography_cad(subject_of("boxed"))[0])


def test_every_box_is_a_single_image_finding_with_its_certainty(boxed: Dataset) -> None:
    (summary,) = named(boxed, "111017")
    findings = [named(one, "111059")[0] for one in named(summary, "111034")]

    assert value(summary) == "111242"
    assert [value(one) for one in findings] == ["111099", "111099"]
    certainties = [named(one, "111012")[0].MeasuredValueSequence[0] for one in findings]
    assert [one.FloatingPointValue for one in certainties] == pytest.approx([91.23456789, 30.0])
    assert {one.MeasurementUnitsCodeSequence[0].CodeValue for one in certainties} == {"%"}
    assert [named(one, "111010")[0].GraphicData for one in findings] == [[25, 32.5], [48, 40]]
    assert named(findings[0], "111041")[0].GraphicData == [10, 20, 40, 20, 40, 45, 10, 45, 10, 20]


def test_coordinates_point_to_the_image_in_the_library(boxed: Dataset) -> None:
    finding = named(named(named(boxed, "111017")[0], "111034")[0], "111059")[0]
    target = named(finding, "111010")[0].ContentSequence[0].ReferencedContentItemIdentifier

    item = boxed
    for place in target[1:]:
        item = item.ContentSequence[place - 1]
    assert item.ValueType == "IMAGE"
    assert item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == subject_of().sources[0].dataset.SOPInstanceUID


def test_the_library_says_side_view_and_spacing(boxed: Dataset) -> None:
    entry = named(boxed, "111028")[0].ContentSequence[0]

    assert value(named(entry, "111027")[0]) == "80248007"
    assert value(named(entry, "111031")[0]) == "399368009"
    assert named(entry, "111026")[0].MeasuredValueSequence[0].FloatingPointValue == pytest.approx(70)


def test_a_view_without_code_is_told_by_its_word_and_an_unknown_one_not_at_all() -> None:
    for word, wanted in (("CC", ["399162004"]), ("ODD", [])):
        subject = subject_of("boxed")
        del subject.sources[0].dataset.ViewCodeSequence
        subject.sources[0].dataset.ViewPosition = word

        entry = named(mammography_cad(subject)[0], "111028")[0].ContentSequence[0]
        assert [value(one) for one in named(entry, "111031")] == wanted


@pytest.mark.parametrize(
    ("answer", "detections", "analyses"),
    [
        ("boxed", "111222", "111225"),
        ("outlined", "111222", "111225"),
        ("classified", "111225", "111222"),
        ("withheld", "111225", "111224"),
    ],
)
def test_it_says_what_was_tried_and_what_was_not(answer: str, detections: str, analyses: str) -> None:
    document = mammography_cad(subject_of(answer))[0]

    assert value(named(document, "111064")[0]) == detections
    assert value(named(document, "111065")[0]) == analyses


def test_a_classifier_s_probability_of_cancer_is_of_the_breast_it_looked_at() -> None:
    (summary,) = named(mammography_cad(subject_of())[0], "111017")

    (chance,) = named(summary, "111047")
    assert value(summary) == "111241"
    assert chance.MeasuredValueSequence[0].FloatingPointValue == pytest.approx(87.31234567890123)
    assert value(named(chance, "272741003")[0]) == "80248007"


def test_a_withheld_answer_is_a_failed_analysis_with_its_reason() -> None:
    document = mammography_cad(subject_of("withheld"))[0]

    (summary,) = named(document, "111017")
    assert value(summary) == "111245"
    assert named(summary, "111047") == []
    assert REFUSAL.message in named(summary, "111033")[0].TextValue
    assert len(named(named(document, "111065")[0], "111024")) == 1


@pytest.mark.parametrize("answer", ANSWERS)
def test_dcmtk_reads_it_without_complaint(answer: str, tmp_path: Path) -> None:
    needs(shutil.which("dsrdump"), "dsrdump is not installed (Debian's dcmtk)")
    (tmp_path / "cad.dcm").write_bytes(file_of(mammography_cad(subject_of(answer))[0]))

    done = subprocess.run(
        ["dsrdump", str(tmp_path / "cad.dcm")], capture_output=True, text=True, errors="replace", check=False
    )

    assert done.returncode == 0
    assert [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("E: ")] == []
