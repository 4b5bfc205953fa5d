"""The breast is found in any mammogram, whatever its size, depth and side, and nothing upsets the search."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from scipy import ndimage
from skimage.filters import threshold_otsu

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Image, Pixels
from senoscope.core.preprocess import regions
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.regions import breast_box, breast_mask
from senoscope.core.preprocess.steps import Breast, Flip, Resize


def film(width: int = 300, height: int = 400, label: bool = True) -> NDArray[np.uint8]:
    """A half disc on the left edge, a tenth of its brightness about it, and a bright label in the far corner."""
    y, x = np.mgrid[0:height, 0:width]
    radius = min(width * 0.6, height * 0.4)
    pixels = np.where(x**2 + (y - height / 2) ** 2 < radius**2, 120, 4).astype(np.uint8)
    if label:
        pixels[: height // 10, -width // 8 :] = 255
    return pixels


def expected(width: int = 300, height: int = 400) -> tuple[int, int, int, int]:
    radius, margin = min(width * 0.6, height * 0.4), 0.02 * max(width, height)
    top, bottom = height / 2 - radius - margin, height / 2 + radius + margin
    return 0, round(top), round(radius + margin), round(bottom)


@pytest.mark.parametrize(("width", "height"), [(300, 400), (1200, 900), (90, 200), (100, 100), (2000, 3000)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_box_holds_the_breast_and_no_label(width: int, height: int, mirrored: bool) -> None:
    pixels = film(width, height)
    box, right, found = breast_box(pixels[:, ::-1] if mirrored else pixels)

    left, top, far, bottom = expected(width, height)
    wanted = (width - far, top, width, bottom) if mirrored else (left, top, far, bottom)
    cell = 2 * max(1, max(width, height) / regions.GRID) + 1
    assert np.abs(np.array(box.edges) - wanted).max() <= cell
    assert right is mirrored
    assert found


@pytest.mark.parametrize("change", ["deep", "float", "dark", "colour"])
def test_only_relative_grey_levels_count(change: str) -> None:
    pixels = film(600, 800)
    every: dict[str, Pixels] = {
        "deep": pixels.astype(np.uint16) * 257,
        "float": pixels.astype(np.float32) / 255,
        "dark": pixels.astype(np.uint16) * 3,
        "colour": np.repeat(pixels[..., None], 3, axis=2),
    }

    assert breast_box(every[change]) == breast_box(pixels)


def test_threshold_and_patch_are_those_of_reference_libraries() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        values = np.concatenate([random.normal(1, 0.3, 300), random.normal(random.uniform(2, 5), 0.5, 200)])
        assert regions._otsu(values.astype(np.float32)) == pytest.approx(threshold_otsu(values.astype(np.float32)))
        mask = random.random((40, 30)) < random.uniform(0.2, 0.7)
        labels, _ = ndimage.label(mask)
        sizes = np.bincount(labels.ravel())[1:]
        found = regions._largest(mask)
        assert found.sum() == sizes.max(initial=0)
        assert len(np.unique(labels[found])) == 1
        opened = ndimage.binary_dilation(ndimage.binary_erosion(mask, iterations=2, border_value=1), iterations=2)
        np.testing.assert_array_equal(regions._opened(mask), opened)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((50, 40), np.uint8),
        np.full((50, 40), np.nan, np.float32),
        np.full((50, 40), np.inf, np.float32),
        np.full((50, 40), -1, np.float32),
        np.zeros((1, 1), np.uint8),
        np.eye(200, dtype=np.uint8) * 255,
    ],
    ids=["black", "no number", "infinite", "negative", "one pixel", "a line"],
)
def test_where_no_breast_is_found_the_picture_stays_whole(pixels: Pixels) -> None:
    assert breast_box(pixels) == (Box(0, 0, pixels.shape[1], pixels.shape[0]), False, False)


def test_a_breast_may_fill_the_picture() -> None:
    assert breast_box(np.full((50, 40), 200, np.uint8)) == (Box(0, 0, 40, 50), False, True)


def test_a_pipeline_says_whether_the_breast_was_found() -> None:
    pipeline = Pipeline((Breast(), Resize(64, 64)), 1)

    assert pipeline.apply(Image(film(), 255)).missing == ()
    assert pipeline.apply(Image(np.zeros((50, 40), np.uint8), 255)).missing == ("breast",)


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (3, 2), (128, 128), (333, 77)])
def test_noise_of_any_shape_gives_a_box_within_the_picture(shape: tuple[int, int]) -> None:
    for seed in range(5):
        pixels = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
        box, _, _ = breast_box(pixels)
        left, top, right, bottom = box.edges
        assert 0 <= left < right <= shape[1]
        assert 0 <= top < bottom <= shape[0]


def test_a_spot_returns_to_its_place_and_is_mirrored_on_the_way() -> None:
    pixels = np.ascontiguousarray(film(600, 800, label=False)[:, ::-1])
    pixels[380:400, 430:450] = 255
    prepared = Pipeline((Breast(), Resize(224, 224)), 1).apply(Image(pixels, 255))

    assert prepared.placements[0].mirrored
    back = (prepared.array[0] > 180).astype(np.float32)
    for placement in reversed(prepared.placements):
        back = placement.invert(back)

    assert back.shape == pixels.shape
    y, x = np.mgrid[0:800, 0:600]
    assert abs((back * x).sum() / back.sum() - 439.5) < 2
    assert abs((back * y).sum() / back.sum() - 389.5) < 2


def test_both_breasts_look_alike() -> None:
    pixels = film(600, 800)
    pipeline = Pipeline((Breast(), Resize(64, 64)), 1)

    one, other = (pipeline.apply(Image(side, 255)).array for side in (pixels, np.ascontiguousarray(pixels[:, ::-1])))

    # Cells of the grid do not end where the picture does.
    assert np.abs(one - other).mean() < 2
    assert np.abs(one - Pipeline((Flip(), Resize(64, 64)), 1).apply(Image(pixels, 255)).array).mean() > 20


def test_a_manifest_may_name_it_and_nothing_else_of_it() -> None:
    adapter = TypeAdapter(Pipeline)

    made = adapter.validate_python({"steps": [{"kind": "gray"}, {"kind": "breast"}, {"kind": "flip"}]})
    assert made.steps[1] == Breast()
    with pytest.raises(ValidationError):
        adapter.validate_python({"steps": [{"kind": "breasts"}]})


def test_films_of_mini_mias_are_cut_and_turned(data_root: object) -> None:
    from pathlib import Path

    from senoscope.core.io import read

    assert isinstance(data_root, Path)
    films = sorted((data_root / "mini_mias").glob("mdb*.pgm"))[:60]
    sides = []
    for path in films:
        pixels = read(path).pixels
        box, right, _ = breast_box(pixels)
        mask = breast_mask(pixels)
        assert mask is not None
        assert 0.05 < mask.mean() < 0.8
        assert box.width < 1024
        sides.append(right is (int(path.stem[3:]) % 2 == 1))

    assert all(sides)
