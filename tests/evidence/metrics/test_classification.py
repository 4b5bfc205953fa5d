import numpy as np
import pytest
from sklearn import metrics as reference

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics import classification
from senoscope.evidence.metrics.classification import FIGURES, at_threshold, brier, confusion, ece, pr_auc, roc_auc
from senoscope.evidence.metrics.curves import pr_curve, reliability, roc_curve

CASES = [(seed, count, digits) for seed in range(4) for count, digits in ((7, 1), (60, 1), (400, 2), (400, 12))]


def sample(seed: int, count: int, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and rounded probabilities: few digits make ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    labels[:2] = 0, 1
    return labels, np.round(np.clip(0.3 * labels + random.uniform(0, 0.75, count), 0, 1), digits)


@pytest.mark.parametrize(("seed", "count", "digits"), CASES)
def test_areas_equal_the_reference(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)

    assert roc_auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)
    assert pr_auc(labels, scores) == pytest.approx(reference.average_precision_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize(("seed", "count", "digits"), CASES)
def test_calls_equal_the_reference(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)
    called = scores >= 0.5

    found = at_threshold(labels, scores, 0.5)

    assert found["sensitivity"] == pytest.approx(reference.recall_score(labels, called), abs=1e-12)
    assert found["specificity"] == pytest.approx(reference.recall_score(labels, called, pos_label=0), abs=1e-12)
    assert found["ppv"] == pytest.approx(reference.precision_score(labels, called), abs=1e-12)
    assert found["npv"] == pytest.approx(reference.precision_score(labels, called, pos_label=0), abs=1e-12)
    assert found["f1"] == pytest.approx(reference.f1_score(labels, called), abs=1e-12)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, called), abs=1e-12)
    counted = confusion(labels, scores, 0.5)
    expected = reference.confusion_matrix(labels, called).ravel().tolist()
    assert [
        counted.true_negatives,
        counted.false_positives,
        counted.false_negatives,
        counted.true_positives,
    ] == expected


@pytest.mark.parametrize(("seed", "count", "digits"), CASES)
def test_agreement_equals_the_reference_and_a_plain_loop(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)
    bins: dict[int, list[int]] = {}
    for row, score in enumerate(scores):
        bins.setdefault(min(int(score * 15), 14), []).append(row)
    expected = sum(abs(scores[rows].mean() - labels[rows].mean()) * len(rows) for rows in bins.values()) / count

    assert brier(labels, scores) == pytest.approx(reference.brier_score_loss(labels, scores), abs=1e-12)
    assert ece(labels, scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("seed", "count", "digits"), CASES)
def test_whole_weights_are_repetitions(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)
    weights = np.random.default_rng(seed).integers(0, 4, (3, count)).astype(float)
    weights[:, :2] = 1

    weighted = classification.figures(labels, scores, 0.4, weights)

    for replicate, row in enumerate(weights.astype(int)):
        repeated = classification.figures(np.repeat(labels, row), np.repeat(scores, row), 0.4)
        for name in FIGURES:
            assert weighted[name][replicate] == pytest.approx(repeated[name][0], abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize(("seed", "count", "digits"), CASES)
def test_curves_equal_the_reference(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)

    roc, precise = roc_curve(labels, scores), pr_curve(labels, scores)

    x, y, thresholds = reference.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(roc.x, x, atol=1e-12)
    np.testing.assert_allclose(roc.y, y, atol=1e-12)
    np.testing.assert_array_equal(roc.thresholds, thresholds)
    precision, recall, _ = reference.precision_recall_curve(labels, scores)
    np.testing.assert_allclose(precise.x[::-1], recall, atol=1e-12)
    np.testing.assert_allclose(precise.y[::-1], precision, atol=1e-12)


def test_reliability_bins_hold_every_sample_once() -> None:
    labels, scores = sample(0, 400, 12)

    found = reliability(labels, scores)

    assert found.counts.sum() == 400
    assert (found.predicted * found.counts).sum() == pytest.approx(scores.sum())
    assert (found.observed * found.counts).sum() == pytest.approx(labels.sum())
    gaps = np.abs(found.predicted - found.observed) * found.counts
    assert gaps.sum() / 400 == pytest.approx(ece(labels, scores), abs=1e-12)


def test_a_figure_without_a_denominator_is_not_a_number() -> None:
    found = at_threshold([0, 1], [0.1, 0.2], 0.5)

    assert np.isnan(found["ppv"])
    assert found["npv"] == 0.5
    assert found["f1"] == 0.0


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1, 1], [0.1, np.nan, 0.2], "row 1: score nan is not a number"),
        ([0, 1, 1], [0.1, np.inf, 0.2], "row 1: score inf is not a number"),
        ([0, 1, 1], [0.1, 0.3, 1.2], "row 2: probability 1.2 lies outside 0 to 1"),
        ([0, 1, 1], [-0.1, 0.3, 0.2], "row 0: probability -0.1 lies outside 0 to 1"),
        ([0, 1, 2], [0.1, 0.3, 0.2], "row 2: label 2 is neither 0 nor 1"),
        ([1, 1], [0.1, 0.3], "all 2 labels are 1"),
        ([], [], "there are no labels"),
        ([0, 1], [0.1], "do not fit"),
        ([[0, 1]], [[0.1, 0.2]], "do not fit"),
    ],
)
def test_unusable_input_names_the_row(labels: list[int], scores: list[float], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        brier(labels, scores)
