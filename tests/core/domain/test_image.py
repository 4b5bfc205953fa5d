"""The image as a noun."""

from typing import Any

import numpy as np
import pytest

from senoscope.core.domain.image import Image
from tests import makers


def test_size_is_width_by_height() -> None:
    assert str(Image(makers.grey(24, 16), 255).size) == "24×16"


@pytest.mark.parametrize("pixels", [np.zeros(3, np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2), np.int32)])
def test_pixels_of_another_kind_are_a_mistake_of_ours(pixels: Any) -> None:
    with pytest.raises(ValueError, match="pixels must be"):
        Image(pixels, 255)
