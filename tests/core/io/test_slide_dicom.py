"""DICOM whole slides: levels, µm per pixel and pixels, from a file or a folder; and those that are broken."""

from pathlib import Path

import numpy as np
import openslide
import pydicom
import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.errors import InputError, UnreadableImageError
from senoscope.core.io.slide import find_slides, is_slide, open_slide
from senoscope.core.io.slide_openslide import OpenSlideReader
from senoscope.runtime.slides.plan import make_grid
from tests.makers import tissue
from tests.makers.dicom_slides import dicom_slide

WIDTH, HEIGHT = 300, 200
PIXELS = tissue(WIDTH, HEIGHT)


@pytest.mark.parametrize("jpeg", [False, True])
def test_a_dicom_slide_is_read(tmp_path: Path, jpeg: bool) -> None:
    files = dicom_slide(tmp_path / "slide", PIXELS, jpeg=jpeg)

    for path in files:
        with open_slide(path) as reader:
            assert isinstance(reader, OpenSlideReader)
            assert reader.maker == "dicom" == openslide.OpenSlide.detect_format(path)
            assert [level.size for level in reader.levels] == [Size(300, 200), Size(150, 100)]
            assert [level.downsample for level in reader.levels] == [(1, 1), (2, 2)]
            assert [level.tile for level in reader.levels] == [Size(64, 64)] * 2
            assert reader.microns == pytest.approx((0.5, 0.5))
            found = reader.region(0, Box(40, 30, 200, 150)).astype(int)
            half = reader.region(1, Box(0, 0, 150, 100)).astype(int)
        bound = 40 if jpeg else 0
        assert (
            np.abs(found - PIXELS[30:180, 40:240]).max() <= bound or np.abs(found - PIXELS[30:180, 40:240]).mean() < 6
        )
        assert jpeg or np.array_equal(half, np.asarray(Pil.fromarray(PIXELS).reduce(2)))


def test_a_folder_of_levels_is_one_slide(tmp_path: Path) -> None:
    files = dicom_slide(tmp_path / "slide", PIXELS, levels=3)

    assert [is_slide(path) for path in files] == [True] * 3
    assert find_slides([tmp_path]) == [files[0]]
    with open_slide(find_slides([tmp_path])[0]) as reader:
        assert len(reader.levels) == 3


def test_a_slide_that_does_not_say_its_resolution_takes_what_is_said(tmp_path: Path) -> None:
    files = dicom_slide(tmp_path / "slide", PIXELS, mpp=None)

    with open_slide(files[0]) as reader:
        assert reader.microns is None
        with pytest.raises(InputError, match="does not say how many µm") as caught:
            make_grid(reader, 8.0, Size(50, 50))
    assert "--mpp" in caught.value.hint
    with open_slide(files[0], 0.25) as reader:
        assert reader.microns == (0.25, 0.25)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("jpeg", [False, True])
def test_a_dicom_slide_that_is_cut_short_is_one_clear_line(tmp_path: Path, share: float, jpeg: bool) -> None:
    files = dicom_slide(tmp_path / "slide", PIXELS, levels=1, jpeg=jpeg)
    content = files[0].read_bytes()
    files[0].write_bytes(content[: int(share * len(content))])

    with pytest.raises(UnreadableImageError, match="damaged or cut short") as caught, open_slide(files[0]) as reader:
        reader.region(0, Box(0, 0, WIDTH, HEIGHT))

    assert "\n" not in caught.value.message


def test_a_frame_that_does_not_decode_is_one_clear_line(tmp_path: Path) -> None:
    (path,) = dicom_slide(tmp_path / "slide", PIXELS, levels=1, jpeg=True)
    content = bytearray(path.read_bytes())
    start = content.rindex(b"\xff\xd8\xff")
    content[start : start + 200] = bytes(200)
    path.write_bytes(content)

    with pytest.raises(UnreadableImageError, match="damaged or cut short"), open_slide(path) as reader:
        reader.region(0, Box(0, 0, WIDTH, HEIGHT))


def test_fewer_frames_than_said_are_one_clear_line(tmp_path: Path) -> None:
    (path,) = dicom_slide(tmp_path / "slide", PIXELS, levels=1)
    one = pydicom.dcmread(path)
    one.NumberOfFrames = 7
    one.PixelData = one.PixelData[: 7 * 64 * 64 * 3]
    one.save_as(path)

    with pytest.raises(InputError) as caught, open_slide(path) as reader:
        reader.region(0, Box(0, 0, WIDTH, HEIGHT))

    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
