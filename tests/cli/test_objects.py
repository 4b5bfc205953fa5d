"""`senoscope predict --dicom … --fhir …`."""

import json
from dataclasses import replace
from pathlib import Path

import highdicom  # noqa: F401
import numpy as np
import pytest
from PIL import Image as Pil
from pydicom import dcmread

from senoscope.cli.objects import dicom_source, objects_asked
from senoscope.core.errors import InputError, UsageError
from senoscope.runtime.outputs.dicom import read_report
from tests.cli.conftest import Command
from tests.makers import ultrasound
from tests.makers.dicom_answers import classified
from tests.makers.dicom_files import dicom_bytes
from tests.makers.dicom_sources import ultrasound_scan

NETWORKS = {classified().bundle: "ab" * 32}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan ä.dcm"
    ultrasound_scan().save_as(path, enforce_file_format=True)
    return path


def test_files_of_the_kinds_asked_for_are_written(scan: Path, tmp_path: Path) -> None:
    objects = objects_asked("sr, gsps,sr", "r4b", tmp_path / "out", NETWORKS)
    assert objects is not None

    written = objects.write(replace(classified(), source=str(scan)))

    kinds = [path.name.rpartition("_")[2] for path in written]
    assert kinds == ["sr.dcm", "gsps.dcm", "fhir.json"]
    assert read_report(dcmread(written[0])).label == "malignant"
    assert json.loads(written[2].read_text(encoding="utf-8"))["resourceType"] == "Bundle"


def test_a_second_run_writes_over_the_first(scan: Path, tmp_path: Path) -> None:
    objects = objects_asked("sr,kos", "r5", tmp_path / "out", NETWORKS)
    assert objects is not None

    runs = [objects.write(replace(classified(), source=str(scan))) for _ in range(2)]

    assert runs[0] == runs[1]
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_kind_that_cannot_be_leaves_no_half_of_an_answer(scan: Path, tmp_path: Path) -> None:
    objects = objects_asked("sr,cad", "", tmp_path / "out", NETWORKS)
    assert objects is not None

    with pytest.raises(UsageError, match="of mammograms"):
        objects.write(replace(classified(), source=str(scan)))
    assert not (tmp_path / "out").exists()


def test_a_picture_that_is_no_dicom_image_is_said_to_be_none(tmp_path: Path) -> None:
    Pil.fromarray(ultrasound(1)).save(tmp_path / "scan.png")
    objects = objects_asked("", "r5", tmp_path, NETWORKS)
    assert objects is not None

    assert dicom_source(tmp_path / "scan.png") is None
    with pytest.raises(InputError, match="is no DICOM image"):
        objects.write(replace(classified(), source=str(tmp_path / "scan.png")))


def test_a_still_is_answered_all_the_same(senoscope: Command, bundle: Path, tmp_path: Path) -> None:
    Pil.fromarray(ultrasound(1)).save(tmp_path / "scan.png")
    out = tmp_path / "out"

    done = senoscope("predict", "ultrasound", tmp_path / "scan.png", "--bundle", bundle, "--out", out, "--dicom", "sr")

    assert done.status == 1
    assert "scan.png: nothing written for the archive" in done.err
    assert (out / "predictions.txt").is_file()
    assert list(out.glob("*.dcm")) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dicom", "sr"), "no folder is named"),
        (("--dicom", "srr", "--out", "out"), "did you mean: sr"),
        (("--fhir", "r3", "--out", "out"), "no FHIR release 'r3'"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_read(
    options: tuple[str, ...], message: str, senoscope: Command, bundle: Path, tmp_path: Path
) -> None:
    done = senoscope("predict", "ultrasound", tmp_path / "nowhere.png", "--bundle", bundle, *options)

    assert done.status == 2
    assert message in done.err


def test_nothing_asked_is_nothing_to_do(tmp_path: Path) -> None:
    assert objects_asked("", "", tmp_path, NETWORKS) is None


@pytest.mark.parametrize("task", ["auto", "ultrasound"])
def test_answers_to_dicom_are_filed_with_its_study(
    senoscope: Command, bundle: Path, scan: Path, tmp_path: Path, task: str
) -> None:
    out = tmp_path / "out"

    done = senoscope("predict", task, scan, "--bundle", bundle, "--out", out, "--dicom", "sr,sc", "--format", "json")

    assert done.status == 0, done.err
    told = json.loads((out / "predictions.json").read_text("utf-8"))
    (report,), (shown,) = out.glob("*_sr.dcm"), out.glob("*_sc.dcm")
    found, source = dcmread(report), dcmread(scan)
    assert found.StudyInstanceUID == source.StudyInstanceUID == dcmread(shown).StudyInstanceUID
    assert found.PatientID == source.PatientID
    assert read_report(found).probabilities[told["positive"]] == told["probability"]
    assert read_report(found).bundle == "tiny"


def test_a_header_without_preamble_is_read_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    content = dicom_bytes(np.zeros((8, 8), np.uint8), preamble=False, Modality="US", BodyPartExamined="BREAST")
    (tmp_path / "plain.dcm").write_bytes(content)
    (tmp_path / "cut.dcm").write_bytes(content[: content.index(b"BREAST") + 3])

    found = dicom_source(tmp_path / "plain.dcm")
    assert found is not None
    assert (found.Modality, found.BodyPartExamined) == ("US", "BREAST")
    with pytest.raises(InputError, match=r"cut\.dcm: "):
        dicom_source(tmp_path / "cut.dcm")
