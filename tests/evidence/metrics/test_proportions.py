import pytest
from statsmodels.stats.proportion import proportion_confint

from senoscope.core.errors import DatasetError
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


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2), (1.5, 2)])
def test_what_is_no_share_is_refused(successes: int, trials: int) -> None:
    for interval in (exact_binomial, wilson):
        with pytest.raises(DatasetError, match="is no share"):
            interval(successes, trials)
