"""Weighted means and medians equal those of samples written out as often as their weight says."""

import numpy as np
import pytest

from senoscope.evidence.metrics import averages
from senoscope.evidence.metrics.averages import weighted_medians, weighted_ratios


@pytest.mark.parametrize(("samples", "groups"), [(1, 1), (2, 2), (17, 5), (60, 60)])
@pytest.mark.parametrize("ties", [False, True])
def test_figures_are_those_of_a_plain_loop(samples: int, groups: int, ties: bool) -> None:
    random = np.random.default_rng(samples)
    values = random.integers(0, 4, samples).astype(float) if ties else random.normal(size=samples)
    below = random.uniform(0.5, 2, samples)
    members = np.concatenate((np.arange(groups), random.integers(0, groups, samples - groups)))
    weights = random.multinomial(groups, np.full(groups, 1 / groups), size=200).astype(np.int32)

    medians, ratios = weighted_medians(values, members, weights), weighted_ratios(values, below, members, weights)

    for row, drawn in enumerate(weights):
        rows = np.repeat(np.arange(samples), drawn[members])
        if len(rows):
            assert medians[row] == np.median(values[rows])
            assert ratios[row] == pytest.approx(values[rows].sum() / below[rows].sum())
        else:
            assert np.isnan(medians[row])
            assert np.isnan(ratios[row])


def test_blocks_do_not_change_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    values, weights = random.normal(size=30), random.integers(0, 3, (50, 30))
    whole = weighted_medians(values, np.arange(30), weights)
    monkeypatch.setattr(averages, "BLOCK", 100)

    np.testing.assert_array_equal(weighted_medians(values, np.arange(30), weights), whole)


def test_no_samples_have_no_median() -> None:
    assert np.isnan(weighted_medians(np.array([]), np.array([], np.int64), np.ones((3, 2), np.int32))).all()
