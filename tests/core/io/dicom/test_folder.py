"""Folders and DICOMDIRs as patients, studies, series and files."""

import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from senoscope.core.errors import MissingFileError, UnreadableImageError
from senoscope.core.io import find_images
from senoscope.core.io.dicom import Archive, scan
from tests import makers
from tests.makers import dicom_files
from tests.makers.dicom_files import dicom_bytes


def _file(path: Path, number: int, **attributes: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = {"SOPInstanceUID": f"1.2.{number}", "InstanceNumber": number, "PatientID": "a"}
    ids |= {"StudyInstanceUID": "1.3", "SeriesInstanceUID": "1.4"}
    path.write_bytes(dicom_bytes(makers.grey(), **{**ids, **attributes}))
    return path


def _directory(folder: Path, *names: list[str]) -> Path:
    found = Dataset()
    found.SOPClassUID = MediaStorageDirectoryStorage
    records = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what breaks the standard is made on purpose
        for name in names:
            record = Dataset()
            record.DirectoryRecordType = "IMAGE"
            record.ReferencedFileID = name
            records.append(record)
    found.DirectoryRecordSequence = records
    path = folder / "DICOMDIR"
    data = dicom_files.written(found)
    path.write_bytes(data)
    return path


def _tree(archive: Archive) -> list[tuple[str, list[tuple[str, list[tuple[str, list[str]]]]]]]:
    return [
        (
            patient.uid,
            [
                (study.uid, [(series.uid, [file.path.name for file in series.files]) for series in study.series])
                for study in patient.studies
            ],
        )
        for patient in archive.patients
    ]


def test_patients_studies_series_and_files_in_order(tmp_path: Path) -> None:
    _file(tmp_path / "x/3", 3, SeriesNumber=1)
    _file(tmp_path / "x/10", 10, SeriesNumber=1)
    _file(tmp_path / "1", 1, SeriesNumber=1, AcquisitionNumber=2)
    _file(tmp_path / "2", 2, SeriesNumber=1, AcquisitionNumber=1)
    _file(tmp_path / "scout", 4, SeriesInstanceUID="1.9", SeriesNumber=0)
    _file(tmp_path / "late", 5, StudyInstanceUID="1.2", SeriesInstanceUID="1.5", StudyDate="20240102", StudyTime="10")
    _file(tmp_path / "soon", 6, StudyInstanceUID="1.7", SeriesInstanceUID="1.6", StudyDate="20230102", StudyTime="10")
    _file(tmp_path / "other", 7, PatientID="B", SeriesInstanceUID="1.8")

    archive = scan(tmp_path)

    assert _tree(archive) == [
        ("B", [("1.3", [("1.8", ["other"])])]),
        (
            "a",
            [
                ("1.7", [("1.6", ["soon"])]),
                ("1.2", [("1.5", ["late"])]),
                ("1.3", [("1.9", ["scout"]), ("1.4", ["2", "1", "3", "10"])]),
            ],
        ),
    ]
    assert (archive.refused, archive.others, archive.remarks) == ((), 0, ())
    assert archive.patients[0].studies[0].series[0].files[0].facts.columns == 24


def test_what_cannot_be_used_is_listed_with_the_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = _file(tmp_path / "good.dcm", 1)
    (tmp_path / "cut").write_bytes(good.read_bytes()[:300])
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "text.dcm").write_bytes(b"hello" * 50)
    (tmp_path / "readme.txt").write_bytes(b"hello" * 50)
    (tmp_path / ".hidden").write_bytes(b"hello" * 50)
    (tmp_path / "report").write_bytes(dicom_bytes(Modality="SR", SOPInstanceUID="1.2.99"))

    archive = scan(tmp_path)

    assert [one.path.name for one in archive.refused] == ["cut", "empty.dcm", "text.dcm"]
    assert all(str(one.path) in one.error.message and "\n" not in str(one.error) for one in archive.refused)
    assert archive.others == 1
    files = [file for patient in archive.patients for file in patient.studies[0].series[0].files]
    assert {file.path.name: file.facts.frames for file in files} == {"good.dcm": 1, "report": 0}


def test_a_series_of_two_patients_becomes_one_of_each(tmp_path: Path) -> None:
    _file(tmp_path / "1", 1)
    _file(tmp_path / "2", 2, PatientID="b")

    archive = scan(tmp_path)

    assert [patient.uid for patient in archive.patients] == ["a", "b"]
    assert archive.remarks == ("series 1.4 holds files of 2 patients: 'a', 'b'",)


def test_a_series_of_two_studies_is_said(tmp_path: Path) -> None:
    _file(tmp_path / "1", 1)
    _file(tmp_path / "2", 2, StudyInstanceUID="1.33")

    assert scan(tmp_path).remarks == ("series 1.4 holds files of 2 studies",)


def test_an_object_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    first, copy = _file(tmp_path / "1", 1), _file(tmp_path / "2", 1)

    archive = scan(tmp_path)

    assert _tree(archive) == [("a", [("1.3", [("1.4", ["1"])])])]
    assert archive.remarks == (f"{copy}: the same object as {first}, which is taken",)


def test_a_directory_means_the_files_that_it_names(tmp_path: Path) -> None:
    _file(tmp_path / "DISC/IM1", 1)
    _file(tmp_path / "disc2/im2", 2)
    _file(tmp_path / "DISC/IM3", 3)
    path = _directory(tmp_path, ["DISC", "IM1"], ["DISC2", "IM2"], ["DISC", "GONE"])

    archive = scan(path)

    assert _tree(archive) == [("a", [("1.3", [("1.4", ["IM1", "im2"])])])]
    assert [one.error.message for one in archive.refused] == [f"{path}: names a file that is not there: DISC/GONE"]
    # In a folder it is no object of its own.
    assert len(scan(tmp_path).patients[0].studies[0].series[0].files) == 3
    assert len(scan(tmp_path).patients) == 1


@pytest.mark.parametrize(
    "name", [["..", "secret"], ["/etc", "passwd"], ["a/../../secret"], [".", "in"], ["link", "secret"]]
)
def test_a_directory_must_not_point_outside_its_folder(tmp_path: Path, name: list[str]) -> None:
    _file(tmp_path / "secret", 1)
    _file(tmp_path / "disc/in", 2)
    (tmp_path / "disc/link").symlink_to(tmp_path)
    path = _directory(tmp_path / "disc", name, ["in"])

    archive = scan(path)

    assert _tree(archive) == [("a", [("1.3", [("1.4", ["in"])])])]
    assert "names a file outside its folder" in archive.refused[0].error.message


def test_what_is_no_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="no DICOMDIR"):
        scan(_file(tmp_path / "one.dcm", 1))
    (tmp_path / "text").write_bytes(b"hello" * 50)
    with pytest.raises(UnreadableImageError, match="no DICOMDIR"):
        scan(tmp_path / "text")
    with pytest.raises(MissingFileError):
        scan(tmp_path / "nowhere")
    (tmp_path / "DICOMDIR").write_bytes(_directory(tmp_path, ["A"]).read_bytes()[:-20])
    with pytest.raises(UnreadableImageError, match="cut short"):
        scan(tmp_path / "DICOMDIR")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert scan(tmp_path) == Archive(())


def test_a_folder_of_pictures_means_dicom_too(tmp_path: Path) -> None:
    paths = [_file(tmp_path / "IM1", 1), _file(tmp_path / "b.dcm", 2)]
    (tmp_path / "c.dcm").write_bytes(b"broken")

    assert find_images([tmp_path]) == sorted([*paths, tmp_path / "c.dcm"])


def test_ten_thousand_headers_a_minute(tmp_path: Path) -> None:
    data = dicom_bytes(makers.grey(200, 150, deep=True), PatientID="a", PixelSpacing=[0.1, 0.1], WindowCenter=1)
    for number in range(300):
        (tmp_path / f"{number}.dcm").write_bytes(data)

    start = time.perf_counter()
    archive = scan(tmp_path)
    seconds = time.perf_counter() - start

    assert len(archive.remarks) == 299
    assert 300 / seconds * 60 > 10_000
