"""Stains that were mixed are told apart again, and what cannot be told is said."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import separate_stains

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError
from senoscope.core.preprocess.stains import DIMMEST, LEAST_ANGLE, amounts, density, light_of, macenko, ruifrok
from tests.makers.tissue_sets import tissue

OTHER = np.array([[0.55, 0.76, 0.35], [0.20, 0.93, 0.31]])
"""Stains of a laboratory of one's own."""


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def degrees_between(some: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle of each pair of colours of length 1."""
    found: NDArray[np.float64] = np.degrees(np.arccos(np.clip((some * others).sum(axis=1), -1, 1)))
    return found


def mixed(vectors: NDArray[np.float64], seed: int = 0, side: int = 120) -> tuple[Image, NDArray[np.float64]]:
    """A picture of 16 bits with known amounts (2, H, W): a corner of glass, places of one stain, and of both."""
    random = np.random.default_rng(seed)
    found = random.uniform(0.3, 0.9, (2, side, side))
    found[0, : side // 4], found[1, side // 4 : side // 2] = 0, 0
    found[:, :20, :20] = 0
    light = 10 ** -np.einsum("sc,shw->hwc", vectors, found)
    return Image(np.rint(light * 65535).astype(np.uint16), 65535.0), found


@pytest.mark.parametrize("vectors", [ruifrok(), unit(OTHER)], ids=["published", "other"])
def test_what_was_mixed_is_unmixed(vectors: NDArray[np.float64]) -> None:
    image, truth = mixed(vectors)

    found = amounts(density(image), vectors)

    # 16 bits hold densities of up to 0.9 to some 1e-4.
    np.testing.assert_allclose(found, truth, atol=1e-3)


def test_macenko_recovers_the_stains() -> None:
    vectors = unit(OTHER)
    image, truth = mixed(vectors)
    seen = density(image)

    found = macenko(seen.reshape(3, -1))

    assert found[0, 0] > found[1, 0]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    assert degrees_between(found, vectors).max() < 1
    np.testing.assert_allclose(amounts(seen, found), truth, atol=0.02)


def test_a_stain_too_pale_in_one_colour_is_found_as_the_purest_that_counts() -> None:
    # The published eosin takes away so little red that it counts as glass where it is alone.
    vectors = ruifrok()
    image, _ = mixed(vectors)

    found = degrees_between(macenko(density(image).reshape(3, -1)), vectors)

    assert found[0] < 1
    assert 1 < found[1] < 15


def test_order_and_brightness_of_the_pixels_do_not_count() -> None:
    image, _ = mixed(unit(OTHER), 1)
    seen = density(image).reshape(3, -1)

    shuffled = seen[:, np.random.default_rng(0).permutation(seen.shape[1])]

    np.testing.assert_allclose(macenko(shuffled), macenko(seen), atol=1e-9)


def test_amounts_are_those_of_scikit_image() -> None:
    pixels = tissue(3, 40, 30)
    vectors = ruifrok()
    # Ruifrok & Johnston take what lies across both stains for a third.
    third = np.cross(*vectors)
    inverse = np.linalg.inv(np.vstack([vectors, third / np.linalg.norm(third)]))

    found = amounts(density(Image(pixels, 255.0)), vectors)

    # There a unit is the density of a millionth of the light, which is 6.
    expected = 6 * separate_stains(pixels, inverse)[..., :2].transpose(2, 0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_density_is_of_the_full_scale_and_never_infinite() -> None:
    deep = Image(np.array([[[1000, 100, 0]]], np.uint16), 1000.0)

    np.testing.assert_allclose(density(deep)[:, 0, 0], [0, 1, -np.log10(0.5 / 1000)], atol=1e-6)
    with pytest.raises(InputError, match="no colour to tell stains by"):
        density(Image(np.zeros((4, 4), np.uint8), 255.0, "grey.png"))


@pytest.mark.parametrize(
    ("colour", "words"),
    [((255, 255, 255), "only 0 pixels are stained"), ((120, 60, 140), "all stained pixels have one colour")],
)
def test_pictures_without_two_stains_are_refused(colour: tuple[int, int, int], words: str) -> None:
    pixels = np.full((40, 40, 3), colour, np.uint8)

    with pytest.raises(InputError, match=words):
        macenko(density(Image(pixels, 255.0)).reshape(3, -1))


def test_one_stain_in_many_amounts_is_one_colour() -> None:
    random = np.random.default_rng(0)
    seen = unit(OTHER)[0][:, None] * random.uniform(0.6, 2, 5000)

    with pytest.raises(InputError, match="one colour"):
        macenko(seen + random.normal(0, 0.002, seen.shape))
    assert degrees_between(*unit(OTHER)[:, None])[0] > LEAST_ANGLE


def test_a_tint_of_the_light_is_not_taken_for_stain() -> None:
    image, truth = mixed(unit(OTHER))
    tint = np.array([0.92, 0.85, 0.97])
    tinted = Image(np.rint(image.pixels * tint).astype(np.uint16), 65535.0)

    light = light_of(tinted.pixels.reshape(-1, 3) / 65535)

    np.testing.assert_allclose(light, tint, atol=1e-3)
    np.testing.assert_allclose(amounts(density(tinted, light), unit(OTHER)), truth, atol=2e-3)
    assert amounts(density(tinted), unit(OTHER))[:, :20, :20].max() > 0.03


def test_a_picture_without_glass_is_not_taken_for_one_in_the_dark() -> None:
    assert light_of(np.full((100, 3), 0.3)) == (DIMMEST,) * 3
    assert light_of(np.ones((100, 3))) == (1, 1, 1)
