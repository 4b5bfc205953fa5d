"""Files that lie, break off or blow up: one clear line each, in bounded time and memory."""

import struct
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from senoscope.core.errors import ImageTooLargeError, InputError, UnreadableImageError, UnsupportedImageError
from senoscope.core.io import read, read_bytes
from senoscope.core.io.dicom import read_facts
from tests import makers
from tests.makers import dicom_files
from tests.makers.dicom_files import dicom_bytes, element, fragments, with_element, written

DEEP = makers.grey(24, 16, deep=True)
PLAIN = dicom_bytes(DEEP)
SYNTAXES = (
    *(ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, dicom_files.DEFLATED, RLELossless),
    *(dicom_files.LOSSLESS, dicom_files.JPEG_LS, dicom_files.JPEG_2000, dicom_files.DEFLATED_FRAMES),
)


def _refused(data: bytes, kind: type[InputError], said: str) -> None:
    start = time.perf_counter()
    with pytest.raises(kind, match=said) as caught:
        read_bytes(data, "scan.dcm")
    assert time.perf_counter() - start < 5
    assert caught.value.message.startswith("scan.dcm: ")
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_cut_short_is_refused(syntax: str) -> None:
    data = dicom_bytes(DEEP, syntax=syntax)

    for length in range(132, len(data) - 24, 7):
        with pytest.raises(InputError) as caught:
            read_bytes(data[:length], "scan.dcm")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("syntax", [dicom_files.JPEG, dicom_files.EXTENDED, dicom_files.LOSSLESS, dicom_files.JPEG_LS])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_picture_cut_short_in_a_whole_file_is_refused(syntax: str, share: float) -> None:
    pixels = makers.grey(64, 48) if syntax == dicom_files.JPEG else makers.grey(64, 48, deep=True) // 16
    coded = dicom_files.ENCODERS[syntax](pixels)
    found = dicom_files.dicom_object(pixels, BitsStored=8 if syntax == dicom_files.JPEG else 12)

    _refused(_filled(found, coded[: int(share * len(coded))], syntax), UnreadableImageError, "damaged")


def _filled(found: Any, coded: bytes, syntax: str) -> bytes:
    found.PixelData = fragments([coded])
    found["PixelData"].VR, found["PixelData"].is_undefined_length = "OB", True
    return written(found, syntax)


@pytest.mark.parametrize(
    ("attributes", "kind", "said"),
    [
        ({"Rows": None}, UnreadableImageError, r"does not say its height \(Rows\)"),
        ({"Columns": None}, UnreadableImageError, r"does not say its width \(Columns\)"),
        ({"BitsAllocated": None}, UnreadableImageError, r"\(BitsAllocated\)"),
        ({"Rows": 0}, UnreadableImageError, "24×0 pixels"),
        ({"Rows": 65535, "Columns": 65535}, ImageTooLargeError, "65535×65535"),
        ({"Rows": 17}, UnreadableImageError, "cut short"),
        ({"BitsStored": 17}, UnreadableImageError, "17 of 16 bits"),
        ({"NumberOfFrames": 0}, UnreadableImageError, "'0' frames"),
        ({"NumberOfFrames": -1}, UnreadableImageError, "'-1' frames"),
        ({"NumberOfFrames": 65535**2}, UnsupportedImageError, "holds 4294836225 frames"),
        ({"PhotometricInterpretation": None}, UnsupportedImageError, "no colour model"),
    ],
)
def test_a_header_that_makes_no_sense(attributes: dict[str, Any], kind: type[InputError], said: str) -> None:
    _refused(dicom_bytes(DEEP, **attributes), kind, said)


def test_a_number_of_the_wrong_kind() -> None:
    place = PLAIN.index(b"\x28\x00\x10\x00US")
    hurt = PLAIN[:place] + element(0x00280010, b"LO", 4, b"many") + PLAIN[place + 10 :]

    _refused(hurt, UnreadableImageError, "says 'many' for its height")


@pytest.mark.parametrize("syntax", [dicom_files.JPEG, dicom_files.JPEG_LS, dicom_files.JPEG_2000, RLELossless])
def test_a_file_that_says_it_is_compressed_and_is_not(syntax: str) -> None:
    found = dicom_files.dicom_object(DEEP)
    found.PixelData = DEEP.tobytes()
    found["PixelData"].VR = "OW"
    plain = written(found)

    _refused(_relabelled(plain, ExplicitVRLittleEndian, syntax), UnreadableImageError, "compressed, and they are not")


def test_a_file_that_says_it_is_not_compressed_and_is() -> None:
    data = dicom_bytes(DEEP, syntax=dicom_files.JPEG_2000)

    hurt = _relabelled(data, dicom_files.JPEG_2000, ExplicitVRLittleEndian)

    _refused(hurt, UnreadableImageError, "not compressed, and they are")


@pytest.mark.parametrize(
    ("real", "said", "reason"),
    [
        (dicom_files.JPEG_2000, dicom_files.JPEG, "not the JPEG it says"),
        (dicom_files.LOSSLESS, dicom_files.JPEG_LS, "not the JPEG-LS it says"),
        (dicom_files.JPEG_LS, dicom_files.LOSSLESS, "not the JPEG it says"),
        (dicom_files.LOSSLESS, dicom_files.JPEG_2000, "not the JPEG 2000 it says"),
        (dicom_files.LOSSLESS, RLELossless, "do not decode as RLE"),
        (dicom_files.LOSSLESS, dicom_files.DEFLATED_FRAMES, "do not decode"),
    ],
)
def test_a_lying_transfer_syntax(real: str, said: str, reason: str) -> None:
    _refused(_relabelled(dicom_bytes(DEEP, syntax=real), real, said), UnreadableImageError, reason)


def _relabelled(data: bytes, real: str, said: str) -> bytes:
    """Change the transfer syntax that the meta information names."""
    old, new = (struct.pack("<H", len(uid) + len(uid) % 2) + uid.encode() + bytes(len(uid) % 2) for uid in (real, said))
    (length,) = struct.unpack_from("<I", data, 140)
    changed = data.replace(old, new, 1)
    return changed[:140] + struct.pack("<I", length + len(new) - len(old)) + changed[144:]


@pytest.mark.parametrize("said", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_another_byte_order_or_form_than_said(said: str) -> None:
    hurt = _relabelled(PLAIN, ExplicitVRLittleEndian, said)

    if said == ImplicitVRLittleEndian:  # how it is written shows in its first element
        np.testing.assert_array_equal(read_bytes(hurt, "scan.dcm").pixels, DEEP)
    else:
        with pytest.raises(InputError):
            read_bytes(hurt, "scan.dcm")


@pytest.mark.parametrize("said", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.52", "1.2.3.4", "what\x1b[31m?"])
def test_a_compression_that_nobody_decodes(said: str) -> None:
    hurt = _relabelled(dicom_bytes(DEEP, syntax=dicom_files.JPEG_2000), dicom_files.JPEG_2000, said)

    _refused(hurt, UnsupportedImageError, "is not supported")


@pytest.mark.parametrize("syntax", [dicom_files.LOSSLESS, dicom_files.JPEG_LS, dicom_files.JPEG_2000])
def test_a_codestream_larger_than_the_header_says(syntax: str) -> None:
    found = dicom_files.dicom_object(DEEP)

    large = _filled(found, dicom_files.ENCODERS[syntax](makers.grey(25, 16, deep=True)), syntax)
    _refused(large, UnreadableImageError, "says 24×16 .* picture is 25×16")

    coded = bytearray(dicom_files.ENCODERS[syntax](DEEP))
    if syntax == dicom_files.JPEG_2000:
        struct.pack_into(">II", coded, 8, 60000, 60000)
    else:
        place = coded.index(b"\xff\xf7" if syntax == dicom_files.JPEG_LS else b"\xff\xc3")
        struct.pack_into(">HH", coded, place + 5, 60000, 60000)
    _refused(_filled(found, bytes(coded), syntax), UnreadableImageError, "picture is 60000×60000")


def test_run_lengths_that_never_end() -> None:
    bomb = struct.pack("<16I", 2, 64, 64, *[0] * 13) + b"\x81\x00" * 2_000_000

    _refused(_filled(dicom_files.dicom_object(DEEP), bomb, RLELossless), UnreadableImageError, "do not decode as RLE")


def test_a_frame_that_inflates_without_end_is_cut_at_the_picture() -> None:
    found = dicom_files.dicom_object(np.zeros((16, 24), np.uint16))
    bomb = dicom_files.ENCODERS[dicom_files.DEFLATED_FRAMES](np.zeros(50_000_000, np.uint8))

    image = read_bytes(_filled(found, bomb, dicom_files.DEFLATED_FRAMES), "scan.dcm")

    assert not image.pixels.any()


def test_more_scans_than_anybody_needs() -> None:
    out = BytesIO()
    Pil.fromarray(makers.grey(64, 48)).save(out, "JPEG", progressive=True)
    start = out.getvalue().rindex(b"\xff\xda")
    scan = out.getvalue()[start:-2]
    found = dicom_files.dicom_object(makers.grey(64, 48))

    many = _filled(found, out.getvalue()[:start] + scan * 5000 + b"\xff\xd9", dicom_files.JPEG)

    _refused(many, UnreadableImageError, "more than 200 scans")


def test_fragments_without_end() -> None:
    found = dicom_files.dicom_object(DEEP)
    found.PixelData = fragments([b""] * 150_000)
    found["PixelData"].VR, found["PixelData"].is_undefined_length = "OB", True

    _refused(written(found, dicom_files.JPEG_LS), UnreadableImageError, "more than 100,000 fragments")


def test_frames_that_cannot_be_told_apart() -> None:
    found = dicom_files.dicom_object(np.stack([DEEP, DEEP]), frames=2)
    found.PixelData = fragments([b"abcd"] * 3)
    found["PixelData"].VR, found["PixelData"].is_undefined_length = "OB", True
    data = written(found, dicom_files.JPEG_LS)

    _refused(data, UnsupportedImageError, "holds 2 frames")


@pytest.mark.parametrize("depth", [50, 5000])
def test_sequences_within_sequences(depth: int) -> None:
    _refused(with_element(PLAIN, dicom_files.nested(depth)), InputError, "DICOM")


@pytest.mark.parametrize("length", [10**9, 0x7FFFFFFF, 0xFFFFFFFE])
@pytest.mark.parametrize("tag", [0x00091010, 0x00280106, 0x00283010])
def test_a_value_that_claims_to_be_huge(tag: int, length: int) -> None:
    _refused(with_element(PLAIN, element(tag, b"OB", length, b"abcd")), UnreadableImageError, "cut short")


def test_a_value_that_is_huge_and_wanted() -> None:
    sequence = element(0x00183010, b"SQ", 0)
    huge = element(0x00186011, b"SQ", 6_000_000, bytes(6_000_000))

    _refused(with_element(PLAIN, sequence + huge), ImageTooLargeError, "a value of 6 MB")


def test_a_huge_private_value_is_passed_over() -> None:
    data = with_element(PLAIN, element(0x00091010, b"OB", 50_000_000, bytes(50_000_000)))

    np.testing.assert_array_equal(read_bytes(data, "scan.dcm").pixels, DEEP)


def test_elements_without_end() -> None:
    many = element(0x00091010, b"UN", 0) * 400_000

    _refused(with_element(PLAIN, many), ImageTooLargeError, "elements")


def test_items_without_end() -> None:
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 300_000
    data = with_element(PLAIN, element(0x00186011, b"SQ", len(items), items))

    np.testing.assert_array_equal(read_bytes(data, "scan.dcm").pixels, DEEP)


def test_what_inflates_beyond_the_bound_is_refused_before() -> None:
    _refused(dicom_files.deflate_bomb(300), ImageTooLargeError, "more than 268 MB")


def test_a_billion_bytes_of_private_value_cost_nothing(tmp_path: Path) -> None:
    path, length = tmp_path / "huge.dcm", 1_100_000_000
    place = PLAIN.index(b"\x28\x00\x02\x00US")
    head = PLAIN[:place] + element(0x00091010, b"OB", length)
    with path.open("wb") as file:
        file.write(head)
        file.seek(len(head) + length)  # a hole, which takes no disk
        file.write(PLAIN[place:])

    start = time.perf_counter()
    assert read_facts(path).columns == 24
    with pytest.raises(ImageTooLargeError, match="longer than 1000 MB"):
        read(path)
    assert time.perf_counter() - start < 1


MEASURED = """
import sys, time
from senoscope.core.errors import InputError
from senoscope.core.io import read
for path in sys.argv[1:]:
    start = time.perf_counter()
    try:
        read(path)
        outcome = "read"
    except InputError as error:
        outcome = type(error).__name__
    print(outcome, time.perf_counter() - start)
# Of this program alone: the resource usage of a process counts what it was forked from.
print(int(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))) * 1024 / 1e9)
"""


def test_memory_and_time_are_bounded(tmp_path: Path) -> None:
    hostile = {
        "bomb": dicom_files.deflate_bomb(900),
        "frames": dicom_bytes(DEEP, NumberOfFrames=65535**2),
        "size": dicom_bytes(DEEP, Rows=65535, Columns=65535),
        "nested": with_element(PLAIN, dicom_files.nested(100_000)),
        "elements": with_element(PLAIN, element(0x00091010, b"UN", 0) * 3_000_000),
        "items": with_element(PLAIN, element(0x52009230, b"SQ", 4_000_000, b"\xfe\xff\x00\xe0\0\0\0\0" * 500_000)),
        "inside": with_element(PLAIN, element(0x52009230, b"SQ", 4_000_008, _one_item(500_000))),
    }
    paths = []
    for name, data in hostile.items():
        paths.append(str(tmp_path / name))
        (tmp_path / name).write_bytes(data)

    done = subprocess.run([sys.executable, "-c", MEASURED, *paths], capture_output=True, text=True, check=True)

    *lines, gigabytes = done.stdout.splitlines()
    outcomes = dict(zip(hostile, (line.split()[0] for line in lines), strict=True))
    assert outcomes["bomb"] == outcomes["size"] == outcomes["elements"] == "ImageTooLargeError"
    assert outcomes["frames"] == "UnsupportedImageError"
    assert max(float(line.split()[1]) for line in lines) < 5
    assert float(gigabytes) < 1


def _one_item(elements: int) -> bytes:
    inside = element(0x00091010, b"UN", 0)[:8] * elements
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside


def test_damage_never_raises_anything_else(capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(7)
    outcomes: set[str] = set()
    for syntax in SYNTAXES:
        data = np.frombuffer(dicom_bytes(DEEP, syntax=syntax), np.uint8)
        for _ in range(40):
            hurt = data.copy()
            hurt[random.integers(132, len(data), 3)] = random.integers(0, 256, 3)
            try:
                read_bytes(hurt.tobytes(), "scan.dcm")
                outcomes.add("read")
            except InputError as error:
                outcomes.add(error.code)

    assert {"read", "unreadable_image", "unsupported_image"} <= outcomes
    assert capfd.readouterr() == ("", "")
