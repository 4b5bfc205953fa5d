"""A woman before a cool room: what is found of her, and what must not matter."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from skimage.filters import threshold_otsu
from skimage.morphology import closing

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Image
from senoscope.core.io import read
from senoscope.core.preprocess.body import closed, find_body, otsu
from senoscope.core.preprocess.heat import Mirror, Torso
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize, Step
from tests.makers import breasts

Levels = NDArray[np.float32]


def _mirrored(levels: Levels) -> Levels:
    return np.ascontiguousarray(levels[:, ::-1])


def test_warm_and_cool_are_parted_as_otsu_parts_them() -> None:
    levels = breasts(3)

    bound, parted = otsu(levels)

    assert bound == pytest.approx(threshold_otsu(levels), abs=2 * float(np.ptp(levels)) / 256)
    assert 0.6 < parted <= 1
    assert otsu(np.full((20, 20), 30.0, np.float32))[1] == 0


@pytest.mark.parametrize("side", [3, 9, 15])
def test_cold_things_are_filled_as_skimage_closes_them(side: int) -> None:
    levels = np.random.default_rng(0).normal(30, 2, (40, 60)).astype(np.float32)

    np.testing.assert_array_equal(closed(levels, side), closing(levels, np.ones((side, side)), mode="ignore"))


@pytest.mark.parametrize("shift", [-40, 0, 30])
def test_the_body_and_its_axis_are_found_wherever_it_stands(shift: int) -> None:
    levels, truth = breasts(1, shift=shift), breasts(1, shift=shift, noise=0, room=-1e3) > 0

    body = find_body(levels)

    assert body.found
    assert body.axis == pytest.approx(160 + shift, abs=2)
    assert (body.mask & truth).sum() / (body.mask | truth).sum() > 0.97
    assert body.box.left + body.box.width / 2 == pytest.approx(body.axis, abs=1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 3.0), (1.0, -5.0), (1.8, 32.0), (5.0, 0.0)])
def test_neither_the_unit_nor_the_rooms_warmth_matters(seed: int, gain: float, offset: float) -> None:
    levels = breasts(seed)

    found, other = Torso().cut(levels), Torso().cut((levels * gain + offset).astype(np.float32))

    assert found.placement == other.placement
    np.testing.assert_allclose(found.levels, other.levels, atol=2e-4)


def test_the_background_does_not_matter() -> None:
    body = breasts(2, noise=0, room=-1e3) > 0
    y, x = np.mgrid[0:240, 0:320]
    levels = breasts(2)
    other = np.where(body, levels, 18 + 4 * (x / 320) + 2 * np.sin(y / 9)).astype(np.float32)

    for step in (Torso(), Torso(paired=True)):
        found = np.abs(step.cut(levels).levels - step.cut(other).levels)
        # The outline may lie a pixel elsewhere.
        assert np.mean(found > 0.01) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_a_mirrored_woman_gives_the_mirrored_torso(seed: int) -> None:
    levels = breasts(seed, shift=14, spot=2.0)

    found, other = (Torso(paired=True).cut(one) for one in (levels, _mirrored(levels)))

    assert found.placement.source_box.width == other.placement.source_box.width
    assert abs(found.levels - other.levels[:, ::-1]).mean() < 0.01
    np.testing.assert_array_equal(Mirror().apply(found.levels)[:, ::-1, 0], Mirror().apply(found.levels)[..., 1])


def test_a_warm_spot_on_one_side_is_what_the_mirror_shows() -> None:
    torso = Torso(paired=True)
    plain, spotted = (Mirror().apply(torso.cut(breasts(1, noise=0, spot=warmer)).levels) for warmer in (0.0, 3.0))

    assert plain[..., 2].max() < 0.1
    row, column = np.unravel_index(np.argmax(spotted[..., 2]), spotted.shape[:2])
    assert spotted[row, column, 2] > 0.2
    np.testing.assert_allclose(spotted[..., 2], spotted[:, ::-1, 2])


@pytest.mark.parametrize("side", [12, 24, 34])
def test_a_marker_on_the_skin_leaves_no_trace_of_its_size(side: int) -> None:
    step = Torso()

    without, marked = (step.cut(breasts(1, noise=0, marker=size)).levels for size in (0, side))

    assert np.abs(without - marked).max() < 0.1
    assert np.abs(without - Torso(patch=0).cut(breasts(1, noise=0, marker=side)).levels).max() > 0.3


def _blank() -> Levels:
    return np.full((48, 64), 30.0, np.float32)


def _noise() -> Levels:
    return np.random.default_rng(0).normal(30, 1, (120, 160)).astype(np.float32)


def _leg() -> Levels:
    """Something warm in a corner."""
    levels = np.full((120, 160), 20.0, np.float32)
    levels[:20, :30] = 34
    return levels


@pytest.mark.parametrize("make", [_blank, _noise, _leg])
@pytest.mark.parametrize("paired", [False, True])
def test_where_no_body_is_the_whole_picture_stands_for_it_and_says_so(make: Any, paired: bool) -> None:
    levels = make()

    cut = Torso(paired=paired).cut(levels)

    assert not cut.found
    assert cut.levels.shape == levels.shape
    assert np.isfinite(cut.levels).all()
    assert cut.placement.source_box == Box(0, 0, levels.shape[1], levels.shape[0])


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 300), (3, 5), (700, 40), (1200, 1600)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_shape_and_depth_comes_out_bounded(shape: tuple[int, int], dtype: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, shape).astype(dtype)

    cut = Torso(paired=True).cut(pixels)

    assert cut.levels.dtype == np.float32
    assert max(cut.levels.shape) <= 512
    assert 0 <= cut.levels.min() <= cut.levels.max() <= 1
    back = cut.placement.invert(cut.levels)
    assert (back.shape[0], back.shape[1]) == shape


def test_evidence_goes_back_to_where_the_torso_was() -> None:
    levels = breasts(1, shift=30)
    cut = Torso().cut(levels)
    heat = np.zeros_like(cut.levels)
    heat[:, cut.levels.shape[1] // 2] = 1

    back = cut.placement.invert(heat)

    assert back.shape == levels.shape
    assert abs(int(np.argmax(back.sum(axis=0))) - 190) <= 2


@pytest.mark.parametrize("step", [Torso().cut, Mirror().apply])
def test_colour_is_an_error_of_the_pipeline(step: Any) -> None:
    with pytest.raises(ValueError, match="colour"):
        step(np.zeros((20, 20, 3), np.uint8))


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "torso", "span": 0},
        {"kind": "torso", "span": float("nan")},
        {"kind": "torso", "patch": 0.9},
        {"kind": "torso", "paired": "perhaps"},
        {"kind": "torso", "span": 1e9},
        {"kind": "torsos"},
    ],
)
def test_hostile_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Step).validate_python(values)


def test_a_pipeline_gives_the_torso_its_mirror_image_and_the_difference() -> None:
    levels = breasts(1, shift=20, spot=2.0)
    pipeline = Pipeline((Gray(), Torso(paired=True), Mirror(), Resize(64, 64)))

    prepared = pipeline.apply(Image(levels, 50.0))

    array = prepared.array / 255
    assert prepared.missing == ()
    assert array.shape == (3, 64, 64)
    np.testing.assert_allclose(array[1], array[0][:, ::-1], atol=1e-5)
    assert array[2].max() > 0.15
    warmer = pipeline.apply(Image((levels + 4).astype(np.float32), 60.0))
    np.testing.assert_allclose(warmer.array, prepared.array, atol=0.2)


def test_a_picture_without_a_body_is_prepared_and_says_so() -> None:
    prepared = Pipeline((Gray(), Torso(), Resize(32, 32))).apply(Image(np.zeros((80, 90, 3), np.uint8), 255.0))

    assert prepared.missing == ("torso",)
    assert np.isfinite(prepared.array).all()


@pytest.mark.parametrize(
    "values",
    [
        {"steps": [{"kind": "torso"}]},
        {"steps": [{"kind": "mirror"}, {"kind": "gray"}]},
        {"steps": [{"kind": "gray"}, {"kind": "mirror"}, {"kind": "torso"}]},
        {"steps": [{"kind": "gray"}, {"kind": "mirror"}, {"kind": "mirror"}]},
        {"steps": [{"kind": "gray"}, {"kind": "mirror"}], "channels": 1},
    ],
)
def test_steps_in_an_order_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"step '(torso|mirror)'"):
        TypeAdapter(Pipeline).validate_python(values)


def test_every_thermogram_of_the_public_set_has_a_body_and_an_axis(data_root: Path) -> None:
    paths = sorted((data_root / "dmr_ir").rglob("T*.txt"))[::10]

    found = [find_body(read(path).pixels) for path in paths]

    assert len(found) == 24
    assert all(body.found for body in found)
    assert all(130 < body.axis < 190 for body in found)
