"""Regions as lines."""

from typing import cast

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.runtime.outputs.dicom.regions import MOST_CORNERS, around, box_of, regions_of, thinned
from tests.makers.dicom_answers import outlined, subject_of


def test_a_line_around_a_region_holds_its_pixels_but_for_its_holes() -> None:
    answer = outlined()

    large, small = regions_of(answer)

    drawn = Pil.new("1", (answer.size.width, answer.size.height))
    # Corners are edges of pixels, and the pen's last pixel belongs to the shape.
    inner = large.corners - (large.corners == large.corners.max(axis=0))
    ImageDraw.Draw(drawn).polygon([tuple(corner) for corner in inner.tolist()], fill=1)
    assert (np.asarray(drawn)[10:60, 20:70]).all()
    assert (large.pixels, small.pixels) == tuple(region.pixels for region in answer.regions)
    assert box_of(small.corners) == answer.regions[1].box


def test_a_region_within_the_box_of_another_is_its_own() -> None:
    answer = cast(OutlinePrediction, subject_of("outlined").answer)

    assert [box_of(region.corners) for region in regions_of(answer)] == [region.box for region in answer.regions]


def test_a_box_there_and_back() -> None:
    assert box_of(around(Box(3, 4, 5, 6))) == Box(3, 4, 5, 6)


def test_a_line_of_many_corners_is_thinned_and_stays_closed() -> None:
    turns = np.linspace(0, 2 * np.pi, 20_001)
    line = (100 * np.stack([np.cos(turns), np.sin(turns)], axis=1)).astype(np.float32)
    line[-1] = line[0]

    found = thinned(line)

    assert len(found) <= MOST_CORNERS
    assert (found[0] == found[-1]).all()
    assert np.abs(np.hypot(*found.T) - 100).max() < 0.01


def test_a_withheld_answer_has_none() -> None:
    assert regions_of(subject_of("withheld").views[0]) == []
