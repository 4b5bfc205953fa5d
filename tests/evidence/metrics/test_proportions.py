import sys

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from senoscope.core.errors import DatasetError, MissingExtraError
from senoscope.evidence.metrics.proportions import exact_binomial, wilson

COUNTS = [(0, 1), (1, 1), (0, 40), (40, 40), (1, 40), (17, 40), (39, 40), (300, 1000), (49_999, 50_000)]


@pytest.mark.parametrize(("successes", "trials"), COUNTS)
def test_intervals_equal_the_reference(successes: int, trials: int) -> None:
    exact, score = exact_binomial(successes, trials), wilson(successes, trials)

    assert exact.value == score.value == successes / trials
    expected = proportion_confint(successes, trials, method="beta")
    assert (exact.low, exact.high) == pytest.approx(expected, abs=1e-9)
    expected = proportion_confint(successes, trials, method="wilson")
    assert (score.low, score.high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("trials", [12, 50, 300])
def test_coverage_is_what_is_said(trials: int) -> None:
    """Over all counts there can be: the exact interval never falls below 95 %, Wilson's is right on average."""
    shares = np.linspace(0.02, 0.98, 49)
    chance = binom.pmf(np.arange(trials + 1)[:, None], trials, shares)
    covered = {}
    for interval in (exact_binomial, wilson):
        found = [interval(count, trials) for count in range(trials + 1)]
        inside = np.array([(one.low <= shares) & (shares <= one.high) for one in found])
        covered[interval] = (chance * inside).sum(axis=0)

    assert covered[exact_binomial].min() >= 0.95
    assert covered[wilson].mean() == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2), (1.5, 2)])
def test_what_is_no_share_is_refused(successes: int, trials: int) -> None:
    for interval in (exact_binomial, wilson):
        with pytest.raises(DatasetError, match="is no share"):
            interval(successes, trials)


def test_without_scipy_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats", None)

    with pytest.raises(MissingExtraError, match="exact binomial") as caught:
        exact_binomial(1, 2)

    assert "report" in caught.value.hint
    assert wilson(1, 2).value == 0.5
