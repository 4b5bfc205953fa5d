"""Squares around lesions and of ordinary tissue, as files of their own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import InputRecipe, PatchRecipe
from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.core.preprocess.surrounding import surrounding
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.patches import ORDINARY, as_trained, lesion_patches, lesions_and_tissue
from tests.makers import mias_lesions


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Index:
    root = mias_lesions(tmp_path_factory.mktemp("films"), 8)
    return DATASETS.get("mini_mias").samples_for(TASKS.get("abnormality"), root)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(40, 50, 20, 10), Box(30, 35, 40, 40)),
        (Box(0, 0, 20, 10), Box(0, 0, 40, 40)),
        (Box(190, 95, 10, 5), Box(180, 80, 20, 20)),
        (Box(50, 40, 1, 1), Box(45, 35, 10, 10)),
        (Box(0, 0, 200, 100), Box(50, 0, 100, 100)),
    ],
    ids=["context", "corner", "far corner", "smallest", "whole"],
)
def test_a_square_has_its_context_and_stays_inside(box: Box, expected: Box) -> None:
    found = surrounding(box, Size(200, 100), 2, 0.1)

    assert found.size == expected.size
    assert abs(found.left - expected.left) <= 1
    assert abs(found.top - expected.top) <= 1


def test_any_square_lies_within_any_picture() -> None:
    random = np.random.default_rng(0)
    for _ in range(500):
        size = Size(*(int(side) for side in random.integers(1, 300, 2)))
        left, top = int(random.integers(size.width)), int(random.integers(size.height))
        box = Box(
            left, top, int(random.integers(1, size.width - left + 1)), int(random.integers(1, size.height - top + 1))
        )
        found = surrounding(box, size, random.uniform(1, 8), random.uniform(0.01, 1))
        assert found.width == found.height >= 1
        assert 0 <= found.left <= found.left + found.width <= size.width
        assert 0 <= found.top <= found.top + found.height <= size.height
        assert found.width >= min(max(box.width, box.height), size.width, size.height) - 1


def test_a_lesion_becomes_a_sample_with_its_own_pixels(films: Index, tmp_path: Path) -> None:
    found = lesion_patches(films, PatchRecipe(context=1.5), tmp_path)

    by_name = {sample.sample_id: sample for sample in films.samples}
    assert len(found.samples) == sum(len(sample.boxes) for sample in films.samples) == 6
    for patch in found.samples:
        film = by_name[patch.sample_id.removesuffix("#1")]
        assert (patch.group, patch.label, patch.facts) == (film.group, film.label, film.facts)
        x0, y0, x1, y1 = surrounding(film.boxes[0], Size(1024, 1024), 1.5, 0.1).edges
        whole = read(films.root / film.path).pixels
        np.testing.assert_array_equal(read(found.root / patch.path).pixels, whole[y0:y1, x0:x1])


def test_what_is_there_is_not_written_again(films: Index, tmp_path: Path) -> None:
    first = lesion_patches(films, PatchRecipe(), tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    again = lesion_patches(films, PatchRecipe(), tmp_path)

    assert again == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    assert not {sample.path for sample in first.samples} & {
        sample.path for sample in lesion_patches(films, PatchRecipe(context=3), tmp_path).samples
    }


def test_ordinary_tissue_is_of_films_without_a_lesion_and_on_the_breast(films: Index, tmp_path: Path) -> None:
    found = lesions_and_tissue(films, PatchRecipe(ordinary=2), 0, tmp_path)

    tissue = [sample for sample in found.samples if sample.label == ORDINARY]
    normal = {sample.sample_id for sample in films.samples if sample.label == "normal"}
    assert {sample.sample_id.split("~")[0] for sample in tissue} == normal
    assert len(tissue) == 2 * len(normal)
    for sample in tissue:
        pixels = read(found.root / sample.path).pixels
        assert pixels.shape == (120, 120)
        assert (pixels > 40).mean() > 0.6
    assert lesions_and_tissue(films, PatchRecipe(ordinary=2), 0, tmp_path) == found
    other = lesions_and_tissue(films, PatchRecipe(ordinary=2), 1, tmp_path)
    assert {s.path for s in other.samples if s.label == ORDINARY}.isdisjoint({s.path for s in tissue})


def test_where_every_film_has_a_lesion_tissue_lies_beside_it(films: Index, tmp_path: Path) -> None:
    ill = replace(films, samples=tuple(sample for sample in films.samples if sample.boxes))

    found = lesions_and_tissue(ill, PatchRecipe(ordinary=3), 0, tmp_path)

    tissue = [sample for sample in found.samples if sample.label == ORDINARY]
    assert len(tissue) == 3 * len(ill.samples)
    for sample in tissue:
        assert read(found.root / sample.path).pixels.max() <= 120


def test_a_lesion_that_nobody_outlined_is_no_ordinary_tissue(films: Index, tmp_path: Path) -> None:
    hidden = next(sample for sample in films.samples if sample.boxes)
    samples = tuple(replace(one, boxes=()) if one is hidden else one for one in films.samples)

    found = lesions_and_tissue(replace(films, samples=samples), PatchRecipe(), 0, tmp_path)

    assert not [one for one in found.samples if one.sample_id.startswith(hidden.sample_id)]


@pytest.mark.parametrize(
    "cut", [lesion_patches, lambda index, recipe, folder: lesions_and_tissue(index, recipe, 0, folder)]
)
def test_without_an_outlined_lesion_there_is_nothing_to_cut(
    films: Index, tmp_path: Path, cut: Callable[[Index, PatchRecipe, Path], Index]
) -> None:
    healthy = replace(films, samples=tuple(sample for sample in films.samples if not sample.boxes))

    with pytest.raises(DatasetError, match="no outlined lesion"):
        cut(healthy, PatchRecipe(), tmp_path)


def test_deep_pictures_keep_their_depth_and_masks_count_as_outlines(tmp_path: Path) -> None:
    pixels = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80) * 13
    Pil.fromarray(pixels).save(tmp_path / "deep.png")
    mask = np.zeros((60, 80), np.uint8)
    mask[20:30, 40:50] = 255
    Pil.fromarray(mask).save(tmp_path / "mask.png")
    sample = Sample("a", "p", "p", "deep.png", "malignant", masks=("mask.png",))

    found = lesion_patches(Index("mini_mias", tmp_path, (sample,)), PatchRecipe(context=1), tmp_path / "out")

    image = read(found.root / found.samples[0].path)
    assert image.maximum == 65535
    np.testing.assert_array_equal(image.pixels, pixels[20:30, 40:50])


def test_a_model_of_lesions_is_given_their_squares_and_never_whole_films(
    films: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENOSCOPE_CACHE", str(tmp_path))
    whole = Recipe(name="mine", task="abnormality", dataset="mini_mias")
    recipe = whole.model_copy(update={"input": InputRecipe(region="lesion")})
    plain = replace(films, samples=tuple(replace(sample, boxes=()) for sample in films.samples))

    squares = as_trained(films, recipe)

    assert len(squares.samples) == 6
    assert as_trained(squares, recipe) is squares
    assert as_trained(plain, whole) is plain
    with pytest.raises(DatasetError, match="mini_mias outlines none here"):
        as_trained(plain, recipe)
