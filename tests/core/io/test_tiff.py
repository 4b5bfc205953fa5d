"""TIFF of every kind that is taken, and a clear refusal of the rest."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from senoscope.core.errors import ImageTooLargeError, InputError, UnreadableImageError, UnsupportedImageError
from senoscope.core.io import Limits, read_bytes
from tests import makers

GREY = {"photometric": "minisblack", "planarconfig": "contig"}


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_levels_are_read_as_stored(compression: str | None, deep: bool, colour: bool) -> None:
    pixels = makers.colour(deep=deep) if colour else makers.grey(deep=deep)

    image = read_bytes(makers.tiff_bytes(pixels, compression=compression), "picture")

    assert image.maximum == (65535 if deep else 255)
    assert image.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize(
    "options",
    [
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 5},
        {"predictor": True, "compression": "zlib"},
    ],
    ids=["big-endian", "bigtiff", "tiled", "strips", "predictor"],
)
def test_layouts(options: dict[str, Any]) -> None:
    pixels = makers.grey(64, 48, deep=True)

    image = read_bytes(makers.tiff_bytes(pixels, **options), "picture")

    np.testing.assert_array_equal(image.pixels, pixels)


def test_planes_apart() -> None:
    pixels = makers.colour()

    data = makers.tiff_bytes(np.moveaxis(pixels, -1, 0).copy(), photometric="rgb", planarconfig="separate")

    np.testing.assert_array_equal(read_bytes(data, "picture").pixels, pixels)


@pytest.mark.parametrize("deep", [False, True])
def test_white_is_zero_is_turned(deep: bool) -> None:
    pixels = makers.grey(deep=deep)

    image = read_bytes(makers.tiff_bytes(pixels, photometric="miniswhite"), "picture")

    assert image.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(image.pixels, np.iinfo(pixels.dtype).max - pixels)


@pytest.mark.parametrize("compression", ["raw", "group4", "tiff_lzw"])
def test_one_bit_becomes_0_and_255(compression: str) -> None:
    white = makers.grey() > 99

    image = read_bytes(makers.pil_bytes(Pil.fromarray(white), "TIFF", compression=compression), "picture")

    assert image.maximum == 255
    np.testing.assert_array_equal(image.pixels, np.where(white, 255, 0))


def test_palette_is_the_colour_map_that_the_file_declares() -> None:
    levels = makers.grey() // 16
    palette = np.random.default_rng(0).integers(0, 65536, (3, 256), dtype=np.uint16)

    image = read_bytes(makers.tiff_bytes(levels, photometric="palette", colormap=palette), "picture")

    assert image.maximum == 65535
    np.testing.assert_array_equal(image.pixels, palette.T[levels])


def test_twelve_bits_have_their_own_full_scale() -> None:
    levels = makers.grey(24, 16, deep=True) >> 4
    nibbles = np.stack([levels >> 8, levels >> 4 & 15, levels & 15], axis=-1).reshape(16, -1, 2).astype(np.uint8)
    packed = (nibbles[..., 0] << 4 | nibbles[..., 1]).astype(np.uint8)
    data = bytearray(makers.tiff_bytes(packed))
    with tifffile.TiffFile(BytesIO(bytes(data))) as file:
        tags = {name: file.pages.first.tags[name].valueoffset for name in ("ImageWidth", "BitsPerSample")}
    struct.pack_into("<H", data, tags["ImageWidth"], 24)
    struct.pack_into("<H", data, tags["BitsPerSample"], 12)

    image = read_bytes(bytes(data), "picture")

    assert image.maximum == 4095
    np.testing.assert_array_equal(image.pixels, levels)


@pytest.mark.parametrize("colour", [False, True])
def test_alpha_is_dropped_and_noted(colour: bool) -> None:
    opaque = makers.colour() if colour else makers.grey()[..., None]
    pixels = np.concatenate([opaque, opaque[..., :1]], axis=2)
    photometric = "rgb" if colour else "minisblack"

    image = read_bytes(
        makers.tiff_bytes(pixels, photometric=photometric, extrasamples=["unassalpha"], planarconfig="contig"),
        "picture",
    )

    assert image.notes == ("transparency dropped",)
    np.testing.assert_array_equal(image.pixels, np.squeeze(opaque))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_exif(orientation: int) -> None:
    exif = makers.png_chunk(b"eXIf", makers.exif_block(orientation).removeprefix(b"Exif\0\0"))
    expected = read_bytes(makers.png_bytes(makers.grey(), 0, 8, exif), "picture")

    image = read_bytes(makers.tiff_bytes(makers.grey(), extratags=[(274, 3, 1, orientation, True)]), "picture")

    assert image.notes == expected.notes
    np.testing.assert_array_equal(image.pixels, expected.pixels)


@pytest.mark.parametrize(
    ("pixels", "options", "said"),
    [
        (makers.grey().astype(np.float32), {}, "floating point, which declares no full scale \\("),
        (np.full((4, 4), np.nan, np.float32), {}, "not numbers"),
        (makers.grey().astype(np.int16), {}, "16-bit signed"),
        (makers.grey().astype(np.uint32), {}, "32-bit"),
        (np.repeat(makers.grey()[..., None], 4, axis=2), {"photometric": "separated"}, "CMYK"),
        (
            np.repeat(makers.grey()[..., None], 5, axis=2),
            {"photometric": "minisblack", "planarconfig": "contig"},
            "5 channels",
        ),
        (np.stack([makers.grey()] * 3), {"photometric": "minisblack"}, "several pictures"),
        (makers.colour(), {"photometric": "cielab"}, "colour model"),
        (makers.grey(), {"compression": "jpeg"}, "compression"),
    ],
    ids=["float", "nan", "signed", "32-bit", "cmyk", "channels", "pages", "lab", "jpeg"],
)
def test_what_is_not_taken_says_why(pixels: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedImageError, match=said) as caught:
        read_bytes(makers.tiff_bytes(pixels, **options), "scan.tif")

    assert caught.value.hint


def test_a_thumbnail_beside_the_picture_is_no_second_picture() -> None:
    out = BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(makers.grey())
        writer.write(makers.grey(6, 4), subfiletype=1)

    np.testing.assert_array_equal(read_bytes(out.getvalue(), "picture").pixels, makers.grey())


def test_imagej_stack_is_several_pictures() -> None:
    data = makers.tiff_bytes(np.stack([makers.grey()] * 3), imagej=True)

    with pytest.raises(UnsupportedImageError, match="several pictures"):
        read_bytes(data, "stack.tif")


def test_size_is_bounded_by_the_header() -> None:
    data = makers.tiff_bytes(np.zeros((300, 400), np.uint8), compression="zlib")

    with pytest.raises(ImageTooLargeError, match="400×300"):
        read_bytes(data, "picture", Limits(pixels=100_000))


def test_tiles_are_bounded_too() -> None:
    data = makers.tiff_bytes(makers.grey(16, 16), tile=(512, 512), compression="zlib")

    with pytest.raises(ImageTooLargeError, match="512×512"):
        read_bytes(data, "picture", Limits(pixels=100_000))


def test_a_strip_that_inflates_beyond_its_rows_is_refused() -> None:
    data = makers.tiff_bytes(np.zeros((16, 24), np.uint8), compression="zlib")
    swollen = zlib.compress(bytes(10_000_000), 9)
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages.first
        start, entry = page.dataoffsets[0], page.tags["StripByteCounts"].offset
    hurt = bytearray(data[:start] + swollen)
    struct.pack_into("<HHII", hurt, entry, 279, 4, 1, len(swollen))

    with pytest.raises(UnreadableImageError):
        read_bytes(bytes(hurt), "picture")


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_a_file_cut_short_is_refused(compression: str | None) -> None:
    data = makers.tiff_bytes(makers.grey(deep=True), compression=compression)

    for length in range(4, len(data), 5):
        with pytest.raises(UnreadableImageError):
            read_bytes(data[:length], "picture")


def test_damage_never_raises_anything_of_the_decoders(capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(7)
    data = np.frombuffer(makers.tiff_bytes(makers.colour(), compression="lzw"), np.uint8)
    outcomes: set[type] = set()

    for _ in range(150):
        hurt = data.copy()
        hurt[random.integers(0, 300, 3)] = random.integers(0, 256, 3)
        try:
            outcomes.add(type(read_bytes(hurt.tobytes(), "picture", Limits(pixels=1_000_000))))
        except InputError as error:
            outcomes.add(type(error))

    assert UnreadableImageError in outcomes
    assert capfd.readouterr() == ("", "")
