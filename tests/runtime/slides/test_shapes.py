"""Patches of a mask and their outlines."""

import time
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from senoscope.runtime.slides.shapes import Ring, components, grown, outlines, without_holes, without_specks

MASKS = [np.random.default_rng(seed).random((23, 31)) < share for seed, share in enumerate((0.1, 0.4, 0.6, 0.9))]
MASKS += [np.zeros((5, 4), bool), np.ones((4, 5), bool), np.eye(6, dtype=bool), np.ones((1, 7), bool)]


def signed_area(ring: Ring) -> float:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring)) / 2


@pytest.mark.parametrize("mask", MASKS)
def test_components_are_those_of_scipy(mask: NDArray[np.bool_]) -> None:
    expected, count = ndimage.label(mask)

    labels, found = components(mask)

    assert found == count
    assert np.array_equal(labels, expected)


def test_a_long_snake_is_one_component() -> None:
    mask = np.ones((401, 300), bool)
    mask[1::4, :-1] = False
    mask[3::4, 1:] = False

    assert components(mask)[1] == 1


@pytest.mark.parametrize("mask", MASKS)
def test_outlines_hold_exactly_the_cells(mask: NDArray[np.bool_]) -> None:
    labels, count = components(mask)

    for number in range(1, count + 1):
        patch = labels == number
        rings = outlines(patch)
        areas = [signed_area(ring) for ring in rings]
        holes = ndimage.label(np.pad(~patch, 1, constant_values=True), np.ones((3, 3)))[1] - 1
        assert all(ring[0] == ring[-1] for ring in rings)
        assert areas[0] > 0
        assert all(area < 0 for area in areas[1:])
        assert len(areas) - 1 >= holes
        assert sum(areas) == patch.sum()


def test_an_outline_has_corners_only() -> None:
    mask = np.zeros((6, 7), bool)
    mask[1:5, 2:6] = True
    mask[2, 3] = False

    assert outlines(mask) == [
        [(2, 1), (6, 1), (6, 5), (2, 5), (2, 1)],
        [(3, 2), (3, 3), (4, 3), (4, 2), (3, 2)],
    ]


def test_specks_go_and_holes_are_filled() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:12, 2:12] = True
    mask[5:7, 5:7] = False
    mask[15, 15] = True
    mask[0:3, 14:20] = True
    mask[1, 16:20] = False  # open to the edge: no hole

    assert without_specks(mask, 2).sum() == mask.sum() - 1
    filled = without_holes(mask, 4)
    assert filled[5:7, 5:7].all()
    assert not filled[1, 16:].any()
    assert filled.sum() == mask.sum() + 4
    assert without_holes(mask, 3).sum() == mask.sum()


def test_growth_is_scipys_dilation() -> None:
    assert np.array_equal(grown(MASKS[0], 3), ndimage.binary_dilation(MASKS[0], iterations=3))


def test_a_patch_of_many_holes_takes_no_longer_than_its_lines() -> None:
    mask = np.ones((1200, 1200), bool)
    mask[5:-5:16, 5:-5:16] = False
    start = time.process_time()

    rings = outlines(mask)

    assert len(rings) == 1 + int((~mask).sum())
    # Some tenths of a second; where all corners are looked through for every hole, half a minute.
    assert time.process_time() - start < 5
