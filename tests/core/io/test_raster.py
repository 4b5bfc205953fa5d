"""PNG, JPEG and BMP against what was encoded, and every broken form of them."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pil
from PIL import ImageOps

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import ImageTooLargeError, InputError, UnreadableImageError, UnsupportedImageError
from senoscope.core.io import Limits, read_bytes
from tests import makers


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
@pytest.mark.parametrize("pixels", [makers.grey(), makers.colour()], ids=["grey", "rgb"])
def test_eight_bits_are_read_as_stored(kind: str, pixels: Pixels) -> None:
    image = read_bytes(makers.pil_bytes(pixels, kind), "picture")

    assert image.pixels.dtype == np.uint8
    assert image.maximum == 255
    assert image.notes == ()
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize("pixels", [makers.grey(), makers.colour()], ids=["grey", "rgb"])
def test_jpeg_is_what_pillow_decodes(pixels: Pixels) -> None:
    data = makers.pil_bytes(pixels, "JPEG", quality=90)

    image = read_bytes(data, "picture")

    np.testing.assert_array_equal(image.pixels, np.asarray(Pil.open(BytesIO(data))))


@pytest.mark.parametrize(
    ("colour_type", "channels", "kept"),
    [(0, 1, slice(0, 1)), (2, 3, slice(0, 3)), (4, 2, slice(0, 1)), (6, 4, slice(0, 3))],
    ids=["grey", "rgb", "grey-alpha", "rgb-alpha"],
)
@pytest.mark.parametrize("depth", [8, 16])
def test_png_of_every_colour_type_and_depth(colour_type: int, channels: int, kept: slice, depth: int) -> None:
    pixels = np.stack([makers.grey(deep=depth == 16) + np.uint8(k) for k in range(channels)], axis=2)

    image = read_bytes(makers.png_bytes(pixels, colour_type, depth), "picture")

    assert image.pixels.dtype == (np.uint16 if depth == 16 else np.uint8)
    assert image.maximum == (65535 if depth == 16 else 255)
    assert image.notes == (("transparency dropped",) if channels in (2, 4) else ())
    np.testing.assert_array_equal(image.pixels, np.squeeze(pixels[..., kept]))


def test_png_palette_becomes_rgb_and_its_transparency_is_noted() -> None:
    picture = Pil.fromarray(makers.colour()).quantize(16)

    image = read_bytes(makers.pil_bytes(picture, "PNG", transparency=bytes(range(16))), "picture")

    assert image.notes == ("transparency dropped",)
    np.testing.assert_array_equal(image.pixels, np.asarray(picture.convert("RGB")))


def test_one_bit_becomes_0_and_255() -> None:
    white = makers.grey() > 99

    for kind in ("PNG", "BMP"):
        image = read_bytes(makers.pil_bytes(Pil.fromarray(white), kind), "picture")
        np.testing.assert_array_equal(image.pixels, np.where(white, 255, 0))


@pytest.mark.parametrize("deep", [False, True])
def test_broken_description_of_a_png_is_passed_over(deep: bool, capfd: pytest.CaptureFixture[str]) -> None:
    pixels = makers.colour(deep=deep)
    chunks = makers.png_chunk(b"iCCP", b"x") + makers.png_chunk(b"tEXt", b"\0") + makers.png_chunk(b"eXIf", b"II*\0")

    image = read_bytes(makers.png_bytes(pixels, 2, 16 if deep else 8, chunks), "picture")

    np.testing.assert_array_equal(image.pixels, pixels)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_is_turned_upright_as_pillow_turns_it(orientation: int, order: str) -> None:
    data = makers.pil_bytes(makers.colour(), "JPEG", exif=makers.exif_block(orientation, order))

    image = read_bytes(data, "picture")

    expected = np.asarray(ImageOps.exif_transpose(Pil.open(BytesIO(data))))
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.notes == (() if orientation == 1 else ("turned upright as its Exif orientation says",))


def test_png_is_turned_upright_by_its_exif_chunk() -> None:
    chunk = makers.png_chunk(b"eXIf", makers.exif_block(6).removeprefix(b"Exif\0\0"))

    image = read_bytes(makers.png_bytes(makers.grey(), 0, 8, chunk), "picture")

    np.testing.assert_array_equal(image.pixels, np.rot90(makers.grey(), -1))


@pytest.mark.parametrize("cut", [0, 3, 8, 9, 11, 17, 19])
def test_broken_exif_says_nothing_and_warns_of_nothing(cut: int) -> None:
    block = makers.exif_block(6)[: 6 + cut]

    image = read_bytes(makers.pil_bytes(makers.grey(), "JPEG", exif=block), "picture")

    assert image.size.width == 24


def test_cmyk_is_refused() -> None:
    data = makers.pil_bytes(Pil.fromarray(makers.colour()).convert("CMYK"), "JPEG")

    with pytest.raises(UnsupportedImageError, match="CMYK") as caught:
        read_bytes(data, "scan.jpg")

    assert caught.value.message.startswith("scan.jpg: ")
    assert "PNG" in caught.value.hint


def test_animated_png_is_refused() -> None:
    frames = [Pil.fromarray(makers.grey()), Pil.fromarray(makers.grey()[::-1].copy())]

    with pytest.raises(UnsupportedImageError, match="several pictures"):
        read_bytes(makers.pil_bytes(frames[0], "PNG", save_all=True, append_images=frames[1:]), "film.png")


def test_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(ImageTooLargeError, match="30000×30000 pixels is more than 100 megapixels"):
        read_bytes(makers.bomb_png(), "bomb.png")


def test_a_bomb_behind_a_chunk_that_mimics_its_header_is_refused() -> None:
    mimic = makers.png_chunk(b"abCd", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    data = makers.pil_bytes(makers.grey(24, 16), "PNG")

    with pytest.raises(UnreadableImageError, match="damaged"):
        read_bytes(data[:8] + mimic + data[8:], "bomb.png", Limits(pixels=1))


def test_bounds_are_the_callers() -> None:
    data = makers.pil_bytes(makers.grey(24, 16), "PNG")

    assert read_bytes(data, "picture", Limits(pixels=24 * 16, bytes=len(data))).size.width == 24
    with pytest.raises(ImageTooLargeError, match="pixels"):
        read_bytes(data, "picture", Limits(pixels=24 * 16 - 1))
    with pytest.raises(ImageTooLargeError, match="longer"):
        read_bytes(data, "picture", Limits(bytes=len(data) - 1))


@pytest.mark.parametrize("colour_type", [0, 2])
@pytest.mark.parametrize("kind", ["PNG", "PNG16", "JPEG", "BMP"])
def test_a_file_cut_short_is_refused_or_complete(kind: str, colour_type: int) -> None:
    pixels = makers.colour(deep=kind == "PNG16") if colour_type else makers.grey(deep=kind == "PNG16")
    data = makers.png_bytes(pixels, colour_type, 16) if kind == "PNG16" else makers.pil_bytes(pixels, kind)
    whole = read_bytes(data, "picture").pixels
    refused = 0

    for length in range(0, len(data), 3):
        try:
            np.testing.assert_array_equal(read_bytes(data[:length], "picture").pixels, whole)
        except UnreadableImageError:
            refused += 1

    assert refused > 0.9 * len(data) / 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_damage_never_raises_anything_of_the_decoders(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(7)
    exif = {"exif": makers.exif_block(3)} if kind == "JPEG" else {}
    data = np.frombuffer(makers.pil_bytes(makers.colour(), kind, **exif), np.uint8)
    outcomes: set[type] = set()

    for _ in range(150):
        hurt = data.copy()
        hurt[random.integers(0, len(data), 4)] = random.integers(0, 256, 4)
        try:
            outcomes.add(type(read_bytes(hurt.tobytes(), "picture", Limits(pixels=1_000_000))))
        except InputError as error:
            outcomes.add(type(error))

    assert UnreadableImageError in outcomes
    assert capfd.readouterr() == ("", "")
