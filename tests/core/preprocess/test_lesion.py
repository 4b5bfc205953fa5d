"""From a map to the lesion that is answered for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Image
from senoscope.core.preprocess.descriptors import box_of, describe
from senoscope.core.preprocess.lesion import Seeking, lesion_in
from tests.makers import outlined_ultrasound

HOW = Seeking(threshold=0.5, smallest=0.002, context=1.5, least=0.1)


def scanned(margin: int) -> tuple[Image, NDArray[np.float32], Box, NDArray[np.bool_]]:
    """A picture with a lesion, its map, the part that shows something, and the lesion, with a grey margin around."""
    pixels, mask = outlined_ultrasound(2, (160, 128))
    framed = np.pad(pixels, margin, constant_values=60)
    wide = np.pad(mask, margin)
    return Image(framed, 255.0), wide.astype(np.float32), Box(margin, margin, 160, 128), wide


def test_a_lesion_is_measured_boxed_and_surrounded() -> None:
    image, chances, seen, mask = scanned(0)

    found = lesion_in(image, chances, seen, HOW)

    assert found is not None
    np.testing.assert_array_equal(found.mask, mask)
    assert found.box == box_of(mask)
    assert found.values == pytest.approx(describe(mask, image.pixels / 255), rel=1e-5)
    assert found.square.width == found.square.height
    assert found.square.width == pytest.approx(1.5 * max(found.box.width, found.box.height), abs=1)


def test_margins_change_no_measure() -> None:
    bare, framed = (lesion_in(*scanned(margin)[:3], HOW) for margin in (0, 40))

    assert bare is not None
    assert framed is not None
    assert framed.values == bare.values
    assert framed.square.size == bare.square.size
    assert (framed.square.left - bare.square.left, framed.square.top - bare.square.top) == (40, 40)
    np.testing.assert_array_equal(framed.mask[40:-40, 40:-40], bare.mask)


def test_without_a_mark_there_is_no_lesion() -> None:
    image, chances, seen, _ = scanned(10)

    assert lesion_in(image, np.zeros_like(chances), seen, HOW) is None
