"""Pictures and boxes are changed together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.learning.boxes.source import Boxed, BoxSource, changed, seen
from senoscope.learning.data.jitter import Change, apply, draw
from senoscope.learning.data.source import parts_of

SIDE = 96
STILL = JitterRecipe(crop=1, flip=False, light=0)


@pytest.mark.parametrize("number", range(12))
def test_a_box_goes_where_its_pixels_go(number: int) -> None:
    change = draw(JitterRecipe(crop=0.5, turn=True, light=0), 3, number)
    row = np.array([[30.0, 40, 62, 60]])
    picture = torch.zeros(3, SIDE, SIDE, dtype=torch.uint8)
    picture[:, 40:60, 30:62] = 255

    found = changed(row, change, SIDE)

    bright = (apply(change, picture)[0] > 0.5).numpy()
    if not bright.any():
        assert len(found.rows) == 0
        return
    y, x = np.nonzero(bright)
    expected = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    assert np.abs(np.concatenate([found.rows, found.rest])[0] - expected).max() <= 1.5


def test_a_lesion_whose_middle_is_cut_off_is_none_and_what_is_left_is_known() -> None:
    change = Change(part=(0.5, 0.0, 0.5, 1.0))
    rows = np.array([[20.0, 10, 70, 40], [60, 50, 90, 80], [0, 0, 10, 10]])

    found = changed(rows, change, SIDE)

    np.testing.assert_allclose(found.rows, [[24, 50, 84, 80]])
    np.testing.assert_allclose(found.rest, [[0, 10, 44, 40]])


def test_slivers_are_no_lesions() -> None:
    found = seen(np.array([[-40.0, 10, 41.0, 11.5], [10, 10, 60, 60]]), SIDE)

    assert found.rows.tolist() == [[10, 10, 60, 60]]
    assert len(found.rest) == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        pixels = np.full((80, 120), 90 + number, np.uint8)
        if number < 2:
            pixels[20:40, 30:60] = 250
        Pil.fromarray(pixels).save(tmp_path / f"{number}.png")
    return tmp_path


def source(folder: Path, patch: int = 0, jitter: JitterRecipe = STILL) -> BoxSource:
    paths = [folder / f"{number}.png" for number in range(3)]
    boxes = [(Box(30, 20, 30, 20),), (Box(30, 20, 30, 20),), ()]
    return BoxSource(Boxed(paths, boxes, Pipeline((Gray(), Resize(128, 128, "pad"))), patch), jitter, 0)


def test_boxes_lie_where_the_pipeline_lays_the_lesion(folder: Path) -> None:
    found = source(folder)

    ((images, lesions),) = found.batches(parts_of(np.arange(3), 3), None)

    assert images.shape == (3, 3, 128, 128)
    assert images.max() > 200
    assert [len(one.rows) for one in lesions] == [1, 1, 0]
    left, top, right, bottom = lesions[0].rows[0].round().astype(int)
    inside = images[0, 0, top + 1 : bottom - 1, left + 1 : right - 1]
    assert bool((inside > 200).all())
    assert float((images[0, 0] > 200).sum()) == pytest.approx((right - left) * (bottom - top), rel=0.1)
    assert found.labels(np.arange(3)).tolist() == [1, 1, 0]


def test_changes_are_drawn_from_seed_epoch_and_place(folder: Path) -> None:
    jitter = JitterRecipe(crop=0.5)
    parts = parts_of(np.arange(3), 2)
    one, again, later = (
        torch.cat([images for images, _ in source(folder, jitter=jitter).batches(parts, epoch)]) for epoch in (1, 1, 2)
    )

    assert torch.equal(one, again)
    assert not torch.equal(one, later)


def test_squares_of_a_picture_are_rows_of_their_own(folder: Path) -> None:
    found = source(folder, patch=64)

    lesions = [unit for unit in found.units if unit.lesion]
    assert {unit.picture for unit in found.units} == {0, 1, 2}
    assert {unit.picture for unit in lesions} == {0, 1}
    assert len(found.units) > 6
    order = found.order(1)
    shown = [found.units[row] for row in order]
    # All squares with a lesion, and of each picture one without.
    assert sum(unit.lesion for unit in shown) == len(lesions)
    assert sorted(unit.picture for unit in shown if not unit.lesion) == [0, 1, 2]
    assert found.order(1).tolist() == order.tolist()
    others = {tuple(sorted(found.order(epoch).tolist())) for epoch in range(8)}
    assert len(others) > 1
    ((images, drawn),) = found.batches(parts_of(order, len(order)), None)
    assert images.shape[2:] == (64, 64)
    assert [int(len(one.rows) > 0) for one in drawn] == found.labels(order).tolist()
    for image, one in zip(images, drawn, strict=True):
        for left, top, right, bottom in one.rows.round().astype(int):
            assert float(image[0, top:bottom, left:right].mean()) > 200
