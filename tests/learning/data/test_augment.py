"""Extra views of training images."""

import numpy as np
import pytest

from senoscope.core.domain.image import Image
from senoscope.core.domain.recipe_parts import AugmentRecipe
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Breast, Crop, Flip, Gray, Resize
from senoscope.learning.data.augment import viewed, views
from tests.makers import ultrasound

RECIPE = AugmentRecipe(views=6, smallest_crop=0.7)


def test_plain_view_comes_first_and_alone_without_augmentation() -> None:
    assert views(RECIPE, "a", 0)[0] == ()
    assert views(AugmentRecipe(views=0), "a", 0) == [()]


def test_views_depend_on_sample_and_seed_alone() -> None:
    assert views(RECIPE, "a", 0) == views(RECIPE, "a", 0)
    assert views(RECIPE, "a", 0) != views(RECIPE, "b", 0)
    assert views(RECIPE, "a", 0) != views(RECIPE, "a", 1)


def test_more_views_begin_with_the_fewer() -> None:
    assert views(RECIPE, "a", 0)[:3] == views(RECIPE.model_copy(update={"views": 2}), "a", 0)


@pytest.mark.parametrize("sample", [f"sample {number}" for number in range(20)])
def test_crops_lie_within_the_picture(sample: str) -> None:
    for view in views(RECIPE, sample, 0)[1:]:
        (crop,) = (step for step in view if isinstance(step, Crop))
        assert 0.7 <= crop.width == crop.height <= 1
        assert crop.left >= 0
        assert crop.top >= 0
        assert crop.left + crop.width <= 1 + 1e-9
        assert crop.top + crop.height <= 1 + 1e-9


def test_every_second_view_is_mirrored_where_the_recipe_flips() -> None:
    mirrored = [any(isinstance(step, Flip) for step in view) for view in views(RECIPE, "a", 0)]
    unmirrored = views(RECIPE.model_copy(update={"flip": False}), "a", 0)

    assert mirrored == [False, True, False, True, False, True, False]
    assert not any(isinstance(step, Flip) for view in unmirrored for step in view)


def test_without_crop_the_one_view_is_the_mirror_image() -> None:
    pipeline = Pipeline((Gray(), Resize(48, 64, "stretch")))
    image = Image(ultrasound(1, (64, 48)), 255.0)
    _, view = views(AugmentRecipe(views=1, smallest_crop=1.0), "a", 0)

    plain, mirrored = (viewed(pipeline, steps).apply(image).array for steps in ((), view))

    assert np.array_equal(mirrored, plain[:, :, ::-1])


@pytest.mark.parametrize("first", [(Gray(),), ()])
def test_steps_of_a_view_follow_the_colour_step(first: tuple[Gray, ...]) -> None:
    pipeline = Pipeline((*first, Resize(32, 32)))

    changed = viewed(pipeline, (Flip(),))

    assert changed.steps == (*first, Flip(), Resize(32, 32))
    assert changed.fingerprint() != pipeline.fingerprint()


def test_geometric_views_are_the_six_arrangements() -> None:
    pipeline, image = Pipeline((Gray(),)), Image(ultrasound(1, (48, 48)), 255.0)
    plain = image.pixels.astype(np.float32)

    found = [
        viewed(pipeline, view).apply(image).array[0] for view in views(AugmentRecipe(views=5, geometric=True), "a", 0)
    ]

    expected = [plain, plain[:, ::-1], np.rot90(plain), np.rot90(plain, 2), np.rot90(plain, 3), plain[::-1]]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_a_mirrored_view_of_a_breast_is_not_turned_back() -> None:
    film = np.zeros((60, 80), np.uint8)
    film[10:50, 40:] = np.linspace(90, 220, 40).astype(np.uint8)[:, None]
    pipeline = Pipeline((Gray(), Breast(), Resize(32, 32, "pad")))

    plain, mirrored = (viewed(pipeline, view).apply(Image(film, 255.0, "a film")).array for view in ((), (Flip(),)))

    assert not np.array_equal(plain, mirrored)
    assert viewed(pipeline, (Flip(),)).steps == (Gray(), Breast(), Flip(), Resize(32, 32, "pad"))
