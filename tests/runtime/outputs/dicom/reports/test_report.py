"""Structured reports: written and read back; where regions lie; what a withheld answer keeps to itself."""

import dataclasses
import shutil
import subprocess
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from pydicom.dataset import Dataset

from senoscope.core.domain.boxes import BoxPrediction
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.domain.prediction import ExamPrediction, Prediction, ViewPrediction
from senoscope.core.errors import InputError
from senoscope.runtime.outputs.dicom import Subject, read_report
from senoscope.runtime.outputs.dicom.reports.report import in_space, report, report_3d
from tests.conftest import needs
from tests.makers.dicom_answers import ANSWERS, subject_of
from tests.makers.dicom_sources import SOURCES, mammogram
from tests.runtime.outputs.dicom.conftest import file_of, read_again

SAID = ("task", "bundle", "version", "probabilities", "probability", "positive", "operating_point", "threshold")


def exam_of(subject: Subject) -> Subject:
    """The same answer, to two views of a breast."""
    one = cast(Prediction, subject.answer)
    shown = {
        field.name: getattr(one, field.name) for field in dataclasses.fields(ViewPrediction) if field.name != "share"
    }
    fields = dataclasses.fields(ExamPrediction)
    said = {field.name: getattr(one, field.name) for field in fields if field.name not in ("views", "missing")}
    views = tuple(ViewPrediction(**shown, share=share) for share in (0.3, 0.7))
    answer = ExamPrediction(**said, views=views, missing=())
    other = dataclasses.replace(subject.sources[0], dataset=mammogram("L", "CC", 2))
    return dataclasses.replace(subject, answer=answer, sources=(subject.sources[0], other))


@pytest.mark.parametrize("write", [report, report_3d])
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("source", SOURCES)
def test_read_back_it_says_what_was_answered(write: object, answer: str, source: str) -> None:
    subject = subject_of(answer, source)
    assert callable(write)

    found = read_report(read_again(write(subject)[0]))

    said = subject.answer
    assert {name: getattr(found, name) for name in SAID} == {name: getattr(said, name) for name in SAID}
    assert found.label == (None if said.abstained else said.label)
    assert found.prevalence == said.prevalence
    assert found.trust == said.trust
    assert found.sha256 == subject.sha256
    assert found.images == (subject.sources[0].dataset.SOPInstanceUID,)


def test_boxes_read_back_are_those_that_were_found() -> None:
    subject = subject_of("boxed")
    boxes = cast(BoxPrediction, subject.answer).boxes

    found = read_report(read_again(report(subject)[0])).regions

    assert [(one.box, one.label, one.probability) for one in found] == [
        (one.box, one.label, one.score) for one in boxes
    ]
    assert {one.image for one in found} == {subject.sources[0].dataset.SOPInstanceUID}


def test_outlines_read_back_have_the_boxes_of_their_regions() -> None:
    subject = subject_of("outlined", "US")
    regions = cast(OutlinePrediction, subject.answer).regions

    found = read_report(read_again(report(subject)[0])).regions

    assert [(one.box, one.label, one.probability) for one in found] == [
        (one.box, one.label, one.probability) for one in regions
    ]


def test_a_withheld_answer_has_no_label_no_region_and_a_probability_by_another_name() -> None:
    plain, withheld = (report(subject_of(answer))[0] for answer in ("classified", "withheld"))

    assert "111047" in codes_in(plain)
    assert "121071" in codes_in(plain)
    assert not codes_in(withheld) & {"111047", "121071"}
    assert {"withheld", "abstention"} <= codes_in(withheld)


def test_of_an_exam_every_image_is_named() -> None:
    subject = exam_of(subject_of())

    document = report(subject)[0]

    named = document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    wanted = [source.dataset.SOPInstanceUID for source in subject.sources]
    assert [one.ReferencedSOPInstanceUID for one in named] == wanted
    assert read_report(document).images == tuple(wanted)


def test_a_region_of_an_image_with_a_place_is_in_millimetres_of_the_patient() -> None:
    subject = subject_of("boxed", "MR")
    image = subject.sources[0].dataset

    region = read_report(read_again(report_3d(subject)[0])).regions[0]

    # Rows run along y and columns against z, 0.7 mm a pixel; the first pixel's middle is at the image's position.
    x, y, z = (float(part) for part in image.ImagePositionPatient)
    assert np.allclose(region.corners[0], [x, y + (10 - 0.5) * 0.7, z - (20 - 0.5) * 0.7], atol=1e-4)
    assert region.image == ""


def test_a_region_of_an_image_without_a_place_stays_in_pixels() -> None:
    subject = subject_of("boxed", "MG")

    assert in_space(subject.sources[0], np.zeros((1, 2), np.float32)) is None
    assert read_report(report_3d(subject)[0]).regions[0].box == cast(BoxPrediction, subject.answer).boxes[0].box


def test_a_document_of_others_is_refused() -> None:
    document = report(subject_of())[0]
    document.ContentSequence = document.ContentSequence[:2]

    with pytest.raises(InputError, match="no report of Senoscope"):
        read_report(document)


@pytest.mark.parametrize("answer", ANSWERS)
def test_dcmtk_reads_it_without_complaint(answer: str, tmp_path: Path) -> None:
    needs(shutil.which("dsrdump"), "dsrdump is not installed (Debian's dcmtk)")
    (tmp_path / "report.dcm").write_bytes(file_of(report(subject_of(answer))[0]))

    done = subprocess.run(
        ["dsrdump", str(tmp_path / "report.dcm")], capture_output=True, text=True, errors="replace", check=False
    )

    assert done.returncode == 0
    assert [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("E: ")] == []


def codes_in(document: Dataset) -> set[str]:
    """Every code of a document."""
    return {str(element.value) for element in document.iterall() if element.keyword in ("CodeValue", "LongCodeValue")}
