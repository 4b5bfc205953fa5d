import struct
from contextlib import suppress
from pathlib import Path

import pytest

from senoscope.core.errors import InputError, MissingFileError, UnreadableImageError, UnsupportedImageError
from senoscope.evidence.datasets.headers import LARGEST_HEADER, LONGEST_VALUE, read_header
from tests.makers import coded, dicom

KEYWORDS = ("PatientID", "ImageLaterality", "ViewCodeSequence", "PixelSpacing", "SeriesDescription")


def test_attributes_are_read_as_text(tmp_path: Path) -> None:
    path = dicom(
        tmp_path / "a.dcm",
        PatientID="D1-0001",
        ImageLaterality="L",
        ViewCodeSequence=coded("399162004", "SCT", "cranio-caudal"),
        PixelSpacing=[0.1, 0.2],
    )

    assert read_header(path, KEYWORDS) == {
        "PatientID": "D1-0001",
        "ImageLaterality": "L",
        "ViewCodeSequence": "399162004",
        "PixelSpacing": "0.1\\0.2",
        "SeriesDescription": "",
    }


def test_values_become_one_short_line(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", SeriesDescription="a  b\tc" + "x" * 3)
    raw = path.read_bytes()
    assert raw.count(b"a  b\tcxxx") == 1
    path.write_bytes(raw.replace(b"a  b\tcxxx", b"a\x1b[31m\x00bc"))

    said = read_header(path, ("SeriesDescription",))["SeriesDescription"]

    assert said.isprintable()
    assert len(said) <= LONGEST_VALUE


def test_pixels_that_are_not_there_are_not_missed(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", PatientID="p")
    path.write_bytes(path.read_bytes()[:-40])

    assert read_header(path, ("PatientID",)) == {"PatientID": "p"}


@pytest.mark.parametrize("content", [b"", b"<html>", bytes(128) + b"DICX", bytes(200)])
def test_what_is_not_dicom_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.dcm").write_bytes(content)

    with pytest.raises(UnreadableImageError, match="this is not DICOM"):
        read_header(tmp_path / "a.dcm", KEYWORDS)


def test_missing_files_folders_and_deflated_ones_are_refused(tmp_path: Path) -> None:
    for place in (tmp_path / "none.dcm", tmp_path):
        with pytest.raises(MissingFileError):
            read_header(place, KEYWORDS)
    path = dicom(tmp_path / "a.dcm")
    raw = path.read_bytes()
    length = struct.pack("<H", len("1.2.840.10008.1.2.1") + 1)
    old = b"UI" + length + b"1.2.840.10008.1.2.1\0"
    assert raw.count(old) == 1
    path.write_bytes(raw.replace(old, b"UI" + struct.pack("<H", 22) + b"1.2.840.10008.1.2.1.99"))
    with pytest.raises(UnsupportedImageError, match="deflated"):
        read_header(path, KEYWORDS)


@pytest.mark.parametrize("position", range(132, 700, 7))
def test_a_damaged_header_never_ends_in_a_traceback(tmp_path: Path, position: int) -> None:
    path = dicom(tmp_path / "a.dcm", PatientID="p", ViewCodeSequence=coded("1", "SCT", "x"))
    raw = bytearray(path.read_bytes())
    raw[position : position + 3] = b"\xff\xfe\x7f"
    path.write_bytes(raw)

    with suppress(InputError):
        assert set(read_header(path, KEYWORDS)) == set(KEYWORDS)


def test_a_number_of_odd_length_is_damage(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm")
    rows = struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 8)
    raw = path.read_bytes()
    assert raw.count(rows) == 1
    path.write_bytes(raw.replace(rows, struct.pack("<HH2sHHB", 0x28, 0x10, b"US", 3, 8, 0)))

    with pytest.raises(UnreadableImageError, match="a damaged DICOM header"):
        read_header(path, ("Rows",))


def test_only_the_start_of_a_file_is_read(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", PatientID="p")
    with path.open("r+b") as file:
        file.truncate(LARGEST_HEADER * 64)  # sparse

    assert read_header(path, ("PatientID",)) == {"PatientID": "p"}


def test_real_files_are_read_or_refused(data_root: Path) -> None:
    found = refused = 0
    for path in sorted((data_root / "dicom").rglob("*.dcm")):
        try:
            said = read_header(path, ("Modality", "PatientID"))
        except InputError:
            refused += 1
            continue
        found += bool(said["Modality"])
    assert found > 70
    assert refused < 25
