"""Connected parts are those scipy finds."""

import numpy as np
import pytest
from scipy import ndimage

from senoscope.core.preprocess.components import components


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (37, 53), (120, 90)])
def test_parts_are_those_of_scipy(share: float, shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(round(share * 100)).random(shape) < share

    labels, count = components(mask)

    expected, number = ndimage.label(mask)
    assert count == number
    np.testing.assert_array_equal(labels, expected)


def test_a_spiral_is_one_part() -> None:
    mask = np.zeros((41, 41), bool)
    for ring in range(0, 20, 2):
        mask[ring, ring : 41 - ring] = mask[ring : 41 - ring, 40 - ring] = mask[40 - ring, ring : 41 - ring] = True
        mask[ring + 2 : 41 - ring, ring] = True
        mask[ring + 2, ring : ring + 3] = True

    assert components(mask)[1] == ndimage.label(mask)[1] == 1


def test_nothing_has_no_parts() -> None:
    labels, count = components(np.zeros((5, 4), bool))

    assert (count, labels.shape, labels.max()) == (0, (5, 4), 0)
