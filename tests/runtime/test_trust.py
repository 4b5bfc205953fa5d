"""Doubts: foreign pictures, and those too poor to read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.covariance import EmpiricalCovariance

from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Trust
from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.novelty import fit_reference
from senoscope.runtime.store import load
from senoscope.runtime.trust import Reference, assess, quality
from tests.makers import ultrasound

TASK = TASKS.get("ultrasound")
SCAN = ultrasound(1, (200, 160))


def judged(pixels: NDArray[Any], maximum: float = 255.0) -> Trust:
    return assess(quality(Image(pixels, maximum), TASK), TASK, percentile=50.0, distance=0.5)


def codes(trust: Trust) -> list[str]:
    return [flag.code for flag in trust.flags]


def marked(width: int) -> NDArray[Any]:
    """A grey scan in three channels, with a yellow cross of this many pixels a stroke."""
    pixels = np.repeat(SCAN[..., None], 3, axis=2)
    pixels[80 : 80 + width, 60:140] = pixels[40:120, 100 : 100 + width] = (255, 220, 0)
    return pixels


def test_good_picture_raises_no_doubt() -> None:
    assert codes(judged(SCAN)) == []
    assert codes(judged(np.repeat(SCAN[..., None], 3, axis=2))) == []
    assert codes(judged(SCAN.astype(np.uint16) * 257, 65535.0)) == []
    assert not judged(SCAN).abstained


@pytest.mark.parametrize(
    ("pixels", "flags", "abstained"),
    [
        (ultrasound(1, (63, 200)), ["too_small"], True),
        (ultrasound(1, (200, 63)), ["too_small"], True),
        (ultrasound(1, (64, 64)), [], False),
        (np.zeros((1, 1), np.uint8), ["too_small", "blank"], True),
        (np.zeros((200, 200), np.uint8), ["blank"], True),
        (np.full((200, 200), 255, np.uint8), ["blank"], True),
        (np.where(np.arange(40_000).reshape(200, 200) % 200 < 70, 255, 40).astype(np.uint8), ["saturated"], False),
        (np.where(np.arange(40_000).reshape(200, 200) % 200 < 40, 255, 40).astype(np.uint8), [], False),
        (np.stack([SCAN, SCAN // 2, SCAN // 4], axis=2), ["unexpected_color"], True),
        (marked(1), ["color_marks"], False),
        (marked(4), ["color_marks"], False),
    ],
)
def test_quality(pixels: NDArray[Any], flags: list[str], abstained: bool) -> None:
    trust = judged(pixels)

    assert codes(trust) == flags
    assert trust.abstained == abstained
    assert all(flag.message.endswith(".") for flag in trust.flags)


def test_slight_tint_of_a_jpeg_is_no_colour() -> None:
    tinted = np.stack([SCAN, np.clip(SCAN.astype(int) + 8, 0, 255), SCAN], axis=2).astype(np.uint8)

    assert codes(judged(tinted)) == []


def test_colour_is_expected_where_the_modality_has_it() -> None:
    from dataclasses import replace

    colourful = Image(np.stack([SCAN, SCAN // 2, SCAN // 4], axis=2), 255.0)

    assert codes(assess(quality(colourful, replace(TASK, color=True)), TASK, 50.0, 0.5)) == []


@pytest.mark.parametrize(
    ("percentile", "distance", "flags", "abstained"),
    [
        (94.9, 0.8, [], False),
        (95.0, 0.9, ["unusual"], False),
        (100.0, 1.0, ["unusual"], False),
        (100.0, 1.001, ["out_of_distribution"], True),
    ],
)
def test_novelty(percentile: float, distance: float, flags: list[str], abstained: bool) -> None:
    trust = assess(quality(Image(SCAN, 255.0), TASK), TASK, percentile, distance)

    assert codes(trust) == flags
    assert trust.abstained == abstained


def test_gravest_doubt_comes_first() -> None:
    trust = assess(quality(Image(marked(4)[40:100, 90:], 255.0), TASK), TASK, 97.0, 0.9)

    assert [flag.severity for flag in trust.flags] == ["abstain", "warning", "warning"]


def test_distance_is_mahalanobis_where_no_direction_is_left_out() -> None:
    """With all of its directions kept, the first half of the distance is scikit-learn's, divided by their number."""
    random = np.random.default_rng(0)
    turned = np.linalg.qr(random.normal(size=(6, 6)))[0] * [3, 2.5, 2, 1.5, 1.2, 1]
    embeddings = (random.normal(size=(400, 6)) @ turned.T + 3).astype(np.float32)
    reference = fit_reference(embeddings, np.arange(400), fitted_on="noise")
    kept = reference.variance.shape[0]

    found = Reference(reference).distances(embeddings)

    basis, mean = reference.basis.numpy().astype(float), reference.mean.numpy().astype(float)
    scores = (embeddings - mean) @ basis
    left_over = embeddings - mean - scores @ np.linalg.pinv(basis)
    fitted = EmpiricalCovariance(assume_centered=True).fit(scores)
    expected = (fitted.mahalanobis(scores) / kept * 399 / 400 + (left_over**2).sum(1) / reference.residual) / 2
    assert kept == 5
    np.testing.assert_allclose(found, np.sqrt(expected), rtol=0.02)
    assert np.mean(found**2) == pytest.approx(1, abs=0.02)


def test_percentile_is_that_among_held_out_images() -> None:
    random = np.random.default_rng(0)
    reference = fit_reference(random.normal(size=(500, 20)).astype(np.float32), np.arange(500), fitted_on="noise")
    judge = Reference(reference).judge

    percentiles = [
        judge(float(d))[0] for d in Reference(reference).distances(random.normal(size=(2000, 20)).astype("f4"))
    ]

    assert np.mean(percentiles) == pytest.approx(50, abs=4)
    assert judge(reference.limit)[0] == pytest.approx(99, abs=0.1)
    assert judge(reference.limit)[1] == 1
    assert judge(1e9)[0] == 100
    assert judge(0.0)[0] == 0


def test_about_one_in_a_hundred_of_ones_own_is_refused_and_strangers_all_are() -> None:
    random = np.random.default_rng(1)
    mixing = random.normal(size=(10, 60))

    def own(count: int) -> NDArray[np.float32]:
        return (random.normal(size=(count, 10)) @ mixing + 0.1 * random.normal(size=(count, 60))).astype(np.float32)

    reference = Reference(fit_reference(own(300), np.arange(300), fitted_on="noise"))

    distances = np.array([reference.judge(float(d))[1] for d in reference.distances(own(2000))])
    strangers = np.array(
        [reference.judge(float(d))[1] for d in reference.distances(random.normal(size=(200, 60)).astype("f4") * 3)]
    )

    assert 0.0005 < (distances > 1).mean() < 0.05
    assert (strangers > 1).all()


def test_images_of_one_patient_are_held_out_together() -> None:
    """Twins in the fit would make every picture look usual."""
    random = np.random.default_rng(2)
    people = random.normal(size=(20, 30))
    embeddings = (np.repeat(people, 5, axis=0) + 0.01 * random.normal(size=(100, 30))).astype(np.float32)

    grouped = fit_reference(embeddings, np.repeat(np.arange(20), 5), fitted_on="noise")
    leaky = fit_reference(embeddings, np.arange(100), fitted_on="noise")

    assert grouped.limit > 2 * leaky.limit


@pytest.mark.parametrize(("images", "groups"), [(19, 19), (50, 4)])
def test_too_few_to_know_what_is_usual(images: int, groups: int) -> None:
    with pytest.raises(DatasetError, match="too few"):
        fit_reference(np.zeros((images, 5), np.float32), np.arange(images) % groups, fitted_on="nothing")


def test_embeddings_that_hardly_vary_give_finite_distances() -> None:
    reference = fit_reference(np.ones((30, 8), np.float32) + np.eye(30, 8, dtype="f4"), np.arange(30), fitted_on="x")

    assert np.isfinite(Reference(reference).distances(np.ones((2, 8), np.float32))).all()


def test_tiny_bundle_knows_ultrasound_from_noise(bundle: Path) -> None:
    model = load(bundle)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)

    assert not model.predict(Image(ultrasound(77, (200, 160)), 255.0)).abstained
    assert model.predict(Image(noise, 255.0)).trust.flags[0].code == "out_of_distribution"
