from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.exam import Exam, View, evenly
from senoscope.core.domain.image import Image


def test_an_exam_holds_something() -> None:
    with pytest.raises(ValueError, match="'empty' has no image"):
        Exam("empty", ())


def test_a_view_is_called_by_its_image() -> None:
    assert View(Path("a/b.png")).name == str(Path("a/b.png"))
    assert View(Image(np.zeros((2, 2), np.uint8), 255.0, "upload")).name == "upload"
    assert View(None, {"age": "50"}).name == ""


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [(3, 8, [0, 1, 2]), (8, 8, list(range(8))), (9, 3, [1, 4, 7]), (10, 1, [5]), (10, 2, [2, 7]), (0, 4, [])],
)
def test_evenly(count: int, most: int, expected: list[int]) -> None:
    assert evenly(count, most) == expected


@pytest.mark.parametrize("most", [1, 2, 5, 8, 64])
def test_evenly_takes_so_many_different_ones_in_order(most: int) -> None:
    for count in range(most, 4 * most):
        found = evenly(count, most)
        assert len(found) == most
        assert found == sorted(set(found))
        assert found[0] >= 0
        assert found[-1] < count
