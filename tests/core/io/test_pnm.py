"""PGM, PPM and PBM: levels and full scale as the file declares them."""

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from senoscope.core.io import read_bytes
from tests import makers


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("maximum", [1, 100, 255, 256, 4095, 65535])
def test_levels_and_full_scale_are_the_files(maximum: int, colour: bool) -> None:
    deep = makers.colour(deep=True) if colour else makers.grey(deep=True)
    pixels = deep.astype(np.int64) % (maximum + 1)

    image = read_bytes(makers.pgm_bytes(pixels, maximum), "film.pgm")

    assert image.maximum == maximum
    assert image.pixels.dtype == (np.uint16 if maximum > 255 else np.uint8)
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize("pixels", [makers.grey(), makers.colour(), makers.grey() > 99], ids=["pgm", "ppm", "pbm"])
def test_what_pillow_writes(pixels: Pixels) -> None:
    image = read_bytes(makers.pil_bytes(pixels, "PPM"), "picture")

    expected = np.asarray(Pil.fromarray(pixels).convert("L")) if pixels.dtype == bool else pixels
    np.testing.assert_array_equal(image.pixels, expected)


@pytest.mark.parametrize(
    ("text", "maximum", "levels"),
    [
        (b"P2 # grey\n3 1\n# full scale\n9\n0 4 # middle\n9\n", 9, [[0, 4, 9]]),
        (b"P1 3 2 010\n1 1 1", 255, [[255, 0, 255], [0, 0, 0]]),
        (b"P3 1 1 1000 0 500 1000", 1000, [[[0, 500, 1000]]]),
    ],
)
def test_plain_text(text: bytes, maximum: int, levels: list[list[int]]) -> None:
    image = read_bytes(text, "picture")

    assert image.maximum == maximum
    np.testing.assert_array_equal(image.pixels, levels)


@pytest.mark.parametrize(
    "data",
    [
        b"P5 2 2 255\n\0\0\0",
        b"P5 2 2 0\n\0\0\0\0",
        b"P5 2 2 65536\n" + bytes(8),
        b"P5 2 x 255\n\0\0\0\0",
        b"P5 -2 2 255\n\0\0\0\0",
        b"P5 0 2 255\n",
        b"P5 2 2 9\n\0\0\0\x0a",
        b"P2 2 1 9 1",
        b"P2 2 1 9 1 -1",
        b"P2 2 1 9 1 10",
        b"P1 2 1 12",
        b"P5 ",
        b"P5 99999999999999999999 1 255\n",
    ],
)
def test_broken(data: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        read_bytes(data, "picture")


def test_bounds() -> None:
    with pytest.raises(ImageTooLargeError, match="30000×30000"):
        read_bytes(b"P5 30000 30000 255\n", "bomb")
    with pytest.raises(ImageTooLargeError, match="5 megapixels"):
        read_bytes(b"P2 3000 3000 255\n", "bomb of words")


def test_several_pictures_in_one_file() -> None:
    with pytest.raises(UnsupportedImageError, match="several"):
        read_bytes(makers.pgm_bytes(makers.grey(), 255) * 2, "film")


def test_a_megabyte_of_space_is_no_header() -> None:
    with pytest.raises(UnreadableImageError):
        read_bytes(b"P5" + b" " * 1_000_000, "picture")
