"""Squares cover what a picture shows, share their edges, and what is found in them comes together again."""

from itertools import pairwise

import numpy as np
import pytest

from senoscope.core.preprocess.squares import ALIGNED, COVERED, SHARED, cut, joined, moved, squares


def shown(left: int, top: int, right: int, bottom: int, side: int = 256) -> np.ndarray:
    array = np.zeros((3, side, side), np.float32)
    array[:, top:bottom, left:right] = 100.0
    return array


@pytest.mark.parametrize(
    "part", [(0, 0, 256, 256), (10, 30, 150, 250), (100, 0, 140, 256), (0, 200, 256, 256), (3, 5, 67, 69)]
)
@pytest.mark.parametrize("side", [64, 96, 160])
def test_everything_that_is_shown_lies_in_a_square(part: tuple[int, int, int, int], side: int) -> None:
    array = shown(*part)

    corners = squares(array, side)

    covered = np.zeros((256, 256), bool)
    for x, y in corners:
        assert 0 <= x <= 256 - side
        assert 0 <= y <= 256 - side
        assert (array[0, y : y + side, x : x + side] > 0).mean() >= COVERED
        covered[y : y + side, x : x + side] = True
    assert covered[array[0] > 0].all()
    for axis in (0, 1):
        starts = sorted({corner[axis] for corner in corners})
        assert all(later - earlier <= side * (1 - SHARED) + ALIGNED for earlier, later in pairwise(starts))


def test_squares_that_show_nothing_are_left_out() -> None:
    array = shown(0, 0, 256, 256)
    array[:, :128, :128] = 0

    corners = squares(array, 64)

    assert (0, 0) not in corners
    assert (0, 192) in corners


@pytest.mark.parametrize("side", [0, 256, 300])
def test_one_square_may_be_all_of_the_picture(side: int) -> None:
    assert squares(shown(0, 0, 256, 256), side) == ((0, 0),)


def test_a_black_picture_has_a_square_too() -> None:
    assert squares(np.zeros((3, 256, 256), np.float32), 64) == ((0, 0),)


def test_boxes_and_maps_come_together_again() -> None:
    array = np.random.default_rng(0).uniform(1, 255, (3, 128, 128)).astype(np.float32)
    corners = squares(array, 64)
    parts = cut(array, corners, 64)
    pooled = parts.mean(axis=1).reshape(len(parts), 8, 8, 8, 8).mean(axis=(2, 4))
    whole = array.mean(axis=0).reshape(16, 8, 16, 8).mean(axis=(1, 3))

    assert all(x % 8 == y % 8 == 0 for x, y in corners)
    np.testing.assert_allclose(joined(pooled, corners, 64, 128), whole, rtol=1e-5)
    rows = [np.array([[1.0, 2.0, 3.0, 4.0]])] * len(corners)
    np.testing.assert_allclose(moved(rows, corners)[:, :2] - [1, 2], corners)


def test_all_of_a_picture_is_its_own_map() -> None:
    maps = np.random.default_rng(1).uniform(size=(1, 4, 4)).astype(np.float32)

    assert joined(maps, ((0, 0),), 0, 32) is not None
    np.testing.assert_array_equal(joined(maps, ((0, 0),), 0, 32), maps[0])
    assert cut(np.ones((3, 32, 32), np.float32), ((0, 0),), 0).shape == (1, 3, 32, 32)
