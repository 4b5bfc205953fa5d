"""`senoscope predict auto`, and tasks that are asked about DICOM."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from tests.cli.conftest import Command
from tests.makers import tiny_bundle, ultrasound
from tests.makers.dicom_files import dicom_bytes

SCAN = ultrasound(1, (160, 128))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scan, a mammogram, a picture that is not DICOM."""
    place = tmp_path / "exam"
    place.mkdir()
    (place / "scan.dcm").write_bytes(
        dicom_bytes(SCAN, Modality="US", SeriesInstanceUID="1.2.1", SOPInstanceUID="1.3.1")
    )
    (place / "film.dcm").write_bytes(
        dicom_bytes(SCAN, Modality="MG", SeriesInstanceUID="1.2.2", SOPInstanceUID="1.3.2")
    )
    Pil.fromarray(SCAN).save(place / "still.png")
    return place


def rows(text: str) -> dict[str, dict[str, str]]:
    return {Path(row["file"]).name: row for row in csv.DictReader(io.StringIO(text))}


def test_a_mixed_folder_is_sorted_by_its_headers(senoscope: Command, bundle: Path, folder: Path) -> None:
    done = senoscope("predict", "auto", folder, "--bundle", bundle, "--format", "csv")

    assert done.status == 0
    assert list(rows(done.out)) == ["scan.dcm"]
    assert rows(done.out)["scan.dcm"]["bundle"] == "tiny"
    assert "not asked: 1.2.2, 1 file: no bundle answers for mammography" in done.err
    assert "not asked: 1 files that are not DICOM" in done.err


def test_single_files_and_the_shipped_bundle(senoscope: Command, folder: Path) -> None:
    done = senoscope("predict", "auto", folder / "scan.dcm", "--format", "csv")

    assert done.status == 0
    assert rows(done.out)["scan.dcm"]["bundle"] == "ultrasound"


def test_answers_are_those_of_the_still(senoscope: Command, bundle: Path, folder: Path) -> None:
    words = ("--bundle", bundle, "--format", "csv")
    still = rows(senoscope("predict", "ultrasound", folder / "still.png", *words).out)["still.png"]
    wrapped = rows(senoscope("predict", "auto", folder / "scan.dcm", *words).out)["scan.dcm"]

    assert float(wrapped["probability"]) == pytest.approx(float(still["probability"]), abs=1e-6)


def test_a_task_refuses_dicom_of_another_kind_and_goes_on(senoscope: Command, bundle: Path, folder: Path) -> None:
    done = senoscope("predict", "ultrasound", folder, "--bundle", bundle, "--format", "csv")

    assert done.status == 1
    found = rows(done.out)
    assert "this is MG, and ultrasound is asked about ultrasound" in found["film.dcm"]["warnings"]
    assert all(found[name]["probability"] for name in ("scan.dcm", "still.png"))


def test_overlays_are_written_of_dicom_too(senoscope: Command, bundle: Path, folder: Path, tmp_path: Path) -> None:
    done = senoscope("predict", "auto", folder, "--bundle", bundle, "--out", tmp_path / "out", "--format", "json")

    assert done.status == 0
    assert (tmp_path / "out" / "predictions.json").is_file()
    (overlay,) = (tmp_path / "out").glob("scan_*_evidence.png")
    assert np.asarray(Pil.open(overlay)).shape[:2] == SCAN.shape[:2]


def test_what_makes_no_sense_is_said(senoscope: Command, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, said in (
        (("auto",), "no DICOM file or folder is named"),
        (("auto", folder / "still.png"), "nothing here can be asked about"),
        (("auto", tmp_path / "empty"), "nothing here can be asked about"),
        (("auto", tmp_path / "absent"), "nothing here can be asked about"),
    ):
        done = senoscope("predict", *words)
        assert done.status != 0
        assert said in done.err
