"""Grey levels as the modality meant them, number by number, beside pydicom's own tables and windows."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian

from senoscope.core.domain.image import Image
from senoscope.core.errors import UnreadableImageError
from senoscope.core.io import read_bytes
from tests.makers import dicom_files
from tests.makers.dicom_files import dicom_bytes, lut

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def _shown(pixels: NDArray[Any] = RAMP, **attributes: Any) -> Image:
    return read_bytes(dicom_bytes(pixels, **{"BitsStored": 12, **attributes}), "picture")


def test_without_anything_numbers_are_levels() -> None:
    image = _shown()

    assert (image.maximum, image.notes) == (4095, ("no window in the file: the whole range of 12 bits is shown",))
    np.testing.assert_array_equal(image.pixels, RAMP)


def test_eight_bits_need_no_window() -> None:
    image = _shown(RAMP.astype(np.uint8), BitsStored=8)

    assert (image.maximum, image.notes) == (255, ())


@pytest.mark.parametrize(
    "attributes",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_white_and_black_change_places_once(attributes: dict[str, Any]) -> None:
    np.testing.assert_array_equal(_shown(**attributes).pixels, 4095 - RAMP)


def test_identity_changes_nothing() -> None:
    np.testing.assert_array_equal(_shown(PresentationLUTShape="IDENTITY").pixels, RAMP)


@pytest.mark.parametrize("function", ["", "LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("center", "width"), [(2048, 4096), (1500.5, 800), (100, 7000), (-200, 50), (2000, 2)])
@pytest.mark.parametrize("signed", [False, True])
def test_windows_are_those_of_pydicom(function: str, center: float, width: float, signed: bool) -> None:
    pixels = (RAMP.astype(np.int16) - 2048) if signed else RAMP
    rest = {"VOILUTFunction": function} if function else {}
    attributes: dict[str, Any] = {"WindowCenter": center, "WindowWidth": width, "BitsStored": 12, **rest}
    rescale: dict[str, Any] = {"RescaleSlope": 2, "RescaleIntercept": -300}
    with np.errstate(over="ignore"):  # of pydicom's sigmoid
        expected = apply_voi_lut(apply_modality_lut(pixels, _with(rescale)), _with(attributes, pixels, **rescale))
    low, high = _ends(signed)

    image = _shown(pixels, **attributes, **rescale)

    share = (expected - low) / (high - low)
    assert image.maximum == 65535
    assert image.notes == ()
    np.testing.assert_allclose(image.pixels / 65535, share, atol=1 / 65535)


def _with(attributes: dict[str, Any], pixels: NDArray[Any] = RAMP, **more: Any) -> Dataset:
    return dicom_files.dicom_object(pixels, **attributes, **more)


def _ends(signed: bool) -> tuple[float, float]:
    """Range of pydicom's results: of the numbers that 12 bits can hold, rescaled."""
    low, high = (-2048, 2047) if signed else (0, 4095)
    return 2 * low - 300, 2 * high - 300


def test_a_window_of_eight_bits_that_changes_nothing() -> None:
    pixels = RAMP.astype(np.uint8)

    image = _shown(pixels, BitsStored=8, WindowCenter=128, WindowWidth=256)

    assert image.maximum == 255
    np.testing.assert_array_equal(image.pixels, pixels)


def test_a_window_of_one_is_a_threshold() -> None:
    pixels = _shown(WindowCenter=1000, WindowWidth=1).pixels

    np.testing.assert_array_equal(pixels, np.where(RAMP >= 1000, 65535, 0))


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100},
        {"WindowCenter": 100, "WindowWidth": -5, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 100, "WindowWidth": 50, "VOILUTFunction": "CUBIC"},
    ],
)
def test_a_window_that_makes_no_sense_is_said(attributes: dict[str, Any]) -> None:
    image = _shown(**attributes)

    assert image.notes == ("the window in the file makes no sense: the whole range is shown",)
    np.testing.assert_array_equal(image.pixels, RAMP)


def test_of_several_windows_the_first_counts() -> None:
    several = _shown(WindowCenter=[1000, 2000], WindowWidth=[500, 4000])

    np.testing.assert_array_equal(several.pixels, _shown(WindowCenter=1000, WindowWidth=500).pixels)


@pytest.mark.parametrize("words", [False, True])
def test_a_table_wins_over_a_window(words: bool) -> None:
    table = np.rint(1023 * (np.arange(3000) / 2999) ** 2).astype(int).tolist()
    both: dict[str, Any] = {
        "VOILUTSequence": lut(table, first=500, bits=10, words=words),
        "WindowCenter": 1,
        "WindowWidth": 2,
    }

    image = _shown(**both)

    assert image.maximum == 1023
    expected = apply_voi_lut(RAMP, dcmread(BytesIO(dicom_bytes(RAMP, **both))))
    np.testing.assert_array_equal(image.pixels, expected)


def test_a_table_in_big_endian() -> None:
    data = dicom_bytes(RAMP, syntax=ExplicitVRBigEndian, BitsStored=12, VOILUTSequence=lut(range(4096)))

    np.testing.assert_array_equal(read_bytes(data, "picture").pixels, RAMP)


def test_a_table_of_numbers_below_zero() -> None:
    pixels = np.array([[-5, -3], [0, 2]], np.int16)

    image = _shown(pixels, BitsStored=16, VOILUTSequence=lut([10, 20, 30, 40], first=-3, bits=8))

    assert (image.maximum, image.pixels.tolist()) == (255, [[10, 10], [40, 40]])


def test_a_table_of_two_entries_a_word() -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4, 0, 8])
    item.add_new("LUTData", "US", [20 * 256 + 10, 40 * 256 + 30])

    image = _shown(np.array([[0, 1, 2, 3]], np.uint8), BitsStored=8, VOILUTSequence=[item])

    assert image.pixels.tolist() == [[10, 20, 30, 40]]


def test_the_modality_has_a_table_too() -> None:
    curve = (np.arange(4096) // 2).tolist()
    modality = lut(curve, bits=11)
    modality[0].ModalityLUTType = "US"

    whole = _shown(ModalityLUTSequence=modality, RescaleSlope=7, RescaleIntercept=1)
    windowed = _shown(ModalityLUTSequence=modality, WindowCenter=1024, WindowWidth=2048)

    assert whole.maximum == 2047
    np.testing.assert_array_equal(whole.pixels, RAMP // 2)
    np.testing.assert_allclose(windowed.pixels / 65535, (RAMP // 2) / 2047, atol=1e-4)


def test_rescaling_alone_changes_no_level() -> None:
    np.testing.assert_array_equal(_shown(RescaleSlope=2.5, RescaleIntercept=-1024).pixels, RAMP)
    np.testing.assert_array_equal(_shown(RescaleSlope=-1, RescaleIntercept=0).pixels, 4095 - RAMP)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("limits", "gone"), [((0, None), [0]), ((5, 3), [3, 4, 5]), ((3, 5), [3, 4, 5])])
def test_what_was_never_measured_is_black(photometric: str, limits: tuple[int, int | None], gone: list[int]) -> None:
    attributes: dict[str, Any] = {"PhotometricInterpretation": photometric, "PixelPaddingValue": limits[0]}
    if limits[1] is not None:
        attributes["PixelPaddingRangeLimit"] = limits[1]
    plain = _shown(PhotometricInterpretation=photometric)

    image = _shown(**attributes)

    np.testing.assert_array_equal(image.pixels, np.where(np.isin(RAMP, gone), 0, plain.pixels))


def test_padding_below_zero() -> None:
    pixels = np.array([[-2000, -1, 0, 1]], np.int16)

    image = _shown(pixels, BitsStored=16, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=-2000)

    assert image.pixels.tolist() == [[0, 32768, 32767, 32766]]


def test_raw_numbers_are_called_so() -> None:
    image = _shown(PresentationIntentType="FOR PROCESSING", WindowCenter=2048, WindowWidth=4096)

    assert image.notes == ("raw numbers for processing, not the picture that is read",)


def test_enhanced_objects_say_it_by_frame(tmp_path: Any) -> None:
    from senoscope.core.io.dicom import read_frame

    shared, transform = Dataset(), Dataset()
    transform.RescaleSlope, transform.RescaleIntercept = 1, -1000
    shared.PixelValueTransformationSequence = [transform]
    frames = []
    for center in (0, 500):
        frame, window = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, 100
        frame.FrameVOILUTSequence = [window]
        frames.append(frame)
    groups: dict[str, Any] = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": frames}
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(dicom_bytes(np.stack([RAMP, RAMP]), frames=2, BitsStored=12, **groups))

    for place, center in enumerate((0, 500)):
        wanted = _shown(RescaleSlope=1, RescaleIntercept=-1000, WindowCenter=center, WindowWidth=100)
        np.testing.assert_array_equal(read_frame(path, place).pixels, wanted.pixels)


@pytest.mark.parametrize(
    "change",
    [{"LUTDescriptor": [9, 0, 12]}, {"LUTDescriptor": [4, 0, 2]}, {"LUTDescriptor": [4, 0]}, {"LUTData": b""}],
)
def test_a_damaged_table_is_refused(change: dict[str, Any]) -> None:
    sequence = lut([1, 2, 3, 4], words=True)
    for keyword, value in change.items():
        sequence[0][keyword].value = value

    with pytest.raises(UnreadableImageError, match=r"table of grey levels .* \(VOILUTSequence\)"):
        _shown(VOILUTSequence=sequence)
