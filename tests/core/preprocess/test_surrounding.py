"""Boxes with what lies around them."""

import numpy as np
import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.preprocess.surrounding import enlarged

SHOWN = Box(10, 5, 100, 80)


def test_a_box_grows_about_its_middle() -> None:
    assert enlarged((40, 30, 60, 40), SHOWN, 2.0) == Box(30, 25, 40, 20)
    assert enlarged((40, 30, 60, 40), SHOWN, 1.0) == Box(40, 30, 20, 10)


def test_it_ends_where_nothing_is_shown() -> None:
    assert enlarged((10, 5, 110, 85), SHOWN, 3.0) == SHOWN
    assert enlarged((12, 8, 22, 18), SHOWN, 2.0) == Box(10, 5, 17, 18)


@pytest.mark.parametrize("seed", range(20))
def test_it_always_lies_within_and_holds_a_pixel(seed: int) -> None:
    random = np.random.default_rng(seed)
    left, top = random.uniform(-50, 150, 2)
    edges = (left, top, left + random.uniform(0, 80), top + random.uniform(0, 80))

    found = enlarged(edges, SHOWN, float(random.uniform(1, 4)))

    x0, y0, x1, y1 = found.edges
    assert x0 >= SHOWN.left
    assert y0 >= SHOWN.top
    assert x1 <= SHOWN.edges[2]
    assert y1 <= SHOWN.edges[3]
    assert found.width >= 1
    assert found.height >= 1
