import numpy as np
import pytest
import statsmodels.api as statsmodels
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax
from sklearn.calibration import _sigmoid_calibration

from senoscope.core.errors import DatasetError, NoRankingError
from senoscope.evidence.metrics.calibration import fit, fit_softmax, recalibration, shift_prior


def sample(seed: int, count: int = 300, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = (random.uniform(size=count) < 0.3).astype(int)
    return scale * (2.0 * labels - 0.4 + random.normal(0, 1.5, count)), labels


@pytest.mark.parametrize(("seed", "scale"), [(0, 1.0), (1, 1.0), (2, 25.0), (3, 0.01)])
def test_platt_equals_the_reference(seed: int, scale: float) -> None:
    logits, labels = sample(seed, scale=scale)

    found = fit("platt", logits, labels, fitted_on="made up")

    a, b = _sigmoid_calibration(logits, labels.astype(float))
    expected = 1 / (1 + np.exp(a * logits + b))
    np.testing.assert_allclose(found.apply(logits), expected, atol=2e-5)  # its optimiser stops at that


def test_platt_stands_at_the_optimum() -> None:
    logits, labels = sample(0)
    positives, negatives = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    left = fit("platt", logits, labels, fitted_on="made up").apply(logits) - targets

    assert abs(left.sum()) < 1e-8
    assert abs((left * logits).sum()) < 1e-8


@pytest.mark.parametrize(("seed", "scale"), [(0, 1.0), (1, 5.0), (2, 0.05)])
def test_temperature_equals_the_reference(seed: int, scale: float) -> None:
    logits, labels = sample(seed, scale=scale)

    found = fit("temperature", logits, labels, fitted_on="made up")

    def loss(log_slope: float) -> float:
        scores = np.exp(log_slope) * logits
        return float((np.logaddexp(0, scores) - labels * scores).sum())

    best = minimize_scalar(loss, bounds=(-10, 10), method="bounded", options={"xatol": 1e-10})
    assert found.intercept == 0
    assert found.slope == pytest.approx(np.exp(best.x), rel=1e-6)


def test_the_origin_is_recorded() -> None:
    logits, labels = sample(0)

    found = fit("platt", logits, labels, fitted_on="pooled validation folds")

    assert (found.kind, found.fitted_on, found.images) == ("platt", "pooled validation folds", 300)
    assert found.prevalence == pytest.approx(labels.mean())


def test_separated_classes_stay_finite_under_platt_and_are_refused_by_temperature() -> None:
    logits, labels = np.array([-3.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1])

    found = fit("platt", logits, labels, fitted_on="made up")

    assert 0 < found.apply(logits).min() < found.apply(logits).max() < 1
    with pytest.raises(DatasetError, match="separate the classes"):
        fit("temperature", logits, labels, fitted_on="made up")


@pytest.mark.parametrize("kind", ["platt", "temperature"])
@pytest.mark.parametrize("factor", [-1.0, 0.0])
def test_logits_that_do_not_rank_are_refused(kind: str, factor: float) -> None:
    logits, labels = sample(0)

    with pytest.raises(DatasetError, match="slope") as caught:
        fit(kind, factor * logits, labels, fitted_on="made up")  # type: ignore[arg-type]

    assert "swapped" in caught.value.hint


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_unusable_logits_name_the_row(wrong: float) -> None:
    logits, labels = sample(0)
    logits[7] = wrong

    with pytest.raises(DatasetError, match="row 7"):
        fit("platt", logits, labels, fitted_on="made up")


@pytest.mark.parametrize("kind", ["platt", "temperature"])
def test_the_callers_logits_are_left_alone(kind: str) -> None:
    logits, labels = sample(0, scale=5.0)
    before = logits.copy()

    fit(kind, logits, labels, fitted_on="made up")  # type: ignore[arg-type]

    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("clustered", [True, False])
def test_recalibration_equals_the_reference(seed: int, clustered: bool) -> None:
    logits, labels = sample(seed)
    probabilities = 1 / (1 + np.exp(-1.7 * logits - 0.4))
    groups = np.random.default_rng(seed).integers(0, 80, len(labels)) if clustered else None
    given = np.log(probabilities / (1 - probabilities))
    rows = np.arange(len(labels)) if groups is None else groups
    settings = {"cov_type": "cluster", "cov_kwds": {"groups": rows}, "tol": 1e-13}
    family = statsmodels.families.Binomial()
    large = statsmodels.GLM(labels, np.ones(len(labels)), offset=given, family=family).fit(**settings)
    line = statsmodels.GLM(labels, statsmodels.add_constant(given), family=family).fit(**settings)

    found = recalibration(labels, probabilities, groups)

    for name, expected, position in (("calibration_intercept", large, 0), ("calibration_slope", line, 1)):
        assert found[name].value == pytest.approx(expected.params[position], abs=1e-9)
        assert (found[name].low, found[name].high) == pytest.approx(expected.conf_int()[position], abs=1e-9)


def test_recalibration_says_what_was_done_to_honest_probabilities() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, 20_000)
    labels = (random.random(20_000) < 1 / (1 + np.exp(-logits))).astype(int)

    honest = recalibration(labels, 1 / (1 + np.exp(-logits)))
    bold = recalibration(labels, 1 / (1 + np.exp(-2 * logits)))

    assert honest["calibration_intercept"].low < 0 < honest["calibration_intercept"].high
    assert honest["calibration_slope"].low < 1 < honest["calibration_slope"].high
    assert bold["calibration_slope"].value == pytest.approx(honest["calibration_slope"].value / 2, abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "probabilities", "groups", "message"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], None, "no calibration slope fits"),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], None, "no calibration slope fits"),
        ([0, 1, 0, 1], [0.5, 0.4, 0.3, 0.6], [1, 1, 1, 1], "two groups"),
        ([0, 1, 0, 1], [0.5, 1.4, 0.3, 0.6], None, "row 1"),
    ],
)
def test_what_cannot_be_recalibrated_is_refused(
    labels: list[int], probabilities: list[float], groups: list[int] | None, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        recalibration(labels, probabilities, groups)


def test_shifted_probabilities_are_honest_where_positives_are_rarer() -> None:
    random = np.random.default_rng(0)
    positives, negatives = random.normal(1, 1, 100_000), random.normal(0, 1, 900_000)
    values = np.concatenate((positives, negatives))
    even = 1 / (1 + np.exp(-(values - 0.5)))  # what two normals one apart are worth where both are as common

    found = shift_prior(even, 0.5, 0.1)

    assert found.mean() == pytest.approx(0.1, abs=2e-3)
    np.testing.assert_allclose(shift_prior(found, 0.1, 0.5), even, atol=1e-12)
    np.testing.assert_array_equal(shift_prior([0, 1], 0.5, 0.01), [0, 1])


@pytest.mark.parametrize(
    ("value", "source", "target"), [(1.2, 0.5, 0.5), (np.nan, 0.5, 0.5), (0.2, 0, 0.5), (0.2, 0.5, 1)]
)
def test_what_cannot_be_shifted_is_refused(value: float, source: float, target: float) -> None:
    with pytest.raises(DatasetError, match="outside 0 to 1"):
        shift_prior([0.5, value], source, target)


def several(seed: int, count: int = 300, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of four labels, and the labels."""
    random = np.random.default_rng(seed)
    labels = random.choice(4, count, p=[0.4, 0.3, 0.2, 0.1])
    return scale * (1.5 * np.eye(4)[labels] + random.normal(0, 1, (count, 4)) + [3, 0, 0, 0]), labels


@pytest.mark.parametrize(("seed", "scale"), [(0, 1.0), (1, 40.0), (2, 0.01)])
def test_softmax_temperature_is_at_the_optimum(seed: int, scale: float) -> None:
    logits, labels = several(seed, scale=scale)

    found = fit_softmax(logits, labels, "abcd", fitted_on="made up")

    counts = np.bincount(labels)
    targets = np.stack([(1 + (np.arange(4) == label) * counts[label]) / (counts[label] + 4) for label in labels])

    def loss(log_temperature: float) -> float:
        scores = logits / np.exp(log_temperature)
        return float((logsumexp(scores, axis=1) - (targets * scores).sum(axis=1)).sum())

    best = minimize_scalar(loss, bounds=(np.log(scale) - 5, np.log(scale) + 5), options={"xatol": 1e-10}).x
    assert found.temperature == pytest.approx(np.exp(best), rel=1e-5)
    assert found.shares == pytest.approx(dict(zip("abcd", counts / len(labels), strict=True)))
    np.testing.assert_allclose(found.apply(logits), softmax(logits / found.temperature, axis=1), atol=1e-12)


def test_softmax_of_logits_that_are_always_right_has_a_temperature() -> None:
    labels = np.arange(30) % 3

    chances = fit_softmax(5.0 * np.eye(3)[labels], labels, "abc", fitted_on="made up").apply(5.0 * np.eye(3)[labels])

    # Each label was right ten times of ten: Laplace's rule of succession says eleven of thirteen.
    np.testing.assert_allclose(chances[np.arange(30), labels], 11 / 13, atol=1e-9)


def test_softmax_of_huge_logits_is_a_number() -> None:
    logits, labels = several(0)

    chances = fit_softmax(logits, labels, "abcd", fitted_on="made up").apply(1e6 * logits)

    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (chances.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_softmax_that_cannot_be_fitted() -> None:
    logits, labels = several(0)

    with pytest.raises(NoRankingError, match="no higher"):
        fit_softmax(-logits, labels, "abcd", fitted_on="")
    with pytest.raises(NoRankingError, match="no higher"):
        fit_softmax(np.zeros((300, 4)), labels, "abcd", fitted_on="")
    with pytest.raises(DatasetError, match="every label"):
        fit_softmax(logits, np.where(labels == 3, 0, labels), "abcd", fitted_on="")
    for wrong in (logits[:, :3], np.where(logits > 4, np.nan, logits)):
        with pytest.raises(DatasetError, match="not finite numbers of 4 classes"):
            fit_softmax(wrong, labels, "abcd", fitted_on="")
