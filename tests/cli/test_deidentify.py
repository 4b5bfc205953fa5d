"""`senoscope deidentify`."""

import json
from pathlib import Path

import pydicom
import pytest
import typer
from typer.testing import CliRunner, Result

from senoscope.cli.deidentify import REPORT, deidentify
from senoscope.core.errors import UsageError
from tests.makers.private_dicom import SECONDARY, SECRETS, dicom_bytes, patient, with_pixels, written

app = typer.Typer()
app.command()(deidentify)


def run(folder: Path, *words: str) -> Result:
    (folder / "key").write_bytes(b"k" * 32)
    asked = [str(folder / "in"), str(folder / "out"), "--key", str(folder / "key"), *words]
    return CliRunner().invoke(app, asked, catch_exceptions=False)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.dcm").write_bytes(dicom_bytes(patient()))
    (tmp_path / "in" / "2.dcm").write_bytes(dicom_bytes(with_pixels(patient(SECONDARY, number=2), written("Erika"))))
    (tmp_path / "in" / "notes.txt").write_text("Erika")
    return tmp_path


def objects(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted((folder / "out").rglob("*.dcm"))]


def test_a_study_is_deidentified_and_reported(study: Path) -> None:
    done = run(study, "--clean-pixels", "--keep-dates", "shift", "--retain", "patient")

    assert done.exit_code == 0
    assert "2 written; 1 other files left alone" in done.stdout
    assert "shifted" in done.stdout
    assert [secret for secret in SECRETS if secret in done.stdout] == []
    found = json.loads((study / "out" / REPORT).read_text())
    assert found["options"] == {"keep_dates": "shift", "clean_pixels": True, "retain": ["patient"]}
    assert {one.PatientAge for one in objects(study)} == {"062Y"}
    assert len({one.StudyDate for one in objects(study)}) == 1


def test_what_is_not_copied_is_said_and_the_status_is_1(study: Path) -> None:
    done = run(study)

    assert done.exit_code == 1
    assert "1 written, 1 not copied" in done.stdout
    assert "--clean-pixels looks for words" in done.stdout
    assert len(objects(study)) == 1


def test_a_second_run_keeps_what_is_there(study: Path) -> None:
    run(study, "--clean-pixels")
    before = (study / "out" / REPORT).read_text()

    done = run(study, "--clean-pixels")

    assert "2 already there" in done.stdout
    assert json.loads((study / "out" / REPORT).read_text())["actions"] == json.loads(before)["actions"]


@pytest.mark.parametrize("words", [["--profile", "advanced"], ["--keep-dates", "all"], ["--retain", "uids"]])
def test_what_there_is_not_is_a_usage_error(study: Path, words: list[str]) -> None:
    assert run(study, *words).exit_code == 2


def test_a_key_among_the_results_is_refused(study: Path) -> None:
    with pytest.raises(UsageError, match="among the results"):
        run(study, "--key", str(study / "out" / "key"))
