"""95 % intervals of a share of independent trials, such as sensitivity with one image a patient."""

from math import sqrt
from statistics import NormalDist

import numpy as np

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError, MissingExtraError

LEVEL = 0.95


def exact_binomial(successes: int, trials: int) -> Interval:
    """Share with the interval of Clopper & Pearson 1934 (doi:10.1093/biomet/26.4.404), never too narrow.

    Raises:
        DatasetError: the counts are no share.
        MissingExtraError: scipy is not installed.
    """
    _check(successes, trials)
    try:
        from scipy.stats import beta
    except ImportError as error:
        raise MissingExtraError("an exact binomial interval", "report") from error
    tail = (1 - LEVEL) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return Interval(value=successes / trials, low=low, high=high)


def wilson(successes: int, trials: int) -> Interval:
    """Share with the score interval of Wilson 1927 (doi:10.1080/01621459.1927.10502953), right on average.

    Raises:
        DatasetError: the counts are no share.
    """
    _check(successes, trials)
    share, quantile = successes / trials, NormalDist().inv_cdf(1 - (1 - LEVEL) / 2)
    stretched = 1 + quantile**2 / trials
    centre = (share + quantile**2 / (2 * trials)) / stretched
    half = quantile * sqrt(share * (1 - share) / trials + quantile**2 / (4 * trials**2)) / stretched
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(value=share, low=low, high=high)


def _check(successes: int, trials: int) -> None:
    whole = all(isinstance(count, int | np.integer) for count in (successes, trials))
    if not whole or trials < 1 or not 0 <= successes <= trials:
        raise DatasetError(f"{successes} of {trials} is no share", "give whole numbers, 0 to as many as were tried")
