"""The image as a noun."""

from typing import Any

import numpy as np
import pytest

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError
from tests import makers


def test_size_is_width_by_height() -> None:
    assert str(Image(makers.grey(24, 16), 255).size) == "24×16"


@pytest.mark.parametrize("pixels", [np.zeros(3, np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2), np.int32)])
def test_pixels_of_another_kind_are_a_mistake_of_ours(pixels: Any) -> None:
    with pytest.raises(ValueError, match="pixels must be"):
        Image(pixels, 255)


@pytest.mark.parametrize("level", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_grey_levels_that_are_no_numbers_are_refused(level: float, shape: tuple[int, ...]) -> None:
    pixels = np.ones(shape, np.float32)
    pixels[2, 3] = level

    with pytest.raises(InputError, match=r"room\.png has grey levels that are no numbers"):
        Image(pixels, 1, "room.png")


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (7, 0, 3)])
def test_a_picture_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="the picture has no pixels") as caught:
        Image(np.zeros(shape, np.uint8), 255)

    assert caught.value.hint == f"it is {shape[1]}×{shape[0]}"
