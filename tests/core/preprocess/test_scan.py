"""Flat margins around a scan."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Image
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.scan import scan_box
from senoscope.core.preprocess.steps import Gray, Resize, Scan, laid_as
from tests.makers import ultrasound

SCAN = Box(40, 12, 96, 80)


def framed(level: int = 60, box: Box = SCAN, size: tuple[int, int] = (180, 120)) -> NDArray[np.uint8]:
    """A scan with bars of one grey level around it."""
    pixels = np.full((size[1], size[0]), level, np.uint8)
    x0, y0, x1, y1 = box.edges
    pixels[y0:y1, x0:x1] = ultrasound(3, (box.width, box.height))
    return pixels


@pytest.mark.parametrize("level", [0, 60, 255])
def test_bars_of_any_grey_are_cut(level: int) -> None:
    assert scan_box(framed(level)) == SCAN


def test_colour_and_other_depths_are_cut_alike() -> None:
    plain = framed()

    assert scan_box(np.repeat(plain[..., None], 3, axis=2)) == SCAN
    assert scan_box(plain.astype(np.uint16) * 200) == SCAN
    assert scan_box(plain.astype(np.float32) / 255) == SCAN


def test_what_compression_leaves_in_a_bar_is_no_picture() -> None:
    buffer = io.BytesIO()
    Pil.fromarray(framed()).save(buffer, "JPEG", quality=85)

    found = scan_box(np.asarray(Pil.open(buffer)))

    np.testing.assert_allclose(found.edges, SCAN.edges, atol=8)


def test_a_speck_in_a_bar_is_no_picture_and_words_are() -> None:
    speck, words = framed(), framed()
    speck[50, 10] = 255
    words[40:60, 5:30] = np.tile([0, 255], (20, 13))[:, :25]

    assert scan_box(speck) == SCAN
    assert scan_box(words).left == 5


def test_a_picture_without_margins_stays_whole() -> None:
    pixels = ultrasound(1, (96, 80))

    assert scan_box(pixels) == Box(0, 0, 96, 80)


@pytest.mark.parametrize("pixels", [np.full((30, 40), 7, np.uint8), np.zeros((1, 1), np.uint8)])
def test_of_a_flat_picture_all_is_kept(pixels: NDArray[np.uint8]) -> None:
    assert scan_box(pixels) == Box(0, 0, pixels.shape[1], pixels.shape[0])


def test_a_sliver_is_not_taken_for_the_scan() -> None:
    pixels = np.zeros((100, 100), np.uint8)
    pixels[:, 48:52] = np.random.default_rng(0).integers(0, 255, (100, 4))

    assert scan_box(pixels).width == 100


def test_bars_change_nothing_of_what_a_network_sees() -> None:
    pipeline = Pipeline((Gray(), Scan(), Resize(64, 64, "stretch")))
    x0, y0, x1, y1 = SCAN.edges
    pixels = framed()

    found, bare = (pipeline.apply(Image(part, 255.0)) for part in (pixels, pixels[y0:y1, x0:x1]))

    np.testing.assert_array_equal(found.array, bare.array)
    back = found.placements[0].invert(found.placements[1].invert(np.ones((64, 64), np.float32)))
    assert back.shape == pixels.shape
    assert back.sum() == SCAN.width * SCAN.height


def test_masks_are_laid_as_their_picture_was() -> None:
    """A mask shows other margins than its picture, and must not be cut by them."""
    pipeline = Pipeline((Gray(), Scan(), Resize(48, 64)))
    pixels, mask = framed(), np.zeros((120, 180), np.uint8)
    mask[40:60, 70:100] = 255
    placements = pipeline.apply(Image(pixels, 255.0)).placements

    laid = laid_as(mask, placements)

    assert laid.shape == (48, 64)
    scale = min(48 / SCAN.height, 64 / SCAN.width)
    assert (laid / 255).sum() == pytest.approx(20 * 30 * scale**2, rel=0.03)
