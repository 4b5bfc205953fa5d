"""Whether 95 % intervals hold the truth about 95 times of 100, where images of one patient resemble each other."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import norm

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.metrics.calibration import recalibration
from senoscope.evidence.metrics.delong import delong
from senoscope.evidence.metrics.intervals import binary_table
from senoscope.evidence.metrics.proportions import exact_binomial

RUNS, REPLICATES = 500, 500
PATIENTS, IMAGES = 100, 3
GAP, BETWEEN, WITHIN, CUT = 1.2, 0.8, 1.0, 0.6
SPREAD = np.hypot(BETWEEN, WITHIN)
THRESHOLD = 0.5

# 30 patients with positive images, 20 with two positive ones and a negative one, 50 with negative ones.
LABELS = np.concatenate((np.ones(90), np.tile([1, 1, 0], 20), np.zeros(150))).astype(int)
GROUPS = np.repeat(np.arange(PATIENTS), IMAGES)


def draw(seed: int) -> np.ndarray:
    """Probabilities: the logit is truth, something of the patient's and something of the image's."""
    random = np.random.default_rng(seed)
    own, shared = random.normal(0, WITHIN, len(LABELS)), random.normal(0, BETWEEN, PATIENTS)
    return 1 / (1 + np.exp(CUT - GAP * LABELS - own - shared[GROUPS]))


def truth() -> dict[str, float]:
    """What infinitely many patients of these kinds would give."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    weights /= weights.sum()
    share = LABELS.mean()
    chances = [1 / (1 + np.exp(CUT - GAP * label - SPREAD * points)) for label in (0, 1)]
    return {
        "roc_auc": float(norm.cdf(GAP / (SPREAD * np.sqrt(2)))),
        "sensitivity": float(norm.cdf((GAP - CUT) / SPREAD)),
        "brier": float(share * weights @ (1 - chances[1]) ** 2 + (1 - share) * weights @ chances[0] ** 2),
    }


def intervals() -> Iterator[dict[str, Interval]]:
    for seed in range(RUNS):
        values = draw(seed)
        table = binary_table(LABELS, values, GROUPS, THRESHOLD, replicates=REPLICATES, seed=seed)
        first = np.arange(0, len(LABELS), IMAGES)
        # Four times as many patients: exact intervals of few are wider than they say, as counts are whole.
        many = np.concatenate([draw(RUNS + 4 * seed + part)[first] for part in range(4)])
        called = many[np.tile(LABELS[first], 4) == 1] >= THRESHOLD
        yield {
            **{f"bootstrap {name}": table[name] for name in ("roc_auc", "sensitivity", "brier")},
            "DeLong roc_auc": delong(LABELS, values, GROUPS),
            "one image DeLong roc_auc": delong(LABELS[first], values[first]),
            "one image exact sensitivity": exact_binomial(int(called.sum()), len(called)),
            "pretended DeLong roc_auc": delong(LABELS, values),
        }


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    expected = truth()
    covered: dict[str, int] = {}
    for found in intervals():
        for name, interval in found.items():
            inside = interval.low <= expected[name.split()[-1]] <= interval.high
            covered[name] = covered.get(name, 0) + inside

    shares = {name: count / RUNS for name, count in covered.items()}
    pretended = shares.pop("pretended DeLong roc_auc")
    assert {name: share for name, share in shares.items() if not 0.90 <= share <= 0.98} == {}, shares
    # What the groups are for: images taken for independent give intervals that are too narrow.
    assert pretended < min(0.9, shares["DeLong roc_auc"] - 0.03), pretended


def test_intervals_of_recalibration_hold_the_truth() -> None:
    """Logits 1.5 times too large, of which patients share a part; then honest ones, whose intercept is 0."""
    covered = dict.fromkeys(("bootstrap slope", "sandwich slope", "bootstrap intercept", "sandwich intercept"), 0)
    for seed in range(RUNS):
        random = np.random.default_rng(seed)
        logits = random.normal(-0.5, 1.2, 300) + random.normal(0, 0.5, PATIENTS)[GROUPS]
        labels = (random.random(300) < 1 / (1 + np.exp(-logits))).astype(int)
        given = 1 / (1 + np.exp(-1.5 * logits))
        drawn = binary_table(labels, given, GROUPS, THRESHOLD, replicates=REPLICATES, seed=seed)
        for name, found in (("bootstrap", drawn), ("sandwich", recalibration(labels, given, GROUPS))):
            slope = found["calibration_slope"]
            covered[f"{name} slope"] += slope.low <= 1 / 1.5 <= slope.high
        honest = 1 / (1 + np.exp(-logits))
        drawn = binary_table(labels, honest, GROUPS, THRESHOLD, replicates=REPLICATES, seed=seed)
        for name, found in (("bootstrap", drawn), ("sandwich", recalibration(labels, honest, GROUPS))):
            intercept = found["calibration_intercept"]
            covered[f"{name} intercept"] += intercept.low <= 0 <= intercept.high

    assert all(0.90 <= count / RUNS <= 0.98 for count in covered.values()), covered
