"""Pictures of what is marked."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.runtime.outputs.outlines import ORANGE, mask_png, outline_png, shares_csv
from senoscope.runtime.outputs.overlay import eight_bit
from tests.makers import grey


def opened(data: bytes) -> NDArray[np.uint8]:
    with Pil.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("deep", [False, True])
def test_the_line_runs_along_the_inner_edge_and_nowhere_else(deep: bool) -> None:
    image = Image(grey(60, 50, deep=deep), 65535.0 if deep else 255.0)
    codes = np.zeros((50, 60), np.uint8)
    codes[10:30, 20:45] = 1

    shown, plain = opened(outline_png(image, codes)), eight_bit(image)

    line = np.zeros((50, 60), bool)
    line[10:30, 20:45] = True
    line[11:29, 21:44] = False
    assert (shown[line] == ORANGE).all()
    np.testing.assert_array_equal(shown[~line], plain[~line])


def test_lines_are_wider_on_larger_pictures_and_stay_inside() -> None:
    image = Image(np.zeros((1000, 1000), np.uint8), 255.0)
    codes = np.zeros((1000, 1000), np.uint8)
    codes[200:500, 200:500] = 1

    line = opened(outline_png(image, codes)).max(axis=2) > 0

    assert line[200:204, 200:500].all()
    assert not line[204, 210:490].any()
    assert not line[codes == 0].any()


def test_every_label_has_a_colour_of_its_own() -> None:
    codes = np.repeat(np.arange(22, dtype=np.uint8), 10)[None].repeat(10, axis=0)

    shown = opened(outline_png(Image(np.zeros(codes.shape, np.uint8), 255.0), codes))

    colours = {tuple(shown[5, place]) for place in range(220) if shown[5, place].any()}
    assert len(colours) == 21


def test_nothing_marked_leaves_the_picture_as_it_is() -> None:
    image = Image(grey(30, 20), 255.0)

    np.testing.assert_array_equal(opened(outline_png(image, np.zeros((20, 30), np.uint8))), eight_bit(image))


def test_masks_come_back_from_their_files() -> None:
    codes = np.random.default_rng(0).integers(0, 2, (20, 30)).astype(np.uint8)

    np.testing.assert_array_equal(opened(mask_png(codes, 2)), codes * 255)
    np.testing.assert_array_equal(opened(mask_png(codes + 3, 7)), codes + 3)


def test_a_mask_of_several_labels_has_codes_and_colours_that_its_table_names() -> None:
    codes = np.zeros((10, 20), np.uint8)
    codes[:5], codes[5:, :4] = 1, 2

    with Pil.open(io.BytesIO(mask_png(codes, 3))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), codes)
        shown = np.asarray(picture.convert("RGB"))
    rows = [line.split(",") for line in shares_csv(codes, ("none", "tumor", "stroma")).splitlines()]

    assert rows[0] == ["label", "code", "colour", "pixels", "share"]
    assert [(row[0], row[1], row[3], float(row[4])) for row in rows[1:]] == [
        ("none", "0", "80", 0.4),
        ("tumor", "1", "100", 0.5),
        ("stroma", "2", "20", 0.1),
    ]
    for row, (y, x) in zip(rows[1:], ((9, 19), (0, 0), (9, 0)), strict=True):
        assert row[2] == "#" + bytes(shown[y, x].tolist()).hex()
    assert tuple(shown[0, 0]) == ORANGE
