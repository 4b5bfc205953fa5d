import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.delong import covariances, delong, delong_test

ALBUMIN, PROTEIN, SCORE = 0, 1, 2

# 43 women with ovarian cancer and an obstructed bowel: albumin, total protein, K-G score, whether surgery helped; the
# example of DeLong et al. 1988, as in SAS/STAT's guide, PROC LOGISTIC, "Comparing Receiver Operating Characteristic
# Curves". A lower K-G score is better.
WOMEN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def women() -> tuple[np.ndarray, np.ndarray]:
    table = np.array(WOMEN.split(), float).reshape(-1, 4)
    return table[:, 3].astype(int), np.stack((table[:, 0], table[:, 1], 10 - table[:, 2]))


def by_definition(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas and their covariance from every pair of a positive and a negative, as Obuchowski 1997 writes them."""
    positives, negatives = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    kernel = np.array([[[(s[i] > s[j]) + (s[i] == s[j]) / 2 for j in negatives] for i in positives] for s in scores])
    areas = kernel.mean(axis=(1, 2))
    m, n, clusters = len(positives), len(negatives), np.unique(groups)
    pairs = list(zip(kernel, areas, strict=True))
    x = np.array([[(k.mean(axis=1) - a)[groups[positives] == c].sum() for c in clusters] for k, a in pairs])
    y = np.array([[(k.mean(axis=0) - a)[groups[negatives] == c].sum() for c in clusters] for k, a in pairs])
    i10, i01, i = len(np.unique(groups[positives])), len(np.unique(groups[negatives])), len(clusters)
    s10, s01 = i10 / ((i10 - 1) * m) * x @ x.T, i01 / ((i01 - 1) * n) * y @ y.T
    s11 = i / (i - 1) * x @ y.T
    return areas, s10 / m + s01 / n + (s11 + s11.T) / (m * n)


def test_the_published_example_equals_the_definition() -> None:
    labels, scores = women()
    assert (len(labels), labels.sum()) == (43, 31)

    areas, covariance = covariances(labels, scores)

    expected_areas, expected = by_definition(labels, scores, np.arange(43))
    np.testing.assert_allclose(areas, expected_areas, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)
    np.testing.assert_allclose(covariance, _delong_1988(labels, scores), atol=1e-12)
    assert areas == pytest.approx([roc_auc_score(labels, row) for row in scores], abs=1e-12)


def _delong_1988(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Sample covariances of the placements of positives and of negatives."""
    positives, negatives = scores[:, labels == 1], scores[:, labels == 0]
    kernel = np.sign(positives[:, :, None] - negatives[:, None, :]) / 2 + 0.5
    found = np.cov(kernel.mean(axis=2)) / positives.shape[1] + np.cov(kernel.mean(axis=1)) / negatives.shape[1]
    return np.asarray(found)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("digits", [1, 12])
def test_clustered_covariances_equal_the_definition(seed: int, digits: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.integers(0, 25, 90)
    labels = random.integers(0, 2, 90)
    scores = np.round(labels + random.normal(0, 1, (3, 25))[:, groups] + random.normal(0, 1, (3, 90)), digits)

    areas, covariance = covariances(labels, scores, groups)

    expected_areas, expected = by_definition(labels, scores, groups)
    np.testing.assert_allclose(areas, expected_areas, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_interval_and_test_follow_from_the_covariance() -> None:
    labels, scores = women()
    areas, covariance = by_definition(labels, scores, np.arange(43))

    alone = delong(labels, scores[ALBUMIN])
    pair = delong_test(labels, scores[SCORE], scores[PROTEIN])

    half = norm.ppf(0.975) * np.sqrt(covariance[ALBUMIN, ALBUMIN])
    assert (alone.value, alone.low, alone.high) == pytest.approx((areas[0], areas[0] - half, areas[0] + half), abs=1e-9)
    contrast = np.array([0, -1, 1])
    error = np.sqrt(contrast @ covariance @ contrast)
    assert pair.difference.value == pytest.approx(areas[SCORE] - areas[PROTEIN], abs=1e-12)
    assert pair.statistic == pytest.approx(pair.difference.value / error, abs=1e-9)
    assert pair.p == pytest.approx(2 * norm.sf(abs(pair.statistic)), abs=1e-9)
    assert pair.difference.high == pytest.approx(pair.difference.value + norm.ppf(0.975) * error, abs=1e-9)
    assert pair.method == "DeLong"


def test_copies_of_an_image_add_nothing_to_what_is_known() -> None:
    labels, scores = women()

    once = delong(labels, scores[ALBUMIN])
    copied = delong(np.tile(labels, 3), np.tile(scores[ALBUMIN], 3), np.tile(np.arange(43), 3))

    assert (copied.low, copied.high) == pytest.approx((once.low, once.high), abs=1e-12)


def test_ends_stay_between_nought_and_one() -> None:
    labels = np.repeat([0, 1], 8)
    scores = np.arange(16.0)
    scores[7], scores[8] = 8.0, 7.0

    found = delong(labels, scores)

    assert found.value == pytest.approx(63 / 64)
    assert found.high == 1.0


def test_a_model_does_not_differ_from_itself() -> None:
    labels, scores = women()

    found = delong_test(labels, scores[0], scores[0], np.arange(43))

    assert (found.difference.value, found.statistic, found.p) == (0, 0, 1)


def test_what_has_no_spread_is_refused() -> None:
    with pytest.raises(DatasetError, match="standard error of the ROC AUC 1 is 0"):
        delong([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    with pytest.raises(DatasetError, match="differ by 1 without any spread"):
        delong_test([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.9, 0.8, 0.2, 0.1])


@pytest.mark.parametrize(
    ("labels", "scores", "groups", "message"),
    [
        ([0, 0, 1], [0.1, 0.3, 0.2], None, "two groups with positives"),
        ([0, 0, 1, 1], [0.1, 0.3, 0.2, 0.5], [1, 1, 2, 3], "two groups with negatives"),
        ([0, 0, 1, 1], [0.1, np.nan, 0.2, 0.5], None, "row 1"),
        ([0, 0, 1, 1], [0.1, 0.3, 0.2, 0.5], [1, 2], "groups"),
        ([1, 1], [0.1, 0.3], None, "both classes"),
    ],
)
def test_unusable_input_is_refused(
    labels: list[int], scores: list[float], groups: list[int] | None, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        delong(labels, scores, groups)
