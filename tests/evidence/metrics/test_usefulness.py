import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.calibration import shift_prior
from senoscope.evidence.metrics.intervals import binary_table
from senoscope.evidence.metrics.usefulness import decision_curve, predictive_values, threshold_transfer


def sample(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = (np.arange(count) % 4 == 0).astype(int)
    return labels, np.round(np.clip(0.3 * labels + random.uniform(0, 0.7, count), 0, 1), 2)


def test_net_benefit_equals_its_definition() -> None:
    labels, probabilities = sample()

    found = decision_curve(labels, probabilities)

    assert len(found.thresholds) == 99
    for threshold, model, everyone in zip(found.thresholds, found.model, found.everyone, strict=True):
        _, alarms, _, hits = confusion_matrix(labels, probabilities >= threshold).ravel()
        odds = threshold / (1 - threshold)
        assert model == pytest.approx(hits / 200 - alarms / 200 * odds, abs=1e-12)
        assert everyone == pytest.approx(50 / 200 - 150 / 200 * odds, abs=1e-12)
    assert not found.nobody.any()


def test_net_benefit_at_another_prevalence_is_that_of_data_with_it() -> None:
    labels, probabilities = sample()
    rarer = np.repeat(np.arange(200), np.where(labels == 1, 1, 3))

    found = decision_curve(labels, probabilities, prevalence=0.1)

    np.testing.assert_allclose(found.model, decision_curve(labels[rarer], probabilities[rarer]).model, atol=1e-12)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, np.nan])
def test_a_prevalence_that_is_none_is_refused(prevalence: float) -> None:
    with pytest.raises(DatasetError, match="lies outside 0 to 1"):
        decision_curve(*sample(), prevalence=prevalence)
    with pytest.raises(DatasetError, match="lies outside 0 to 1"):
        threshold_transfer(*sample(), np.arange(200), 0.5, prevalence)


def test_predictive_values_are_shares_of_calls() -> None:
    ppv, npv = predictive_values(0.9, 0.8, np.array([0.5, 0.01]))

    # Of 10,000 women 100 are ill: 90 of them and 1,980 others are called.
    np.testing.assert_allclose(ppv, [0.9 / 1.1, 90 / 2070], atol=1e-12)
    np.testing.assert_allclose(npv, [0.8 / 0.9, 7920 / 7930], atol=1e-12)


def test_predictive_values_without_a_call_are_not_numbers() -> None:
    ppv, npv = predictive_values([0.0, 1.0], [1.0, 0.0], 0.2)

    assert np.isnan(ppv[0])
    assert npv[0] == pytest.approx(0.8)
    assert ppv[1] == pytest.approx(0.2)
    assert np.isnan(npv[1])


@pytest.mark.parametrize("values", [(1.1, 0.5, 0.5), (0.5, -0.1, 0.5), (0.5, 0.5, 2.0)])
def test_shares_outside_their_range_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(DatasetError, match="outside 0 to 1"):
        predictive_values(*values)


def test_a_threshold_is_taken_along_in_three_ways() -> None:
    labels, probabilities = sample()
    groups = np.arange(200) // 2

    rows = threshold_transfer(labels, probabilities, groups, 0.5, 0.6, replicates=200)

    same, moved, matched = rows
    assert [row.name for row in rows] == ["as it is", "moved by the prior shift", "matched share of positives"]
    assert same.threshold == 0.5
    assert moved.threshold > 0.5  # positives are rarer here: it takes a surer answer
    shifted = shift_prior(probabilities, 0.6, 0.25)
    assert ((shifted >= 0.5) == (probabilities >= moved.threshold)).all()
    called = probabilities >= matched.threshold
    assert called.sum() <= 50
    assert (probabilities >= probabilities[~called].max()).sum() > 50
    for row in rows:
        table = binary_table(labels, probabilities, groups, row.threshold, replicates=200)
        for name in ("sensitivity", "specificity"):
            found, expected = getattr(row, name), table[name]
            assert (found.value, found.low, found.high) == pytest.approx(
                (expected.value, expected.low, expected.high), abs=1e-12
            )


def test_where_too_many_tie_on_top_nobody_is_called() -> None:
    labels, _ = sample()

    matched = threshold_transfer(labels, np.full(200, 0.7), np.arange(200), 0.5, 0.5, replicates=20)[2]

    assert matched.threshold > 0.7
    assert (matched.sensitivity.value, matched.specificity.value) == (0, 1)
