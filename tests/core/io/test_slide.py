"""Whole slides without OpenSlide: levels, regions, thumbnails, deep-zoom tiles, and files that are broken."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.errors import (
    ImageTooLargeError,
    InputError,
    MissingExtraError,
    MissingFileError,
    UnreadableImageError,
    UnsupportedImageError,
    UsageError,
)
from senoscope.core.io.slide import find_slides, is_slide, open_slide
from senoscope.core.io.slide_tiff import TiffReader
from tests.makers import slide_file, tissue

WIDTH, HEIGHT = 500, 340
PIXELS = tissue(WIDTH, HEIGHT)


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    return slide_file(tmp_path / "slide.tif", PIXELS)


def test_levels_and_microns_are_read(slide: Path) -> None:
    with TiffReader(str(slide)) as reader:
        assert [level.size for level in reader.levels] == [Size(500, 340), Size(250, 170), Size(125, 85)]
        assert [level.downsample for level in reader.levels] == [(1, 1), (2, 2), (4, 4)]
        assert reader.levels[0].tile == Size(64, 64)
        assert reader.microns == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(
    ("compression", "tile", "below"), [("zlib", 64, True), ("lzw", 32, False), (None, None, False)]
)
def test_regions_are_the_pixels_that_were_written(
    tmp_path: Path, compression: str | None, tile: int | None, below: bool
) -> None:
    path = slide_file(tmp_path / "slide.tif", PIXELS, compression=compression, tile=tile, below=below)

    with TiffReader(str(path)) as reader:
        assert len(reader.levels) == 3
        assert np.array_equal(reader.region(0, Box(37, 61, 200, 130)), PIXELS[61:191, 37:237])
        half = np.asarray(Pil.fromarray(PIXELS).reduce(2))
        assert np.array_equal(reader.region(1, Box(0, 0, 250, 170)), half)


def test_what_lies_outside_is_white(slide: Path) -> None:
    with TiffReader(str(slide)) as reader:
        found = reader.region(0, Box(-10, 330, 30, 20))
        away = reader.region(0, Box(600, 0, 4, 4))

    assert (found[:, :10] == 255).all()
    assert (found[10:] == 255).all()
    assert np.array_equal(found[:10, 10:], PIXELS[330:, :20])
    assert (away == 255).all()


def test_a_region_too_large_is_refused(slide: Path) -> None:
    with TiffReader(str(slide)) as reader, pytest.raises(ImageTooLargeError, match="cannot be read at once"):
        reader.region(0, Box(0, 0, 10_000, 10_000))


def test_scaling_down_takes_the_mean_block_by_block(slide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = np.asarray(Pil.fromarray(PIXELS).reduce(4))[5:45, 10:90]

    with TiffReader(str(slide)) as reader:
        whole = reader.scaled(0, Box(10, 5, 80, 40), (4.0, 4.0))
        monkeypatch.setattr("senoscope.core.io.slide_base._BLOCK", 64)
        parts = reader.scaled(0, Box(10, 5, 80, 40), (4.0, 4.0))

    assert np.abs(whole.astype(int) - expected).max() <= 1
    assert np.array_equal(whole, parts)


@pytest.mark.parametrize("side", [1, 33, 125, 400, 5000])
def test_a_thumbnail_has_the_side_that_was_asked_for(slide: Path, side: int) -> None:
    with TiffReader(str(slide)) as reader:
        small = reader.thumbnail(side)

    assert max(small.shape[:2]) == min(side, WIDTH)
    assert abs(float(small.mean()) - float(PIXELS.mean())) < 6


def test_deep_zoom_tiles_make_the_slide(slide: Path) -> None:
    with TiffReader(str(slide)) as reader:
        zoom = reader.zooms - 1
        rows = [np.hstack([reader.zoom_tile(zoom, column, row, 128, 0) for column in range(4)]) for row in range(3)]
        smallest = reader.zoom_tile(0, 0, 0)
        overlapping = reader.zoom_tile(zoom, 1, 1, 128, 1)

    assert zoom == 9
    assert np.array_equal(np.vstack(rows), PIXELS)
    assert smallest.shape == (1, 1, 3)
    assert np.array_equal(overlapping, PIXELS[127:257, 127:257])


@pytest.mark.parametrize("place", [(10, 0, 0), (-1, 0, 0), (9, 4, 0), (9, 0, 3), (9, -1, 0)])
def test_a_deep_zoom_tile_that_is_not_there_is_refused(slide: Path, place: tuple[int, int, int]) -> None:
    with TiffReader(str(slide)) as reader, pytest.raises(InputError, match="there is no"):
        reader.zoom_tile(*place, 128, 0)


def test_the_coarsest_level_that_is_fine_enough(slide: Path) -> None:
    with TiffReader(str(slide)) as reader:
        assert [reader.level_for(scale) for scale in (0.5, 1, 1.9, 2, 3.99, 4, 100)] == [0, 0, 0, 1, 2, 2, 2]


def test_grey_becomes_three_channels(tmp_path: Path) -> None:
    path = slide_file(tmp_path / "grey.tif", PIXELS[..., 1])

    with TiffReader(str(path)) as reader:
        found = reader.region(0, Box(5, 5, 50, 50))

    assert np.array_equal(found, np.repeat(PIXELS[5:55, 5:55, 1:2], 3, axis=2))


def test_one_level_is_enough(tmp_path: Path) -> None:
    path = slide_file(tmp_path / "one.tif", PIXELS, levels=1)

    with open_slide(path) as reader:
        assert len(reader.levels) == 1
        assert reader.thumbnail(50).shape == (34, 50, 3)


@pytest.mark.parametrize(
    ("description", "microns"),
    [
        ("Aperio Image Library v11\n500x340 |AppMag = 40|MPP = 0.2520|Left = 1", 0.252),
        ("Aperio |MPP = 0.0|", None),
        (
            '<OME><Pixels PhysicalSizeX="0.25" PhysicalSizeY="0.25" PhysicalSizeXUnit="µm"/></OME>',
            0.25,
        ),
        ('<OME><Pixels PhysicalSizeX="nan" PhysicalSizeY="1e99"/></OME>', None),
    ],
)
def test_microns_by_the_description(tmp_path: Path, description: str, microns: float | None) -> None:
    path = tmp_path / "slide.tif"
    text = description.encode()
    with tifffile.TiffWriter(path) as file:
        file.write(PIXELS, tile=(64, 64), photometric="rgb", description=text, metadata=None)

    with TiffReader(str(path)) as reader:
        assert reader.microns == (None if microns is None else (microns, microns))


@pytest.mark.parametrize("mpp", [None, 353.0, 0.001])
def test_microns_that_no_slide_has_are_none(tmp_path: Path, mpp: float | None) -> None:
    path = slide_file(tmp_path / "slide.tif", PIXELS, mpp=mpp)

    with open_slide(path) as reader:
        assert reader.microns is None
    with open_slide(path, 0.25) as reader:
        assert reader.microns == (0.25, 0.25)


def test_what_the_file_says_is_not_overridden(slide: Path) -> None:
    with open_slide(slide, 0.25) as reader:
        assert reader.microns == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize("mpp", [0.0, -1.0, 1e6, float("nan")])
def test_microns_that_make_no_sense_are_a_usage_error(slide: Path, mpp: float) -> None:
    with pytest.raises(UsageError, match="µm per pixel"):
        open_slide(slide, mpp)


def test_a_tile_that_was_left_out_is_glass(tmp_path: Path) -> None:
    path = slide_file(tmp_path / "slide.tif", PIXELS, levels=1)
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages.first.tags["TileByteCounts"]
        counts = list(tag.value)
        counts[0] = 0
        tag.overwrite(counts)

    with TiffReader(str(path)) as reader:
        found = reader.region(0, Box(0, 0, 128, 64))

    assert (found[:, :64] == 255).all()
    assert np.array_equal(found[:, 64:], PIXELS[:64, 64:128])


@pytest.mark.parametrize("compression", ["zlib", "jpeg"])
def test_a_truncated_tile_is_one_clear_line(tmp_path: Path, compression: str) -> None:
    path = slide_file(tmp_path / "slide.tif", PIXELS, levels=1, compression=compression)
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages.first.dataoffsets[9], file.pages.first.databytecounts[9]
    content = bytearray(path.read_bytes())
    content[offset + count // 2 : offset + count] = bytes(count - count // 2)
    path.write_bytes(content)

    with TiffReader(str(path)) as reader:
        reader.region(0, Box(0, 0, 64, 64))
        with pytest.raises(UnreadableImageError, match="damaged or cut short at tile 9 of level 0"):
            reader.region(0, Box(0, 0, WIDTH, HEIGHT))


def test_a_file_that_is_cut_short_is_one_clear_line(slide: Path) -> None:
    content = slide.read_bytes()
    said: list[str] = []
    for share in (0.001, 0.01, 0.2, 0.5, 0.8, 0.95):
        slide.write_bytes(content[: max(1, int(share * len(content)))])
        try:
            with open_slide(slide) as reader:
                for level, one in enumerate(reader.levels):
                    reader.region(level, Box(0, 0, one.size.width, one.size.height))
        except InputError as error:
            said.append(error.message)

    assert len(said) >= 5
    assert all(str(slide) in message and "\n" not in message for message in said)


def test_flipped_bytes_never_give_a_traceback(slide: Path) -> None:
    content, random = slide.read_bytes(), np.random.default_rng(3)
    said: list[str] = []
    for _ in range(60):
        broken = bytearray(content)
        for place in random.integers(0, len(content), 12):
            broken[place] = random.integers(256)
        # Directories lie at the end, where a flip does the most harm.
        broken[-int(random.integers(1, 400))] = random.integers(256)
        slide.write_bytes(broken)
        try:
            with open_slide(slide) as reader:
                reader.thumbnail(64)
        except InputError as error:
            said.append(error.message)

    assert said
    assert all(str(slide) in message and "\n" not in message for message in said)


def test_sixteen_bits_and_other_colours_are_refused(tmp_path: Path) -> None:
    deep, cmyk = tmp_path / "deep.tif", tmp_path / "cmyk.tif"
    tifffile.imwrite(deep, np.zeros((64, 64, 3), np.uint16), photometric="rgb", tile=(16, 16))
    tifffile.imwrite(cmyk, np.zeros((64, 64, 4), np.uint8), photometric="separated", tile=(16, 16))

    for path, why in ((deep, "16-bit"), (cmyk, "colour model")):
        with pytest.raises(UnsupportedImageError, match=why):
            TiffReader(str(path))


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.svs").touch()

    with pytest.raises(MissingFileError, match="no such file"):
        open_slide(tmp_path / "absent.svs")
    with pytest.raises(UnreadableImageError, match="not a file"):
        open_slide(tmp_path)
    with pytest.raises(UnreadableImageError, match="empty"):
        open_slide(tmp_path / "empty.svs")


def test_without_openslide_a_pyramid_is_read_and_the_rest_names_the_extra(
    slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openslide", None)
    foreign = tmp_path / "slide.mrxs"
    foreign.write_bytes(b"\xff\xd8\xff\xe0" + bytes(200))

    with open_slide(slide) as reader:
        assert isinstance(reader, TiffReader)
        assert np.array_equal(reader.region(0, Box(0, 0, 64, 64)), PIXELS[:64, :64])
    with pytest.raises(MissingExtraError) as caught:
        open_slide(foreign)
    assert caught.value.hint == "pip install 'senoscope[slide]'"


def test_which_files_are_slides(tmp_path: Path) -> None:
    slides = [
        slide_file(tmp_path / "pyramid.tif", PIXELS, mpp=None),
        slide_file(tmp_path / "one level.tiff", PIXELS, levels=1),
        tmp_path / "broken.svs",
    ]
    slides[2].write_bytes(b"nothing of the kind")
    stills = [
        slide_file(tmp_path / "tiled still.tif", PIXELS, levels=1, mpp=None),
        slide_file(tmp_path / "still.tif", PIXELS, levels=1, tile=None),
        tmp_path / "still.png",
        tmp_path / "absent.tif",
    ]
    Pil.fromarray(PIXELS).save(stills[2])

    assert [is_slide(path) for path in slides] == [True, True, True]
    assert [is_slide(path) for path in stills] == [False] * 4
    assert find_slides([tmp_path]) == sorted(slides)
    assert find_slides([slides[1], stills[0], stills[3]]) == [slides[1]]


def test_a_hidden_slide_and_a_circle_of_links_are_passed_over(tmp_path: Path, slide: Path) -> None:
    slide_file(tmp_path / ".hidden.tif", PIXELS)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "back").symlink_to(tmp_path)

    assert find_slides([tmp_path]) == [slide]


def test_real_slides_are_read(data_root: Path) -> None:
    with TiffReader(str(data_root / "slides" / "cmu_small_region.svs")) as reader:
        assert reader.size == Size(2220, 2967)
        assert reader.microns == (0.499, 0.499)
        assert reader.levels[0].tile == Size(240, 240)
        assert 200 < reader.thumbnail(256).mean() < 250
    with TiffReader(str(data_root / "slides" / "tcga-cr-7395-01a-01-ts1.svs")) as reader:
        assert [level.size for level in reader.levels] == [Size(4443, 3567), Size(2221, 1783)]
        assert reader.microns is None


def test_a_real_slide_that_is_broken_is_refused(data_root: Path) -> None:
    pytest.importorskip("openslide", reason="without it the slide may be of a kind that needs it")
    with pytest.raises(UnsupportedImageError, match="not a slide of any known kind"):
        open_slide(data_root / "slides" / "broken.svs")
