"""Words in pixels are blanked, the rest stays."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from senoscope.core.errors import ImageTooLargeError, UnsupportedImageError
from senoscope.core.io.deidentify.kinds import shows_words
from senoscope.core.io.deidentify.pictures import pixels
from senoscope.core.io.deidentify.pictures.pixels import clean_pixels
from tests.makers import ultrasound
from tests.makers.private_dicom import (
    BIG,
    EXPLICIT,
    JPEG,
    MAMMOGRAM,
    SECONDARY,
    ULTRASOUND,
    patient,
    with_jpeg,
    with_pixels,
    written,
)

WORDS = "Erika MUSTERFRAU"


def stored(one: Dataset) -> NDArray[Any]:
    shape = [one.Rows, one.Columns] + ([3] if one.SamplesPerPixel == 3 else [])
    frames = int(one.get("NumberOfFrames", 1))
    dtype = np.uint8 if one.BitsAllocated == 8 else np.dtype("<u2")
    size = int(np.prod(shape)) * frames
    return np.frombuffer(one.PixelData, dtype)[:size].reshape([frames, *shape] if frames > 1 else shape)


def region(left: int, top: int, right: int, bottom: int) -> Dataset:
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
    return item


def test_words_outside_the_regions_go_and_the_regions_stay() -> None:
    picture = ultrasound(1)
    picture[:40] = written(WORDS, shape=(40, 320))
    one = with_pixels(patient(ULTRASOUND, Modality="US"), picture)
    one.SequenceOfUltrasoundRegions = [region(10, 60, 309, 250)]

    found = clean_pixels(one, EXPLICIT)

    after = stored(one)
    assert found.regions
    assert found.share > 0.3
    assert not after[:60].any()
    same = (after[60:251, 10:310] == picture[60:251, 10:310]).mean()
    assert same > 0.9


@pytest.mark.parametrize("corners", [None, (0, 0, 319, 255), (9, 9, 3, 3)], ids=str)
def test_regions_that_say_nothing_are_no_proof(corners: tuple[int, int, int, int] | None) -> None:
    one = with_pixels(patient(ULTRASOUND, Modality="US"), ultrasound(1))
    one.SequenceOfUltrasoundRegions = [region(*corners)] if corners else []

    assert not clean_pixels(one, EXPLICIT).regions


@pytest.mark.parametrize("deep", [False, True])
def test_words_in_a_secondary_capture_go(deep: bool) -> None:
    picture = written(WORDS).astype(np.uint16 if deep else np.uint8)
    one = with_pixels(patient(SECONDARY, Modality="OT"), picture)

    found = clean_pixels(one, EXPLICIT)

    assert found.lines >= 1
    assert not found.regions
    assert stored(one).astype(float).sum() < 0.03 * picture.astype(float).sum()


def test_colour_frames_of_a_film_are_cleaned_alike() -> None:
    words = written(WORDS)
    film = np.stack([words, words, np.zeros_like(words)])
    one = with_pixels(patient(ULTRASOUND, Modality="US"), film)

    clean_pixels(one, EXPLICIT)

    assert stored(one).astype(float).sum() < 0.03 * film.astype(float).sum()


def test_colour_is_written_as_rgb() -> None:
    picture = np.zeros((120, 320, 3), np.uint8)
    picture[..., 0] = written(WORDS)
    picture[100:, :, 2] = 90
    one = with_pixels(patient(SECONDARY, Modality="OT"), picture)

    clean_pixels(one, EXPLICIT)

    assert one.PhotometricInterpretation == "RGB"
    assert stored(one)[..., 0].sum() < 0.03 * picture[..., 0].sum()
    assert (stored(one)[100:, :, 2] == 90).all()


def test_compressed_pixels_are_written_without_compression() -> None:
    one = with_jpeg(patient(SECONDARY, Modality="OT"), written(WORDS), b"Erika")

    clean_pixels(one, JPEG)

    assert not one["PixelData"].is_undefined_length
    assert len(one.PixelData) == 120 * 320
    assert b"Erika" not in one.PixelData
    assert (stored(one) > 128).mean() < 0.001


def test_inverted_grey_is_blanked_with_white() -> None:
    one = with_pixels(patient(SECONDARY, Modality="OT"), 255 - written(WORDS))
    one.PhotometricInterpretation = "MONOCHROME1"

    clean_pixels(one, EXPLICIT)

    assert (stored(one) == 255).mean() > 0.99


def test_big_endian_words_are_turned_round() -> None:
    one = with_pixels(patient(SECONDARY, Modality="OT"), written(WORDS).astype(">u2"))
    one.set_original_encoding(False, False)
    one.RedPaletteColorLookupTableData = b"\x01\x02"
    one["RedPaletteColorLookupTableData"].VR = "OW"

    clean_pixels(one, BIG)

    assert one.RedPaletteColorLookupTableData == b"\x02\x01"
    assert stored(one).max() <= 255


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"Rows": 0}, UnsupportedImageError),
        ({"PixelData": b"ab"}, UnsupportedImageError),
        ({"Rows": 65_535, "Columns": 65_535, "NumberOfFrames": "65535"}, ImageTooLargeError),
    ],
)
def test_pixels_that_do_not_fit_are_refused(changes: dict[str, Any], error: type) -> None:
    one = with_pixels(patient(SECONDARY), written("x"))
    for name, value in changes.items():
        setattr(one, name, value)

    with pytest.raises(error):
        clean_pixels(one, EXPLICIT)


def test_the_bound_is_on_what_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "LARGEST", 1_000)

    with pytest.raises(ImageTooLargeError, match="its pixels come to more"):
        clean_pixels(with_pixels(patient(SECONDARY), written("x")), EXPLICIT)


@pytest.mark.parametrize(
    ("sop_class", "values", "expected"),
    [
        (ULTRASOUND, {"Modality": "US"}, True),
        (SECONDARY, {"Modality": "MG"}, True),
        (f"{SECONDARY}.4", {"Modality": "MG"}, True),
        (MAMMOGRAM, {}, False),
        (MAMMOGRAM, {"BurnedInAnnotation": "YES"}, True),
        (MAMMOGRAM, {"Modality": "OT"}, True),
        (ULTRASOUND, {"Modality": "US", "BurnedInAnnotation": "NO"}, False),
        ("1.2.840.10008.5.1.4.1.1.77.1.6", {"Modality": "SM"}, False),
    ],
)
def test_some_kinds_are_known_to_show_words(sop_class: str, values: dict[str, Any], expected: bool) -> None:
    one = with_pixels(patient(sop_class, **values), written("x"))

    assert shows_words(one, sop_class) is expected
    del one.PixelData
    assert not shows_words(one, sop_class)
