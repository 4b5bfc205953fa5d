"""The pectoral muscle is found where there is one, and nothing else is blacked out."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.core.io import read
from senoscope.core.preprocess.boxes import carried, rows_of
from senoscope.core.preprocess.pectoral import Muscle, muscle_line
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Breast, Gray, Resize
from senoscope.evidence.datasets import DATASETS


def film(top: float, side: float, muscle: int = 200, width: int = 300, height: int = 480) -> NDArray[np.uint8]:
    """A half ellipse on the left edge, noisy, with a bright corner behind a line from `top` to `side`."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(0).normal(0, 6, (height, width))
    breast = (x / (0.8 * width)) ** 2 + ((y - 0.5 * height) / (0.62 * height)) ** 2 < 1
    level = np.where(x / top + y / side < 1, muscle, 110) + noise
    return np.where(breast, np.clip(level, 1, 255), 4).astype(np.uint8)


@pytest.mark.parametrize(("top", "side"), [(110, 260), (150, 200), (80, 350), (170, 330)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float32])
def test_the_line_is_found(top: float, side: float, depth: type[np.generic]) -> None:
    pixels = film(top, side)
    given = pixels if depth == np.uint8 else pixels.astype(depth) * depth(4)

    line = muscle_line(given)

    assert line is not None
    assert abs(line.top - top) <= 0.12 * top
    assert abs(line.side - side) <= 0.12 * side


def test_a_breast_of_one_grey_has_no_muscle() -> None:
    y, x = np.mgrid[0:480, 0:300]
    smooth = np.where((x / 240) ** 2 + ((y - 240) / 300) ** 2 < 1, 110, 0).astype(np.uint8)

    assert muscle_line(smooth) is None


@pytest.mark.parametrize("pixels", [np.zeros((50, 40), np.uint8), np.full((3, 3), 9, np.uint8)])
def test_a_picture_of_nothing_has_none_and_stays_as_it_is(pixels: NDArray[np.uint8]) -> None:
    assert muscle_line(pixels) is None or pixels.any()
    assert Muscle().apply(pixels).shape == pixels.shape


def test_the_muscle_is_blacked_out_and_the_rest_stays() -> None:
    pixels = film(150, 260)

    shown = Muscle().apply(pixels)

    y, x = np.mgrid[0:480, 0:300]
    behind = x / 150 + y / 260
    assert (shown[(behind < 0.85) & (pixels > 0)] == 0).mean() > 0.99
    beyond = behind > 1.15
    np.testing.assert_array_equal(shown[beyond], pixels[beyond])
    assert (pixels[behind < 0.8] > 0).any(), "what was given is not changed"


def test_whatever_side_it_is_on_behind_the_breast_step() -> None:
    pixels = film(150, 260)
    pipeline = Pipeline((Gray(), Breast(), Muscle(), Resize(96, 96)))

    left, right = (pipeline.apply(Image(each, 255.0)).array for each in (pixels, pixels[:, ::-1].copy()))

    np.testing.assert_allclose(left, right, atol=2)
    assert pipeline.fingerprint() != Pipeline((Gray(), Breast(), Resize(96, 96))).fingerprint()


def test_hardly_any_circled_lesion_of_mini_mias_lies_in_the_muscle(data_root: Path) -> None:
    index, step = DATASETS.get("mini_mias").index(data_root), Breast()
    lost, lesions, shares = [], 0, []
    for sample in index.samples[::3]:
        pixels = read(index.root / sample.path).pixels
        placed, _ = step.find(pixels)
        breast = step.apply(pixels, placed)
        line = muscle_line(breast)
        muscle = np.zeros(breast.shape, np.bool_) if line is None else line.muscle(*breast.shape)
        shares.append(muscle.mean())
        for left, top, right, bottom in carried(rows_of(sample.boxes), [placed]):
            lesions += 1
            lost += [sample.sample_id] if muscle[int(top + bottom) // 2, int(left + right) // 2] else []

    assert lesions > 20
    assert len(lost) <= 1, lost
    # Nearly every oblique view shows the muscle, and it is a corner of it.
    assert np.mean(np.array(shares) > 0) > 0.9
    assert 0.03 < np.median(shares) < 0.2
    assert max(shares) < 0.45
