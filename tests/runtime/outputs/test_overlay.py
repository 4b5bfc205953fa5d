"""Pictures of the evidence."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image, Pixels
from senoscope.runtime.outputs.overlay import STRIP, display_png, eight_bit, heat_png, overlay_png, png
from tests.makers import colour, grey

GREY = Image(grey(40, 30), 255.0)
DEEP = Image(grey(40, 30, deep=True), 65535.0)
COLOUR = Image(colour(40, 30), 255.0)
DEEP_COLOUR = Image(colour(40, 30, deep=True), 65535.0)
TWELVE_BIT = Image(grey(40, 30, deep=True) // 16, 4095.0)
KINDS = pytest.mark.parametrize(
    "image", [GREY, DEEP, COLOUR, DEEP_COLOUR, TWELVE_BIT], ids=["grey", "16 bit", "RGB", "RGB 16 bit", "12 bit"]
)


def opened(data: bytes) -> NDArray[np.uint8]:
    with Pil.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def half(image: Image) -> NDArray[np.float32]:
    """Evidence on the right half, none on the left."""
    saliency = np.zeros((image.size.height, image.size.width), np.float32)
    saliency[:, image.size.width // 2 :] = 1
    return saliency


@KINDS
def test_overlay_covers_the_evidence_and_nothing_else(image: Image) -> None:
    shown, plain = opened(overlay_png(image, half(image))), opened(display_png(image))

    assert shown.shape == plain.shape == (30, 40, 3)
    assert np.array_equal(shown[:, :20], plain[:, :20])
    peak = np.array([252, 255, 164])
    expected = np.rint(plain[:, 20:] * 0.55 + peak * 0.45)
    assert np.abs(shown[:, 20:] - expected).max() <= 1


@KINDS
def test_overlay_leaves_the_image_itself_alone(image: Image) -> None:
    before = image.pixels.copy()

    overlay_png(image, np.ones((30, 40), np.float32))

    assert np.array_equal(image.pixels, before)


@KINDS
def test_display_divides_by_full_scale(image: Image) -> None:
    expected = np.rint(image.pixels.astype(float) * 255 / image.maximum)
    expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)

    assert np.array_equal(opened(display_png(image)), expected)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[0.0, 0.5, 255.0, 300.0, -20.0]], np.float32), [0, 0, 255, 255, 0]),
        (np.array([[0, 100, 255, 256, 1000]], np.uint16), [0, 100, 255, 255, 255]),
    ],
)
def test_levels_beyond_full_scale_are_cut_and_do_not_wrap(pixels: Pixels, expected: list[int]) -> None:
    assert eight_bit(Image(pixels, 255.0))[0, :, 0].tolist() == expected


@pytest.mark.parametrize("opacity", [0.0, 1.0])
def test_opacity(opacity: float) -> None:
    shown = opened(overlay_png(GREY, np.ones((30, 40), np.float32), opacity))

    if opacity:
        assert (shown == [252, 255, 164]).all()
    else:
        assert np.array_equal(shown, opened(display_png(GREY)))


def test_faint_evidence_stays_uncovered() -> None:
    saliency = np.full((30, 40), 0.14, np.float32)

    assert np.array_equal(opened(overlay_png(GREY, saliency)), opened(display_png(GREY)))
    assert (opened(heat_png(saliency))[..., 3] == 0).all()


def test_heat_is_transparent_where_there_is_no_evidence() -> None:
    heat = opened(heat_png(half(GREY)))

    assert heat.shape == (30, 40, 4)
    assert (heat[:, :20, 3] == 0).all()
    assert (heat[:, 20:] == [252, 255, 164, 255]).all()


def test_heat_grows_with_the_evidence() -> None:
    ramp = np.linspace(0, 1, 101, dtype=np.float32)[None]

    heat = opened(heat_png(ramp))[0].astype(int)

    assert (np.diff(heat[:, 3]) >= 0).all()
    assert (np.diff(heat[15:, :3] @ [299, 587, 114]) >= -1000).all()


def test_strips_leave_no_seams() -> None:
    height = 2 * STRIP + 7
    image = Image(np.full((height, 8), 100, np.uint8), 255.0)
    saliency = np.repeat(np.linspace(0, 1, height, dtype=np.float32)[:, None], 8, axis=1)

    shown = opened(overlay_png(image, saliency)).astype(int)

    assert np.abs(np.diff(shown, axis=0)).max() <= 2
    assert shown.shape == (height, 8, 3)


def test_a_quick_png_holds_the_same_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)

    for quick in (True, False):
        assert np.array_equal(np.asarray(Pil.open(io.BytesIO(png(pixels, quick=quick)))), pixels)
