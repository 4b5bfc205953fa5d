"""Slides by OpenSlide, and that the fallback reads the same."""

from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import UnreadableImageError
from senoscope.core.io.slide import open_slide
from senoscope.core.io.slide_openslide import OpenSlideReader
from senoscope.core.io.slide_tiff import TiffReader
from tests.makers import slide_file, tissue

PIXELS = tissue(512, 384)


@pytest.mark.parametrize("compression", ["zlib", "jpeg"])
def test_both_readers_read_the_same(tmp_path: Path, compression: str) -> None:
    path = str(slide_file(tmp_path / "slide.tif", PIXELS, compression=compression))

    with OpenSlideReader(path) as one, TiffReader(path) as other:
        assert one.levels == other.levels
        assert one.microns == other.microns == pytest.approx((0.5, 0.5))
        for level in range(3):
            box = Box(8, 12, 80, 60)
            assert np.array_equal(one.region(level, box), other.region(level, box))


@pytest.mark.parametrize("compression", ["zlib", "jpeg"])
def test_a_plain_pyramid_is_read_by_tifffile_to_the_same_pixels(tmp_path: Path, compression: str) -> None:
    path = slide_file(tmp_path / "slide.tif", PIXELS, compression=compression)

    with open_slide(path) as reader, OpenSlideReader(str(path)) as known:
        assert isinstance(reader, TiffReader)
        assert (reader.levels, reader.microns, reader.maker) == (known.levels, known.microns, known.maker)
        assert np.array_equal(reader.thumbnail(200), known.thumbnail(200))


def test_what_the_two_may_read_differently_is_openslides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rare = slide_file(tmp_path / "rare.tif", PIXELS, compression="packbits")
    plain = slide_file(tmp_path / "plain.tif", PIXELS)
    gaps = slide_file(tmp_path / "gaps.tif", PIXELS)
    with tifffile.TiffFile(gaps, mode="r+") as file:
        tag = file.pages.first.tags["TileByteCounts"]
        tag.overwrite([0, *tag.value[1:]])

    for path in (rare, gaps):
        with open_slide(path) as reader:
            assert isinstance(reader, OpenSlideReader)
    monkeypatch.setattr(TiffReader, "_read", lambda self, level, box: np.zeros((box.height, box.width, 3), np.uint8))
    with open_slide(plain) as reader:
        assert isinstance(reader, OpenSlideReader)


def test_a_tile_that_does_not_decode_is_one_clear_line(tmp_path: Path) -> None:
    path = slide_file(tmp_path / "slide.tif", PIXELS, compression="jpeg", levels=1)
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages.first.dataoffsets[9], file.pages.first.databytecounts[9]
    content = bytearray(path.read_bytes())
    content[offset + count // 2 : offset + count] = b"\xff\xd9" + bytes(count - count // 2 - 2)
    path.write_bytes(content)

    for kind in (OpenSlideReader, TiffReader):
        with kind(str(path)) as reader, pytest.raises(UnreadableImageError, match="damaged or cut short"):
            reader.region(0, Box(0, 0, 512, 384))


def test_real_slides_are_read_alike(data_root: Path) -> None:
    for name in ("cmu_small_region.svs", "tcga-cr-7395-01a-01-ts1.svs"):
        path = str(data_root / "slides" / name)
        with OpenSlideReader(path) as one, TiffReader(path) as other:
            assert one.levels == other.levels
            assert one.microns == other.microns
            assert one.maker == other.maker == "aperio"
            box = Box(700, 900, 600, 500)
            assert np.array_equal(one.region(0, box), other.region(0, box))
            assert np.array_equal(one.thumbnail(200), other.thumbnail(200))


def test_the_library_reads_what_we_read(tmp_path: Path) -> None:
    path = slide_file(tmp_path / "slide.tif", PIXELS)

    with OpenSlideReader(str(path)) as reader:
        found = reader.region(0, Box(100, 50, 64, 64))
    with openslide.OpenSlide(path) as slide:
        expected = np.asarray(slide.read_region((100, 50), 0, (64, 64)).convert("RGB"))

    assert np.array_equal(found, expected)
