"""Changes of training pictures: what is drawn, what it does, and stains as scikit-image tells them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.color import hed2rgb, rgb2hed
from torch import Tensor
from torchvision.transforms.v2 import functional

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.preprocess.stains import stained, stains
from senoscope.learning.data.jitter import Change, apply, draw, restained
from tests.makers.tissue_sets import tissue

NOTHING = JitterRecipe(crop=1.0, flip=False, light=0.0)
EVERYTHING = JitterRecipe(crop=0.5, turn=True, stain=0.3)


def picture(seed: int = 0, side: int = 48) -> Tensor:
    return torch.from_numpy(tissue(seed, side, side)).permute(2, 0, 1).contiguous()


def test_nothing_asked_changes_nothing() -> None:
    assert draw(NOTHING, 1, 2, 3) == Change()
    torch.testing.assert_close(apply(Change(), picture()), picture() / 255)


def test_the_same_seed_draws_the_same_in_any_order() -> None:
    forwards = [draw(EVERYTHING, 5, 1, place) for place in range(50)]
    np.random.seed(0)  # the global state must not matter
    torch.manual_seed(0)

    assert [draw(EVERYTHING, 5, 1, place) for place in reversed(range(50))][::-1] == forwards
    assert len(set(forwards)) == 50
    assert draw(EVERYTHING, 5, 2, 0) != forwards[0]
    assert draw(EVERYTHING, 6, 1, 0) != forwards[0]


def test_what_is_drawn_stays_within_what_is_asked() -> None:
    drawn = [draw(EVERYTHING, seed) for seed in range(2000)]

    parts = np.array([change.part for change in drawn])
    areas, ratios = parts[:, 2] * parts[:, 3], parts[:, 2] / parts[:, 3]
    assert 0.49 < areas.min() < 0.52
    assert areas.max() <= 1
    assert ratios.min() >= 0.79
    assert ratios.max() <= 1.26
    assert parts.min() >= 0
    assert (parts[:, :2] + parts[:, 2:]).max() <= 1 + 1e-9
    assert {change.turns for change in drawn} == {0, 1, 2, 3}
    assert 0.45 < np.mean([change.mirrored for change in drawn]) < 0.55
    for values in ([change.brightness for change in drawn], [change.contrast for change in drawn]):
        assert (round(min(values), 2), round(max(values), 2)) == (0.8, 1.2)
    stain = np.array([change.stain for change in drawn])
    assert np.allclose([stain[:, :2].min(), stain[:, :2].max()], [0.7, 1.3], atol=0.01)
    assert np.allclose([stain[:, 2:].min(), stain[:, 2:].max()], [-0.03, 0.03], atol=0.001)


@pytest.mark.parametrize("change", [draw(EVERYTHING, seed) for seed in range(8)])
def test_a_changed_picture_is_one(change: Change) -> None:
    found = apply(change, picture())

    assert found.shape == (3, 48, 48)
    assert found.dtype == torch.float32
    assert 0 <= float(found.min()) < float(found.max()) <= 1
    assert not torch.equal(found, picture() / 255)


def test_geometry_moves_pixels_and_nothing_else() -> None:
    plain = picture() / 255

    torch.testing.assert_close(apply(Change(mirrored=True), picture()), plain.flip(2))
    torch.testing.assert_close(apply(Change(turns=1), picture()), plain.rot90(1, (1, 2)))
    torch.testing.assert_close(apply(Change(mirrored=True, turns=3), picture()), plain.flip(2).rot90(3, (1, 2)))


def test_the_part_that_is_seen_fills_the_square() -> None:
    found = apply(Change(part=(0.25, 0.5, 0.5, 0.25)), picture())

    expected = functional.resize(picture()[:, 24:36, 12:36], [48, 48], antialias=True)
    # Both round to whole levels, at times to neighbours.
    torch.testing.assert_close(found, expected / 255, atol=1.01 / 255, rtol=0)
    assert float((found - expected / 255).abs().mean()) < 0.02 / 255


def test_brightness_and_contrast_are_those_of_torchvision() -> None:
    found = apply(Change(brightness=1.15, contrast=0.85), picture())

    expected = functional.adjust_contrast(functional.adjust_brightness(picture() / 255, 1.15), 0.85)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def colours(seed: int = 0) -> NDArray[np.float64]:
    """RGB (3, H, W) of tissue."""
    return picture(seed).numpy() / 255


@pytest.mark.parametrize("seed", range(3))
def test_stains_are_those_of_scikit_image(seed: int) -> None:
    found = stains(colours(seed))

    expected = rgb2hed(colours(seed).transpose(1, 2, 0))
    np.testing.assert_allclose(found.clip(0).transpose(1, 2, 0), expected, atol=1e-6)


def test_stains_become_colours_as_in_scikit_image() -> None:
    amounts = np.random.default_rng(0).uniform(0, 0.1, (3, 20, 20))

    expected = hed2rgb(amounts.transpose(1, 2, 0))

    np.testing.assert_allclose(stained(amounts).transpose(1, 2, 0), expected, atol=1e-6)


def test_stains_that_stay_leave_the_picture_as_it_is() -> None:
    plain = colours().astype(np.float32)

    found = restained(plain, (1.0, 1.0, 0.0, 0.0))

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain, atol=1e-5)


def test_more_haematoxylin_is_more_of_it_alone() -> None:
    before, after = stains(colours()), stains(restained(colours(), (1.1, 1.0, 0.0, 0.0)))

    inside = (np.abs(after - before)[1:] < 1e-6).all(axis=0)  # elsewhere a colour reached black or white
    assert inside.mean() > 0.9
    np.testing.assert_allclose(after[0][inside], before[0][inside] * 1.1, rtol=1e-6)


def test_a_single_plane_moves_as_a_picture_does() -> None:
    change = replace(draw(EVERYTHING, 4), brightness=1.0, contrast=1.0, stain=None)

    assert torch.equal(apply(change, picture()[1:2]), apply(change, picture())[1:2])
