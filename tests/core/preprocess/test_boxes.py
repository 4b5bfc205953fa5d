"""Boxes go where the picture goes, come back, and are no duplicates of each other."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box, Placement, Size
from senoscope.core.domain.image import Image
from senoscope.core.preprocess.boxes import (
    box_of,
    carried,
    carried_back,
    decoded,
    distinct,
    overlaps,
    rows_of,
)
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Crop, Flip, Gray, Resize, Rotate
from senoscope.evidence.metrics.detection import iou

STEPS: dict[str, tuple[Any, ...]] = {
    "stretched": (Resize(96, 128, "stretch"),),
    "padded": (Resize(128, 128, "pad"),),
    "mirrored": (Flip(), Resize(128, 128, "pad")),
    "cropped": (Crop(0.1, 0.2, 0.8, 0.7), Resize(120, 120, "pad")),
    "turned": (Rotate(180), Resize(160, 160, "pad")),
    "all": (Crop(0.05, 0.1, 0.9, 0.85), Flip(), Rotate(180), Resize(144, 96, "pad")),
}


def painted(box: Box) -> NDArray[np.uint8]:
    pixels = np.zeros((150, 200), np.uint8)
    left, top, right, bottom = box.edges
    pixels[top:bottom, left:right] = 255
    return pixels


@pytest.mark.parametrize("name", STEPS)
def test_a_box_goes_where_its_pixels_go_and_comes_back(name: str) -> None:
    box = Box(60, 50, 70, 40)
    prepared = Pipeline((Gray(), *STEPS[name])).apply(Image(painted(box), 255.0))

    found = carried(rows_of([box]), prepared.placements)

    rows, columns = np.nonzero(prepared.array[0] > 127)
    seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(found[0] - seen).max() <= 1
    np.testing.assert_allclose(carried_back(found, prepared.placements), rows_of([box]))


def test_a_quarter_turn_swaps_the_sides_of_a_box_about_the_centre() -> None:
    whole = Box(0, 0, 100, 100)
    turned = Placement(Size(100, 100), whole, Size(100, 100), whole, turned=90)

    found = carried(np.array([[10.0, 20.0, 40.0, 30.0]]), [turned])

    np.testing.assert_allclose(found, [[20, 60, 30, 90]], atol=1e-9)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([10.4, 20.6, 30.2, 40.1], Box(10, 21, 20, 19)),
        ([-5, -5, 500, 500], Box(0, 0, 100, 80)),
        ([50.1, 60.2, 50.3, 60.4], Box(50, 60, 1, 1)),
        ([150, 90, 160, 95], Box(99, 79, 1, 1)),
    ],
)
def test_whole_pixels_of_the_picture_and_at_least_one(row: list[float], expected: Box) -> None:
    assert box_of(row, Size(100, 80)) == expected


def drawn(count: int, seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 60, (count, 2))
    return np.concatenate([corners, corners + random.uniform(5, 40, (count, 2))], axis=1)


def test_overlaps_are_those_of_the_metrics() -> None:
    one, other = drawn(30, 0), drawn(20, 1)
    one_sized, other_sized = (np.concatenate([rows[:, :2], rows[:, 2:] - rows[:, :2]], axis=1) for rows in (one, other))

    np.testing.assert_allclose(overlaps(one, other), iou(one_sized, other_sized))


def test_a_box_without_extent_overlaps_nothing() -> None:
    assert overlaps(np.array([[5.0, 5, 5, 9]]), np.array([[5.0, 5, 5, 9], [0, 0, 10, 10]])).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.9])
def test_of_duplicates_the_surest_is_kept(overlap: float) -> None:
    rows = drawn(60, 2)
    scores = np.round(np.random.default_rng(3).uniform(size=60), 1)

    kept = distinct(rows, scores, overlap, 60).tolist()

    assert kept == sorted(kept, key=lambda place: (-scores[place], place))
    shares = overlaps(rows, rows)
    for place in range(60):
        surer = [one for one in kept if (-scores[one], one) < (-scores[place], place)]
        assert (place in kept) == all(shares[place, one] < overlap for one in surer)
    assert distinct(rows, scores, overlap, 3).tolist() == kept[:3]
    assert distinct(rows[:0], scores[:0], overlap, 3).tolist() == []


def test_maxima_become_boxes_in_the_input() -> None:
    heat = np.full((8, 8), -9.0, np.float32)
    heat[2, 5], heat[2, 6], heat[6, 1] = 3.0, 2.0, 1.0
    sides = np.ones((4, 8, 8), np.float32) * np.array([4, 6, 10, 30], np.float32)[:, None, None]

    rows, logits = decoded(heat, sides, 64, 2)

    # The place beside the highest is none of its own, and boxes end where the input does.
    np.testing.assert_allclose(rows, [[40, 14, 54, 50], [8, 46, 22, 64]])
    assert logits.tolist() == [3.0, 1.0]


def test_boxes_without_extent_are_left_out() -> None:
    rows, logits = decoded(np.zeros((1, 1), np.float32), np.zeros((4, 1, 1), np.float32), 32, 5)

    assert rows.shape == (0, 4)
    assert logits.shape == (0,)
