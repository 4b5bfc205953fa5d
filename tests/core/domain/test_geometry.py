"""Placements carry maps back to where they came from."""

import numpy as np
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box, Placement, Size


def test_box_and_size() -> None:
    box = Box(2, 3, 5, 7)

    assert box.edges == (2, 3, 7, 10)
    assert str(box.size) == "5×7"


def test_whole_to_whole_is_a_resize() -> None:
    values = np.random.default_rng(0).random((8, 6), np.float32)
    place = Placement(Size(24, 16), Box(0, 0, 24, 16), Size(12, 8), Box(0, 0, 12, 8))

    expected = Pil.fromarray(values).resize((24, 16), Pil.Resampling.BILINEAR)
    np.testing.assert_array_equal(place.invert(values), np.asarray(expected))


def test_padding_is_left_behind() -> None:
    place = Placement(Size(20, 10), Box(0, 0, 20, 10), Size(20, 20), Box(0, 5, 20, 10))
    values = np.zeros((20, 20), np.float32)
    values[5:15] = np.arange(200, dtype=np.float32).reshape(10, 20)

    np.testing.assert_array_equal(place.invert(values), values[5:15])


def test_what_was_cropped_away_is_zero() -> None:
    place = Placement(Size(10, 8), Box(2, 1, 6, 4), Size(6, 4), Box(0, 0, 6, 4))

    back = place.invert(np.ones((4, 6), np.float32))

    assert back.sum() == 24
    assert back[1:5, 2:8].min() == 1


def test_a_mirrored_map_is_mirrored_back() -> None:
    values = np.random.default_rng(0).random((4, 6), np.float32)
    place = Placement(Size(6, 4), Box(0, 0, 6, 4), Size(6, 4), Box(0, 0, 6, 4), mirrored=True)

    np.testing.assert_array_equal(place.invert(values), values[:, ::-1])


def test_a_mirrored_map_is_mirrored_back_where_sizes_do_not_divide() -> None:
    # 1003 * (63 / 1003) is a hair more than 63.
    place = Placement(Size(1003, 1003), Box(0, 0, 1003, 1003), Size(1003, 1003), Box(0, 0, 1003, 1003), mirrored=True)
    values = np.random.default_rng(0).random((63, 63), np.float32)

    expected = Pil.fromarray(values[:, ::-1].copy()).resize((1003, 1003), Pil.Resampling.BILINEAR)
    np.testing.assert_allclose(place.invert(values), np.asarray(expected), atol=1e-5)


def test_mirrored_padding() -> None:
    place = Placement(Size(4, 2), Box(0, 0, 4, 2), Size(8, 2), Box(1, 0, 4, 2), mirrored=True)
    values = np.tile(np.arange(8, dtype=np.float32), (2, 1))

    np.testing.assert_array_equal(place.invert(values), np.tile([4.0, 3.0, 2.0, 1.0], (2, 1)))
