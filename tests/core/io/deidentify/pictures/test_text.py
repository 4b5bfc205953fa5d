"""Words drawn into pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.io.deidentify.pictures.text import Box, find_text, merged
from tests.makers import oval
from tests.makers.private_dicom import written

WORDS = "MUSTERFRAU Erika 1961"


def covered(boxes: list[Box], drawn: NDArray[np.bool_]) -> float:
    mask = np.zeros(drawn.shape, bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return float((mask & drawn).sum() / drawn.sum())


@pytest.mark.parametrize("size", [10, 14, 20, 28])
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_words_on_a_plain_ground_are_covered(size: int, inverted: bool, depth: type) -> None:
    picture = written(WORDS, size=size, shape=(100, 420))
    drawn = picture > 0
    given: NDArray[np.generic] = (255 - picture if inverted else picture).astype(depth)

    assert covered(find_text(given), drawn) > 0.97


def test_coloured_words_are_covered() -> None:
    picture = np.zeros((100, 420, 3), np.uint8)
    picture[..., 1] = written(WORDS, shape=(100, 420))

    assert covered(find_text(picture), picture[..., 1] > 0) > 0.97


def test_bright_words_in_speckle_are_covered() -> None:
    random = np.random.default_rng(1)
    speckle = random.gamma(2, 20, (240, 420)).clip(0, 190).astype(np.uint8)
    words = np.zeros_like(speckle)
    words[:100] = written(WORDS, size=28, shape=(100, 420))

    assert covered(find_text(np.maximum(speckle, words)), words > 128) > 0.95


@pytest.mark.parametrize("value", [0, 255])
def test_an_empty_picture_has_no_words(value: int) -> None:
    assert find_text(np.full((80, 80), value, np.uint8)) == []


def test_a_smooth_shape_is_no_word() -> None:
    shape = oval(160, 120, (30, 20, 100, 80)).astype(np.uint8) * 200

    assert find_text(shape) == []


def test_a_tiny_picture_has_no_words() -> None:
    assert find_text(np.eye(3, dtype=np.uint8)) == []


def test_boxes_within_others_are_left_out() -> None:
    assert merged([(0, 0, 9, 9), (1, 1, 5, 5), (0, 0, 9, 9), (5, 5, 12, 12)]) == [(0, 0, 9, 9), (5, 5, 12, 12)]
