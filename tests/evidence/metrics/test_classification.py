import numpy as np
import pytest
import statsmodels.api as statsmodels
from sklearn import metrics as reference
from statsmodels.stats.proportion import proportion_confint

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics import classification
from senoscope.evidence.metrics.classification import (
    FIGURES,
    at_threshold,
    brier,
    confusion,
    ece,
    pr_auc,
    roc_auc,
    roc_auc_within,
)
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
    balanced = reference.balanced_accuracy_score(labels, called)
    assert found["balanced_accuracy"] == pytest.approx(balanced, abs=1e-12)
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
def test_parts_of_the_curve_equal_the_reference(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)
    alarms, hits, _ = reference.roc_curve(labels, scores, drop_intermediate=False)

    found = classification.ranking(labels, scores)

    expected = reference.roc_auc_score(labels, scores, max_fpr=0.1)
    assert found["partial_auc"][0] == pytest.approx(expected, abs=1e-12)
    assert found["sensitivity_at_90_specificity"][0] == pytest.approx(hits[alarms <= 0.1 + 1e-12].max(), abs=1e-12)
    assert found["specificity_at_90_sensitivity"][0] == pytest.approx(1 - alarms[hits >= 0.9 - 1e-12].min(), abs=1e-12)


def test_a_share_of_exactly_nine_tenths_is_enough() -> None:
    labels = np.repeat([0, 1], 10)
    scores = np.concatenate((np.linspace(0.1, 0.5, 10), [0.05], np.linspace(0.47, 0.9, 9)))

    found = classification.ranking(labels, scores)

    assert found["specificity_at_90_sensitivity"][0] == pytest.approx(0.9)
    assert found["sensitivity_at_90_specificity"][0] == pytest.approx(0.9)


@pytest.mark.parametrize(("seed", "count", "digits"), CASES)
def test_probabilistic_f1_equals_its_definition(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)
    right, wrong = sum(scores[labels == 1]), sum(scores[labels == 0])
    precision, recall = right / (right + wrong), right / (labels == 1).sum()

    found = classification.agreement(labels, scores)["pf1"][0]

    assert found == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-12)


@pytest.mark.parametrize(("seed", "count", "digits"), [case for case in CASES if case[1] == 400])
def test_recalibration_equals_the_reference(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)
    labels[-40:] = 1 - labels[-40:]
    scores = np.clip(scores, 0.01, 0.99)
    weights = np.random.default_rng(seed).integers(0, 4, count)
    logits = np.log(scores / (1 - scores))
    settings = {"family": statsmodels.families.Binomial(), "freq_weights": weights}
    large = statsmodels.GLM(labels, np.ones(count), offset=logits, **settings).fit(tol=1e-13)
    line = statsmodels.GLM(labels, statsmodels.add_constant(logits), **settings).fit(tol=1e-13)

    found = classification.recalibrated(labels, scores, weights[None].astype(float))

    assert found["calibration_intercept"][0] == pytest.approx(large.params[0], abs=1e-9)
    assert found["calibration_slope"][0] == pytest.approx(line.params[1], abs=1e-9)


@pytest.mark.parametrize("scores", [[0.1, 0.2, 0.6, 0.9], [0.9, 0.6, 0.2, 0.1], [0.3, 0.3, 0.3, 0.3]])
def test_no_slope_fits_separated_classes_or_one_probability(scores: list[float]) -> None:
    found = classification.recalibrated(np.array([0, 0, 1, 1]), np.array(scores))

    assert np.isnan(found["calibration_slope"][0])
    assert np.isfinite(found["calibration_intercept"][0])


def test_probabilities_of_nought_and_one_are_recalibrated() -> None:
    found = classification.recalibrated(np.array([0, 1, 0, 1, 1]), np.array([0.0, 1.0, 0.6, 0.5, 0.0]))

    assert np.isfinite(list(found.values())).all()


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_no_order(label: int) -> None:
    found = classification.figures(np.full(5, label), np.linspace(0.1, 0.9, 5), 0.5)

    defined = {name for name, value in found.items() if np.isfinite(value[0])}
    either = {"accuracy", "brier", "ece", "f1", "pf1", "ppv", "npv"}
    assert defined == either | {"sensitivity" if label else "specificity"}


def test_every_figure_has_a_title() -> None:
    assert tuple(classification.TITLES) == FIGURES
    assert len(FIGURES) == 17


@pytest.mark.parametrize(("seed", "count", "digits"), CASES)
def test_whole_weights_are_repetitions(seed: int, count: int, digits: int) -> None:
    labels, scores = sample(seed, count, digits)
    weights = np.random.default_rng(seed).integers(0, 4, (3, count)).astype(float)
    weights[:, :2] = 1

    weighted = classification.figures(labels, scores, 0.4, weights)

    for replicate, row in enumerate(weights.astype(int)):
        repeated = classification.figures(np.repeat(labels, row), np.repeat(scores, row), 0.4)
        for name in FIGURES:
            assert weighted[name][replicate] == pytest.approx(repeated[name][0], abs=1e-12, rel=1e-9, nan_ok=True), name


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
    assert ((found.low <= found.observed) & (found.observed <= found.high)).all()
    wide = [
        proportion_confint(round(s * n), n, method="wilson") for s, n in zip(found.observed, found.counts, strict=True)
    ]
    np.testing.assert_allclose(np.column_stack((found.low, found.high)), wide, atol=1e-12)
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


def test_roc_auc_within_folds_is_blind_to_shifts_between_them() -> None:
    random = np.random.default_rng(3)
    folds = np.repeat([0, 1, 2], 40)
    labels = (random.random(120) < np.array([0.2, 0.5, 0.8])[folds]).astype(int)
    scores = labels + random.normal(size=120)
    pairs = [
        (scores[one] > scores[other])
        for fold in range(3)
        for one in np.flatnonzero((folds == fold) & (labels == 1))
        for other in np.flatnonzero((folds == fold) & (labels == 0))
    ]

    assert roc_auc_within(labels, scores, folds) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert roc_auc_within(labels, scores - 10 * folds, folds) == roc_auc_within(labels, scores, folds)
    assert np.isnan(roc_auc_within([0, 1], [0.1, 0.2], [0, 1]))
