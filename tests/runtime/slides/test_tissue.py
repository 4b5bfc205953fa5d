"""Tissue, ink and blur."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageFilter

from senoscope.core.io.slide import open_slide
from senoscope.runtime.slides.tissue import SHARPNESS, find_tissue, sharpness, tissue_of
from tests.makers import tissue

PIXEL = 1e-3
"""mm² of a pixel, so that specks are of ten."""


def ellipse(width: int, height: int, share: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[0:height, 0:width]
    inside: NDArray[np.bool_] = ((columns / width - 0.5) ** 2 + (rows / height - 0.5) ** 2) < (share / 2) ** 2
    return inside


def test_tissue_is_where_it_was_drawn() -> None:
    found = tissue_of(tissue(400, 300), PIXEL)

    expected = ellipse(400, 300, 0.7)
    assert (found.tissue & expected).sum() / (found.tissue | expected).sum() > 0.95
    assert not found.ink.any()


@pytest.mark.parametrize("level", [0, 128, 240, 255])
def test_a_bare_slide_has_no_tissue(level: int) -> None:
    random = np.random.default_rng(0)
    glass = np.clip(level + random.normal(0, 3, (200, 300, 3)), 0, 255).astype(np.uint8)

    assert not tissue_of(glass, PIXEL).tissue.any()


@pytest.mark.parametrize("ink", [(30, 60, 170), (20, 120, 60), (25, 25, 28), (40, 150, 160)])
def test_a_pen_is_ink_and_no_tissue(ink: tuple[int, int, int]) -> None:
    picture = tissue(400, 300)
    picture[20:60, 20:200] = ink
    picture[140:160, 180:260] = ink

    found = tissue_of(picture, PIXEL)

    assert found.ink[22:58, 22:198].all()
    assert found.ink[142:158, 182:258].all()
    assert not (found.tissue & found.ink).any()
    assert found.ink.sum() < 1.2 * (40 * 180 + 20 * 80)


def test_nuclei_are_no_ink() -> None:
    picture = np.full((100, 100, 3), (85, 45, 125), np.uint8)

    found = tissue_of(picture, PIXEL)

    assert not found.ink.any()


def test_dust_is_taken_off_and_holes_are_filled() -> None:
    picture = np.full((200, 200, 3), 243, np.uint8)
    picture[50:150, 50:150] = (200, 120, 170)
    picture[90:94, 90:94] = 243
    picture[10:12, 10:12] = (200, 120, 170)

    found = tissue_of(picture, PIXEL).tissue

    assert found[90:94, 90:94].all()
    assert not found[:20, :20].any()


def test_blur_lowers_sharpness_and_dye_does_not() -> None:
    tile = tissue(50, 50, share=2.0)
    pale = (255 - (255 - tile.astype(np.float32)) * 0.5).astype(np.uint8)
    blurred = np.asarray(Pil.fromarray(tissue(50, 50, share=2.0)).filter(ImageFilter.GaussianBlur(3)))

    assert sharpness(tile) > SHARPNESS
    assert sharpness(pale) == pytest.approx(sharpness(tile), rel=0.2)
    assert sharpness(blurred) < SHARPNESS
    assert sharpness(np.full((50, 50, 3), 200, np.uint8)) == 0


def test_real_patches_are_sharp_and_blurred_ones_are_not(data_root: Path) -> None:
    files = sorted((data_root / "idc" / "IDC_regular_ps50_idx5").glob("*/*/*.png"))[::12]
    patches = [Pil.open(file).convert("RGB") for file in files]
    patches += [Pil.open(file).convert("RGB") for file in sorted((data_root / "breakhis").rglob("*.png"))[::12]]

    sharp = [sharpness(np.asarray(patch)) for patch in patches]
    blurred = [sharpness(np.asarray(patch.filter(ImageFilter.GaussianBlur(3)))) for patch in patches]

    assert len(patches) > 250
    assert min(sharp) > SHARPNESS
    assert np.mean(np.array(blurred) < SHARPNESS) > 0.7


def test_tissue_of_a_real_slide(data_root: Path) -> None:
    with open_slide(data_root / "slides" / "cmu_small_region.svs") as reader:
        found = find_tissue(reader)

    assert max(found.picture.shape) == 512
    assert 0.3 < found.tissue.mean() < 0.4
    assert found.ink.mean() < 0.01
