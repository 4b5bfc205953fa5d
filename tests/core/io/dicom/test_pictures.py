"""Pictures of every transfer syntax, depth and colour model, and what a still reader makes of them."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from senoscope.core.errors import ImageTooLargeError, UnreadableImageError, UnsupportedImageError, UsageError
from senoscope.core.io import Limits, read, read_bytes
from senoscope.core.io.dicom import read_frame
from tests import makers
from tests.makers import dicom_files
from tests.makers.dicom_files import dicom_bytes

DEEP = makers.grey(24, 16, deep=True)
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, dicom_files.DEFLATED)
COMPRESSED = (
    RLELossless,
    dicom_files.LOSSLESS,
    dicom_files.JPEG_LS,
    dicom_files.JPEG_2000,
    dicom_files.DEFLATED_FRAMES,
)


@pytest.mark.parametrize("syntax", [*NATIVE, *COMPRESSED])
@pytest.mark.parametrize("deep", [False, True])
def test_lossless_levels_are_as_stored(syntax: str, deep: bool) -> None:
    pixels = makers.grey(25, 17, deep=deep)

    image = read_bytes(dicom_bytes(pixels, syntax=syntax), "picture")

    assert image.maximum == (65535 if deep else 255)
    assert image.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize(
    "syntax", [*NATIVE, RLELossless, dicom_files.JPEG_LS, dicom_files.JPEG_2000, dicom_files.DEFLATED_FRAMES]
)
def test_colours_are_as_stored(syntax: str) -> None:
    pixels = makers.colour(25, 17)

    image = read_bytes(dicom_bytes(pixels, syntax=syntax), "picture")

    assert image.maximum == 255
    np.testing.assert_array_equal(image.pixels, pixels)


def test_colours_of_16_bits_and_in_planes() -> None:
    pixels = makers.colour(deep=True)

    for planar in (0, 1):
        image = read_bytes(dicom_bytes(pixels, PlanarConfiguration=planar), "picture")

        assert image.maximum == 65535
        np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize(("syntax", "bits"), [(dicom_files.JPEG, 8), (dicom_files.EXTENDED, 12)])
def test_lossy_levels_are_near(syntax: str, bits: int) -> None:
    rows, columns = np.mgrid[0:32, 0:40]
    smooth = ((rows + columns) * (2**bits - 1) / 72).astype(np.uint8 if bits == 8 else np.uint16)

    image = read_bytes(dicom_bytes(smooth, syntax=syntax, BitsStored=bits), "picture")

    assert image.maximum == 2**bits - 1
    assert np.abs(image.pixels.astype(int) - smooth).max() <= 2


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_files_without_preamble_are_known_by_their_first_elements(syntax: str, preamble: bool) -> None:
    data = dicom_bytes(DEEP, syntax=syntax, preamble=preamble)

    assert (data[128:132] == b"DICM") == preamble
    np.testing.assert_array_equal(read_bytes(data, "picture").pixels, DEEP)


def test_a_preamble_that_is_the_start_of_a_tiff_is_still_dicom() -> None:
    data = b"II*\0" + dicom_bytes(DEEP)[4:]

    np.testing.assert_array_equal(read_bytes(data, "picture").pixels, DEEP)


def test_an_image_knows_its_file(tmp_path: Path) -> None:
    data = dicom_bytes(DEEP)
    path = tmp_path / "scan"
    path.write_bytes(data)

    image = read(path)

    assert (image.source, image.digest) == (str(path), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("stored", [7, 12, 16])
def test_signed_numbers_lie_in_the_middle_of_their_range(stored: int) -> None:
    kind = np.int8 if stored == 7 else np.int16
    low, high = -(2 ** (stored - 1)), 2 ** (stored - 1) - 1
    numbers = np.array([[low, -1], [0, high]], kind)

    image = read_bytes(dicom_bytes(numbers, BitsStored=stored), "picture")

    assert image.maximum == 2**stored - 1
    assert image.pixels.tolist() == [[0, -1 - low], [-low, high - low]]


def test_bits_above_those_that_count_are_left_out() -> None:
    numbers = np.array([[0x0ABC, 0x1ABC], [0xFABC, 0xF000]], np.uint16)

    unsigned = read_bytes(dicom_bytes(numbers, BitsStored=12), "picture")
    signed = read_bytes(dicom_bytes(numbers.view(np.int16), BitsStored=12), "picture")

    assert unsigned.pixels.tolist() == [[0xABC, 0xABC], [0xABC, 0]]
    assert signed.pixels.tolist() == [[0xABC - 2048, 0xABC - 2048], [0xABC - 2048, 2048]]


@pytest.mark.parametrize("syntax", [dicom_files.JPEG_LS, dicom_files.LOSSLESS, dicom_files.JPEG_2000])
def test_codecs_that_know_no_signs_keep_the_bits(syntax: str) -> None:
    numbers = np.array([[-2000, -1, 0, 1896]] * 4, np.int16)
    found = dicom_files.dicom_object(numbers)
    found.PixelData = dicom_files.fragments([dicom_files.ENCODERS[syntax](numbers.view(np.uint16))])
    found["PixelData"].VR, found["PixelData"].is_undefined_length = "OB", True

    image = read_bytes(dicom_files.written(found, syntax), "picture")

    np.testing.assert_array_equal(image.pixels, numbers.astype(int) + 32768)


def test_one_bit_is_black_and_white() -> None:
    found = dicom_files.dicom_object(np.zeros((3, 5), np.uint8), BitsAllocated=1, BitsStored=1)
    bits = np.random.default_rng(0).integers(0, 2, (3, 5), np.uint8)
    found.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    found["PixelData"].VR = "OB"

    image = read_bytes(dicom_files.written(found), "picture")

    assert image.maximum == 255
    np.testing.assert_array_equal(image.pixels, bits * 255)


def test_frames_of_one_bit_start_within_bytes(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (4, 3, 5), np.uint8)
    found = dicom_files.dicom_object(bits, frames=4, BitsAllocated=1, BitsStored=1)
    found.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    found["PixelData"].VR = "OB"
    path = tmp_path / "frames.dcm"
    path.write_bytes(dicom_files.written(found))

    for frame in range(4):
        np.testing.assert_array_equal(read_frame(path, frame).pixels, bits[frame] * 255)


def test_a_palette_is_the_colours_that_the_file_declares() -> None:
    colours = np.random.default_rng(0).integers(0, 65536, (64, 3), dtype=np.uint16)
    codes = np.arange(80, dtype=np.uint8).reshape(8, 10)

    image = read_bytes(dicom_bytes(codes, **dicom_files.palette(colours)), "picture")

    assert image.maximum == 65535
    np.testing.assert_array_equal(image.pixels, colours[np.minimum(codes, 63)])


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, dicom_files.JPEG_LS])
def test_luma_and_chroma_become_colours(syntax: str) -> None:
    stored = np.array([[[76, 85, 255], [150, 44, 21]], [[29, 255, 107], [128, 128, 128]]], np.uint8)

    image = read_bytes(dicom_bytes(stored, syntax=syntax, PhotometricInterpretation="YBR_FULL"), "picture")

    wanted = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [128, 128, 128]]])
    assert np.abs(image.pixels.astype(int) - wanted).max() <= 2


def test_chroma_that_two_pixels_share() -> None:
    found = dicom_files.dicom_object(np.zeros((1, 4, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422")
    found.PixelData = bytes((76, 76, 85, 255, 128, 64, 128, 128))
    found["PixelData"].VR = "OB"

    image = read_bytes(dicom_files.written(found), "picture")

    assert np.abs(image.pixels[0, :2].astype(int) - [255, 0, 0]).max() <= 2
    assert image.pixels[0, 2:].tolist() == [[128] * 3, [64] * 3]


def test_colours_inside_a_jpeg_are_what_the_jpeg_says() -> None:
    pixels = np.full((16, 16, 3), (200, 30, 60), np.uint8)

    for said in ("YBR_FULL_422", "RGB"):
        image = read_bytes(dicom_bytes(pixels, syntax=dicom_files.JPEG, PhotometricInterpretation=said), "picture")

        assert np.abs(image.pixels.astype(int) - pixels).max() <= 3


def test_single_bytes_in_words_of_big_endian() -> None:
    pixels = makers.grey(5, 3)
    found = dicom_files.dicom_object(pixels)
    even = pixels.tobytes() + b"\0"
    found.PixelData = np.frombuffer(even, "<u2").astype(">u2").tobytes()
    found["PixelData"].VR = "OW"

    np.testing.assert_array_equal(read_bytes(dicom_files.written(found, ExplicitVRBigEndian), "picture").pixels, pixels)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, dicom_files.JPEG_2000, dicom_files.JPEG_LS])
def test_several_frames_are_refused_and_read_one_by_one(tmp_path: Path, syntax: str) -> None:
    frames = np.stack([makers.grey(24, 16, deep=True) // (place + 1) for place in range(3)])
    path = tmp_path / "cine.dcm"
    path.write_bytes(dicom_bytes(frames, frames=3, syntax=syntax))

    with pytest.raises(UnsupportedImageError, match="holds 3 frames") as caught:
        read(path)
    assert "one frame" in caught.value.hint
    for place, frame in enumerate(frames):
        np.testing.assert_array_equal(read_frame(path, place).pixels, frame)
    with pytest.raises(UsageError, match="no frame 3 of 3"):
        read_frame(path, 3)
    with pytest.raises(UnreadableImageError, match="not DICOM"):
        read_frame(_png(tmp_path), 0)


def _png(folder: Path) -> Path:
    path = folder / "picture.png"
    path.write_bytes(makers.pil_bytes(makers.grey(), "PNG"))
    return path


def test_one_frame_that_says_so_is_a_still() -> None:
    np.testing.assert_array_equal(read_bytes(dicom_bytes(DEEP[None], frames=1), "picture").pixels, DEEP)


def test_frames_in_several_fragments_are_told_apart(tmp_path: Path) -> None:
    frames = np.stack([makers.grey(24, 16, deep=True) // (place + 1) for place in range(2)])
    coded = [dicom_files.ENCODERS[dicom_files.JPEG_2000](frame) for frame in frames]
    parts = [part for one in coded for part in (one[: len(one) // 4 * 2], one[len(one) // 4 * 2 :])]
    found = dicom_files.dicom_object(frames, frames=2)
    for table in (b"", _offsets(parts)):
        found.PixelData = dicom_files.fragments(parts, table)
        found["PixelData"].VR, found["PixelData"].is_undefined_length = "OB", True
        path = tmp_path / "parts.dcm"
        path.write_bytes(dicom_files.written(found, dicom_files.JPEG_2000))

        for place, frame in enumerate(frames):
            np.testing.assert_array_equal(read_frame(path, place).pixels, frame)


def _offsets(parts: list[bytes]) -> bytes:
    even = [len(part) + len(part) % 2 + 8 for part in parts]
    return np.array([0, even[0] + even[1]], "<u4").tobytes()


def test_the_size_is_bounded_by_the_header() -> None:
    with pytest.raises(ImageTooLargeError, match="24×16"):
        read_bytes(dicom_bytes(DEEP), "picture", Limits(pixels=100))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"PhotometricInterpretation": "CMYK"}, "colour model"),
        ({"PhotometricInterpretation": "RGB"}, "1 numbers a pixel of RGB"),
        ({"BitsAllocated": 12}, "numbers of 12 bits"),
        ({"BitsAllocated": 32, "Columns": 12}, "32 bits"),
    ],
)
def test_what_is_not_taken_says_why(attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedImageError, match=said) as caught:
        read_bytes(dicom_bytes(DEEP, **attributes), "scan.dcm")

    assert caught.value.hint


def test_objects_without_pixels_say_what_they_are() -> None:
    report = dicom_bytes(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")

    with pytest.raises(UnsupportedImageError, match=r"holds no picture \(Basic Text SR Storage\)"):
        read_bytes(report, "report.dcm")


def test_floating_point_is_refused() -> None:
    found = dicom_files.dicom_object(DEEP, BitsAllocated=32, BitsStored=None, PixelRepresentation=None)
    found.FloatPixelData = DEEP.astype(np.float32).tobytes()

    with pytest.raises(UnsupportedImageError, match="floating point"):
        read_bytes(dicom_files.written(found), "map.dcm")
