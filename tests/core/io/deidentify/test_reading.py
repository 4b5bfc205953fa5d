"""Files as they come, and files that mean harm."""

import struct
import time
from pathlib import Path

import pytest

from senoscope.core.errors import (
    ImageTooLargeError,
    InputError,
    NotDicomError,
    UnreadableImageError,
    UnsupportedImageError,
)
from senoscope.core.io.deidentify import reading, scan
from senoscope.core.io.deidentify.reading import read_dataset
from tests.makers.private_dicom import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    deflate_bomb,
    dicom_bytes,
    element,
    nested,
    patient,
    raw_file,
    with_pixels,
    written,
)


def read(tmp_path: Path, content: bytes) -> reading.Read:
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_dataset(path)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("tail", [b"", b"\0" * 64, b"Musterfrau, Erika"])
def test_a_file_is_read_without_its_tail(tmp_path: Path, syntax: str, tail: bytes) -> None:
    content = dicom_bytes(with_pixels(patient(), written("x")), syntax, tail=b"" if syntax == DEFLATED else tail)

    found = read(tmp_path, content)

    assert found.syntax == syntax
    assert found.dataset.PatientID == "PID-4711"
    assert found.dataset.PixelData == written("x").tobytes()
    assert found.tail == (0 if syntax == DEFLATED else len(tail))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_file_without_preamble_or_head_is_read(tmp_path: Path, syntax: str) -> None:
    content = dicom_bytes(patient(), syntax)[132:]
    length = struct.unpack_from("<L", content, 8)[0]

    assert read(tmp_path, content).dataset.PatientID == "PID-4711"
    assert read(tmp_path, content[12 + length :]).dataset.PatientID == "PID-4711"


@pytest.mark.parametrize("content", [b"", b"short", b"%PDF-1.7 and so on", b"\x89PNG\r\n\x1a\n" + bytes(200)])
def test_other_files_are_not_dicom(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotDicomError):
        read(tmp_path, content)


def test_a_file_cut_short_anywhere_is_refused_or_shorter(tmp_path: Path) -> None:
    whole = with_pixels(patient(), written("x", shape=(20, 20), size=8))
    content, refused = dicom_bytes(whole), 0
    for length in range(140, len(content), 37):
        try:
            found = read(tmp_path, content[:length])
        except InputError:
            refused += 1
        else:
            assert len(found.dataset) < len(whole)

    assert refused > 10


LYING = element(0x00081030, b"LO", b"Erika", 60_000)
OVER = element(0x00081140, b"SQ", struct.pack("<HHL", 0xFFFE, 0xE000, 400), 8)
STRAY = element(0x00081140, b"SQ", b"abcdefgh")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (LYING, UnreadableImageError),
        (OVER, UnreadableImageError),
        (STRAY, UnreadableImageError),
        (nested(5_000), UnsupportedImageError),
        (nested(33), UnsupportedImageError),
    ],
    ids=["lying length", "item over its sequence", "no item", "very deep", "deep"],
)
def test_a_lying_file_ends_in_one_line(tmp_path: Path, body: bytes, error: type[InputError]) -> None:
    with pytest.raises(error) as raised:
        read(tmp_path, raw_file(body))

    assert "\n" not in str(raised.value)
    assert raised.value.hint


def test_an_element_larger_than_the_bound_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "LARGEST_ELEMENT", 100)

    with pytest.raises(ImageTooLargeError, match=r"\(0009,1001\) is too large"):
        read(tmp_path, raw_file(element(0x00091001, b"UN", bytes(200))))


def test_sequences_as_deep_as_the_bound_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, raw_file(nested(scan.DEEPEST))).dataset[0x00081140].VR == "SQ"


def test_a_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "LARGEST_INFLATED", 20_000_000)
    bomb, start = deflate_bomb(100_000_000), time.monotonic()

    with pytest.raises(ImageTooLargeError, match="inflates to more than 20 MB"):
        read(tmp_path, bomb)

    assert time.monotonic() - start < 5


def test_a_flood_of_elements_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MOST_ELEMENTS", 1_000)
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0)

    with pytest.raises(ImageTooLargeError, match="1,000 elements"):
        read(
            tmp_path, raw_file(element(0x00081140, b"SQ", item * 2_000)[:8] + struct.pack("<L", 16_000) + item * 2_000)
        )


@pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2", "1.2.3", "1.2.840.10008.1.2.8.1"])
def test_a_syntax_that_is_not_known_is_refused(tmp_path: Path, syntax: str) -> None:
    with pytest.raises(UnsupportedImageError, match="not known"):
        read(tmp_path, raw_file(element(0x00081030, b"LO", b"Erika "), syntax))


def test_a_deflated_file_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError):
        read(tmp_path, dicom_bytes(patient(), DEFLATED)[:-40])
