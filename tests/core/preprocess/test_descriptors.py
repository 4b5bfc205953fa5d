"""Measures of a lesion are those of scikit-image where it has them, and mean what they say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import measure

from senoscope.core.domain.geometry import Box
from senoscope.core.preprocess.descriptors import (
    DESCRIPTORS,
    SMALLEST,
    box_of,
    describe,
    largest,
    lesion_of,
    perimeter,
)


def ellipse(width: float, height: float, size: tuple[int, int] = (160, 200), turn: float = 0.0) -> NDArray[np.bool_]:
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    down, across = y - size[0] / 2, x - size[1] / 2
    along, over = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
    found: NDArray[np.bool_] = (along / width) ** 2 + (over / height) ** 2 <= 1
    return found


def blob(seed: int) -> NDArray[np.bool_]:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:120, 0:140]
    angle = np.arctan2(y - 60, x - 70)
    edge = 30 + sum(random.uniform(0, 4) * np.cos(k * angle + random.uniform(0, 6)) for k in range(2, 9))
    found: NDArray[np.bool_] = np.hypot(y - 60, x - 70) <= edge
    return found


@pytest.mark.parametrize("seed", range(6))
def test_measures_are_those_of_scikit_image(seed: int) -> None:
    mask = largest(blob(seed))
    grey = np.random.default_rng(seed).random(mask.shape)
    (region,) = measure.regionprops(mask.astype(np.uint8), intensity_image=grey)

    found = describe(mask, grey)

    assert found is not None
    assert tuple(found) == tuple(one.name for one in DESCRIPTORS)
    top, left, bottom, right = region.bbox
    assert found["lesion_area"] == pytest.approx(np.log10(region.area / mask.size))
    assert found["lesion_height_to_width"] == pytest.approx((bottom - top) / (right - left))
    assert found["lesion_fill"] == pytest.approx(region.extent)
    assert found["lesion_brightness"] == pytest.approx(region.intensity_mean - grey.mean())
    assert found["lesion_contrast"] == pytest.approx(grey[mask].std() / grey.std())
    assert perimeter(mask) == pytest.approx(measure.perimeter_crofton(mask, directions=4), rel=0.01)


@pytest.mark.parametrize("radius", [15, 30, 60])
def test_a_disc_is_round_whatever_its_size(radius: int) -> None:
    disc = ellipse(radius, radius)

    found = describe(disc, np.full(disc.shape, 0.5))

    assert found is not None
    assert found["lesion_circularity"] == pytest.approx(1, abs=0.06)
    assert found["lesion_height_to_width"] == pytest.approx(1, abs=0.1)
    assert found["lesion_contrast"] == 1.0


def test_taller_than_wide_and_ragged() -> None:
    tall, wide = (describe(ellipse(*sides), np.zeros((160, 200))) for sides in ((20, 40), (40, 20)))
    rough = describe(blob(3), np.zeros((120, 140)))

    assert tall is not None
    assert wide is not None
    assert rough is not None
    assert tall["lesion_height_to_width"] > 1.8
    assert wide["lesion_height_to_width"] < 0.6
    assert rough["lesion_circularity"] < tall["lesion_circularity"] + 0.3


def test_what_is_too_small_is_not_measured() -> None:
    mask = np.zeros((30, 30), bool)
    mask[3, 3 : 2 + SMALLEST] = True

    assert describe(mask, np.zeros(mask.shape)) is None
    assert describe(np.zeros((30, 30), bool), np.zeros((30, 30))) is None


def test_the_largest_part_is_the_lesion() -> None:
    chances = np.zeros((60, 80), np.float32)
    chances[5:10, 5:10], chances[30:50, 20:60] = 0.9, 0.6

    found = lesion_of(chances, 0.5, 0.001)

    assert found is not None
    assert box_of(found) == Box(20, 30, 40, 20)


def test_what_is_unsure_is_taken_at_half_of_its_peak() -> None:
    chances = np.zeros((60, 80), np.float32)
    chances[30:50, 20:60], chances[30:35, 20:60] = 0.1, 0.2

    found = lesion_of(chances, 0.5, 0.001)

    assert found is not None
    assert box_of(found) == Box(20, 30, 40, 20)
    assert lesion_of(np.zeros((60, 80), np.float32), 0.5, 0.001) is None
