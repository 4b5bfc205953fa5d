"""Folders of files."""

import json
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest

from senoscope.core.errors import MissingFileError, UsageError
from senoscope.core.io.deidentify import Key, Outcome, Settings, deidentify, report
from senoscope.core.io.deidentify.marking import IMPLEMENTATION
from tests.makers import grey, pil_bytes
from tests.makers.private_dicom import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    REPORT,
    SECONDARY,
    SECRETS,
    ULTRASOUND,
    dicom_bytes,
    patient,
    with_jpeg,
    with_pixels,
    written,
)

KEY = Key(b"k" * 32)


def run(tmp_path: Path, files: dict[str, bytes], settings: Settings | None = None) -> dict[str, Outcome]:
    for name, content in files.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = deidentify(tmp_path / "in", tmp_path / "out", KEY, settings)
    return {one.source.relative_to(tmp_path / "in").as_posix(): one for one in found}


def only(tmp_path: Path, content: bytes, settings: Settings | None = None) -> Path:
    [found] = run(tmp_path, {"Musterfrau.dcm": content}, settings).values()
    assert found.target is not None, found.reason
    return tmp_path / "out" / found.target


def results(tmp_path: Path) -> Sequence[Path]:
    return sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_nothing_of_the_patient_is_in_the_file(tmp_path: Path, syntax: str) -> None:
    content = dicom_bytes(with_pixels(patient(), written("x")), syntax, preamble=b"Erika")

    path = only(tmp_path, content, Settings(keep_dates=True))

    found = pydicom.dcmread(path)
    plain = dicom_bytes(pydicom.dcmread(path), EXPLICIT).replace(b"KRANKENHAUS", b"") if syntax == DEFLATED else b""
    for held in (path.read_bytes(), plain):
        assert [secret for secret in SECRETS if secret.encode() in held] == []
    assert b"KRANKENHAUS" not in path.read_bytes()
    assert path.read_bytes()[:128] == bytes(128)
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.file_meta.ImplementationClassUID == IMPLEMENTATION
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
    assert found.pixel_array.astype("u1").tobytes() == written("x").tobytes()


def test_files_are_named_by_their_new_uids(tmp_path: Path) -> None:
    path = only(tmp_path, dicom_bytes(patient()))

    found = pydicom.dcmread(path)
    assert path.relative_to(tmp_path / "out").parts == (
        found.StudyInstanceUID,
        found.SeriesInstanceUID,
        f"{found.SOPInstanceUID}.dcm",
    )


@pytest.mark.parametrize(
    ("settings", "codes", "dates"),
    [
        (Settings(), ["113100"], "REMOVED"),
        (Settings(keep_dates=True, retain=("patient",)), ["113100", "113108", "113107"], "MODIFIED"),
    ],
)
def test_an_object_says_what_was_done(tmp_path: Path, settings: Settings, codes: list[str], dates: str) -> None:
    found = pydicom.dcmread(only(tmp_path, dicom_bytes(patient()), settings))

    assert found.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in found.DeidentificationMethodCodeSequence] == codes
    assert {code.CodingSchemeDesignator for code in found.DeidentificationMethodCodeSequence} == {"DCM"}
    assert found.LongitudinalTemporalInformationModified == dates
    assert "BurnedInAnnotation" not in found


@pytest.mark.parametrize(("answer", "after"), [("YES", "YES"), (None, None)])
def test_a_search_for_words_is_no_proof(tmp_path: Path, answer: str | None, after: str | None) -> None:
    one = with_pixels(patient(SECONDARY, Modality="OT"), written("Erika"))
    if answer:
        one.BurnedInAnnotation = answer

    found = pydicom.dcmread(only(tmp_path, dicom_bytes(one), Settings(clean_pixels=True)))

    assert found.get("BurnedInAnnotation") == after
    assert [code.CodeValue for code in found.DeidentificationMethodCodeSequence] == ["113100"]


def test_blanking_outside_the_regions_is_claimed(tmp_path: Path) -> None:
    item = pydicom.Dataset()
    item.RegionLocationMinX0 = item.RegionLocationMinY0 = 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 100, 100
    one = with_pixels(patient(ULTRASOUND, Modality="US", BurnedInAnnotation="YES"), written("Erika"))
    one.SequenceOfUltrasoundRegions = [item]

    found = pydicom.dcmread(only(tmp_path, dicom_bytes(one), Settings(clean_pixels=True)))

    assert found.BurnedInAnnotation == "NO"
    assert [code.CodeValue for code in found.DeidentificationMethodCodeSequence] == ["113100", "113101"]


def test_words_in_a_compressed_frame_are_silenced(tmp_path: Path) -> None:
    path = only(tmp_path, dicom_bytes(with_jpeg(patient(), written("x"), b"Erika"), JPEG))

    assert b"Erika" not in path.read_bytes()
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == JPEG


def test_what_cannot_be_made_safe_is_not_copied_and_the_rest_goes_on(tmp_path: Path) -> None:
    screen = with_pixels(patient(SECONDARY, number=2), written("Erika"))
    directory = patient(number=5)
    directory.add_new(0x00041220, "SQ", [])
    content_item = pydicom.Dataset()
    content_item.TextValue = "Erika"
    files = {
        "a/good.dcm": dicom_bytes(patient()),
        "screen.dcm": dicom_bytes(screen),
        "report.dcm": dicom_bytes(patient(REPORT, number=3, ContentSequence=[content_item])),
        "document.dcm": dicom_bytes(patient("1.2.840.10008.5.1.4.1.1.104.1", number=4)),
        "DICOMDIR": dicom_bytes(directory),
        "nameless.dcm": dicom_bytes(patient(number=6))[:300],
        "remote.dcm": dicom_bytes(patient(number=7, PixelDataProviderURL="http://pacs.example")),
        "notes.txt": b"Erika Musterfrau",
        "picture.png": pil_bytes(grey(), "PNG"),
    }

    found = run(tmp_path, files)

    statuses = {name: one.status for name, one in found.items()}
    assert statuses.pop("a/good.dcm") == "written"
    assert statuses.pop("notes.txt") == statuses.pop("picture.png") == "not DICOM"
    assert set(statuses.values()) == {"not copied"}
    assert all(found[name].reason and found[name].hint for name in statuses)
    assert found["screen.dcm"].hint.startswith("--clean-pixels")
    assert len(results(tmp_path)) == 1


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    files = {"one.dcm": dicom_bytes(patient()), "two.dcm": dicom_bytes(patient(number=2))}
    run(tmp_path, files)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in results(tmp_path)}
    (next(iter(before)).with_suffix(".part")).write_bytes(b"left by a run that was killed")

    again = run(tmp_path, files)

    assert [one.status for one in again.values()] == ["already there"] * 2
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in results(tmp_path)} == before


def test_another_object_of_the_same_uid_is_not_overwritten(tmp_path: Path) -> None:
    first, second = dicom_bytes(patient()), dicom_bytes(patient(Manufacturer="Other"))

    found = run(tmp_path, {"a.dcm": first, "b.dcm": second})

    assert [one.status for one in found.values()] == ["written", "not copied"]
    assert pydicom.dcmread(results(tmp_path)[0]).Manufacturer == "Maker"
    assert len(results(tmp_path)) == 1


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: object, *_: object, **__: object) -> None:
        getattr(file, "write")(b"half")  # noqa: B009
        raise OSError(28, "No space left on device")

    content = dicom_bytes(patient())
    monkeypatch.setattr("pydicom.filewriter.dcmwrite", fail)

    [found] = run(tmp_path, {"one.dcm": content}).values()

    assert (found.status, found.reason) == ("not copied", "no space left on device")
    assert results(tmp_path) == []


@pytest.mark.parametrize(("source", "dest"), [("in", "in"), ("in", "in/out"), ("in/a", "in")])
def test_folders_within_each_other_are_refused(tmp_path: Path, source: str, dest: str) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)

    with pytest.raises(UsageError, match="within each other"):
        deidentify(tmp_path / source, tmp_path / dest, KEY)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        deidentify(tmp_path / "in", tmp_path / "out", KEY)


def test_one_file_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "one.dcm").write_bytes(dicom_bytes(with_pixels(patient(), written("x")), tail=b"Erika Musterfrau"))

    [found] = deidentify(tmp_path / "one.dcm", tmp_path / "out", KEY)

    assert found.notes == ("data behind the dataset were dropped",)


def test_the_report_holds_no_value(tmp_path: Path) -> None:
    files = {
        "Musterfrau/one.dcm": dicom_bytes(patient(SoftwareVersions="for Erika")),
        "Musterfrau/screen.dcm": dicom_bytes(with_pixels(patient(SECONDARY, number=2), written("Erika"))),
        "Erika.txt": b"Erika",
    }

    found = run(tmp_path, files)

    told = report(list(found.values()), Settings())
    text = json.dumps(told)
    assert [secret for secret in SECRETS if secret in text] == []
    assert told["counts"] == {"written": 1, "not copied": 1, "not DICOM": 1}
    assert [row["status"] for row in told["files"]] == ["written", "not copied"]
    rows = {(row["tag"], row["action"]): row for row in told["actions"]}
    assert rows["(0010,0010)", "pseudonym"]["name"] == "Patient's Name"
    assert rows["(0018,1020)", "swept"] == {
        "tag": "(0018,1020)",
        "name": "Software Versions",
        "action": "swept",
        "elements": 1,
        "files": 1,
    }
    assert rows["private", "removed"]["elements"] == 1
