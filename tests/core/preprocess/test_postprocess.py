"""From maps to marks and regions."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import expit, softmax

from senoscope.core.domain.geometry import Box
from senoscope.core.preprocess import postprocess
from senoscope.core.preprocess.postprocess import coded, found_regions, probabilities

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("scale", [1, 100])
def test_logits_become_probabilities(scale: float) -> None:
    logits = (scale * RANDOM.normal(size=(2, 3, 5, 4))).astype(np.float32)

    np.testing.assert_allclose(probabilities(logits[:, :1]), expit(logits[:, :1]), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(probabilities(logits), softmax(logits, axis=1), rtol=1e-4, atol=1e-7)


def test_one_map_is_marked_from_the_threshold_on() -> None:
    chances = np.array([[[0.2, 0.5, 0.499], [0.9, 0.1, 0.5]]], np.float32)

    np.testing.assert_array_equal(coded(chances, 0.5, 0.0), [[0, 1, 0], [1, 0, 1]])


@pytest.mark.parametrize("share", [0.0, 0.004, 0.01, 0.05, 0.5])
def test_small_regions_are_left_out(share: float) -> None:
    noise = ndimage.gaussian_filter(RANDOM.random((60, 80)), 2)
    chances = ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)[None]

    found = coded(chances, 0.6, share)

    numbers, count = ndimage.label(chances[0] >= 0.6)
    sizes = ndimage.sum_labels(np.ones_like(numbers), numbers, range(1, count + 1))
    kept = np.flatnonzero(sizes >= share * numbers.size) + 1
    np.testing.assert_array_equal(found, np.isin(numbers, kept))


def test_of_several_maps_the_likeliest_is_taken_whatever_its_size() -> None:
    maps = softmax(RANDOM.normal(size=(4, 9, 7)), axis=0).astype(np.float32)

    np.testing.assert_array_equal(coded(maps, 0.99, 0.9), maps.argmax(axis=0))


def test_regions_of_two_labels() -> None:
    codes = np.zeros((20, 30), np.uint8)
    codes[2:5, 3:9] = codes[10:18, 20:30] = 1
    maps = RANDOM.random((1, 20, 30)).astype(np.float32)

    large, small = found_regions(codes, maps, ("tissue", "lesion"), "lesion")

    assert (large.box, large.pixels, large.share) == (Box(20, 10, 10, 8), 80, 80 / 600)
    assert (small.box, small.pixels, small.label) == (Box(3, 2, 6, 3), 18, "lesion")
    assert large.probability == pytest.approx(maps[0, 10:18, 20:30].mean())
    assert small.probability == pytest.approx(maps[0, 2:5, 3:9].mean())


def test_regions_of_several_labels_are_of_all_but_the_first() -> None:
    codes = np.zeros((12, 12), np.uint8)
    codes[:3], codes[8:, :4], codes[8:, 8:] = 1, 2, 2
    maps = softmax(RANDOM.normal(size=(3, 12, 12)), axis=0).astype(np.float32)

    found = found_regions(codes, maps, ("outside", "tumour", "stroma"), "tumour")

    assert [(region.label, region.pixels) for region in found] == [("tumour", 36), ("stroma", 16), ("stroma", 16)]
    assert found[0].probability == pytest.approx(maps[1, :3].mean())
    assert found[1].box == Box(0, 8, 4, 4)


def test_nothing_marked_has_no_regions() -> None:
    nothing = np.zeros((4, 5), np.uint8)

    assert found_regions(nothing, np.zeros((1, 4, 5), np.float32), ("tissue", "lesion"), "lesion") == ()


def test_of_countless_regions_the_largest_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postprocess, "MOST", 3)
    codes = np.zeros((9, 40), np.uint8)
    for place in range(8):
        codes[: place + 1, 4 * place] = 1

    found = found_regions(codes, codes[None].astype(np.float32), ("tissue", "lesion"), "lesion")

    assert [region.pixels for region in found] == [8, 7, 6]
