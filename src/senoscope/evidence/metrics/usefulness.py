"""What a model would be good for: net benefit, predictive values, and its threshold on other women."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.calibration import shift_prior
from senoscope.evidence.metrics.classification import Values, checked
from senoscope.evidence.metrics.grouping import grouped
from senoscope.evidence.metrics.intervals import REPLICATES, draws, percentiles
from senoscope.evidence.metrics.sums import by_group, call_figures, call_terms

THRESHOLDS = np.linspace(0.01, 0.99, 99)
"""Probabilities from which a woman might want to be called."""


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit at each threshold of calling by the model, of calling everyone, and of calling nobody: (K,) each."""

    thresholds: Values
    model: Values
    everyone: Values
    nobody: Values


@dataclass(frozen=True)
class Transferred:
    """A threshold taken to other data, by one way of taking it there.

    Args:
        name: the way, in words.
        threshold: positive is called from this probability of the model on.
        sensitivity: here.
        specificity: here.
    """

    name: str
    threshold: float
    sensitivity: Interval
    specificity: Interval


def decision_curve(labels: ArrayLike, probabilities: ArrayLike, prevalence: float | None = None) -> DecisionCurve:
    """Net benefit over thresholds (Vickers & Elkin 2006, doi:10.1177/0272989X06295361).

    Net benefit is the share of true positives minus the share of false positives times threshold / (1 − threshold):
    whoever wants to be called from a chance of 10 % on takes nine false alarms for one find.

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) of the positive label, in [0, 1].
        prevalence: share of positives among those the model is meant for; that of the labels where not given. Only the
            shares are weighted by it: the probabilities are taken as they are.

    Raises:
        DatasetError: unusable input (names the row), or a prevalence outside 0 to 1.
    """
    truth, values = checked(labels, probabilities)
    share = float(truth.mean()) if prevalence is None else inside(prevalence, "prevalence")
    hits, alarms = (_called(values[truth == label]) for label in (1, 0))
    odds = THRESHOLDS / (1 - THRESHOLDS)
    return DecisionCurve(
        thresholds=THRESHOLDS.copy(),
        model=share * hits - (1 - share) * alarms * odds,
        everyone=share - (1 - share) * odds,
        nobody=np.zeros(len(THRESHOLDS)),
    )


def _called(values: Values) -> Values:
    """(K,) share of values from each threshold on."""
    return np.asarray(1 - np.searchsorted(np.sort(values), THRESHOLDS, "left") / len(values))


def inside(share: float, what: str) -> float:
    """Return a share strictly between 0 and 1; anything else raises `DatasetError`."""
    if not 0 < share < 1:
        raise DatasetError(f"a {what} of {share:g} lies outside 0 to 1", "give a share such as 0.006")
    return float(share)


def predictive_values(sensitivity: ArrayLike, specificity: ArrayLike, prevalences: ArrayLike) -> tuple[Values, Values]:
    """PPV and NPV by Bayes' rule, shapes broadcast; NaN where 0/0.

    Raises:
        DatasetError: a share outside 0 to 1.
    """
    caught, passed, share = (np.asarray(values, np.float64) for values in (sensitivity, specificity, prevalences))
    for what, values in (("sensitivity", caught), ("specificity", passed), ("prevalence", share)):
        if ((values < 0) | (values > 1)).any():
            raise DatasetError(f"a {what} lies outside 0 to 1")
    hits, misses = caught * share, (1 - caught) * share
    alarms, passes = (1 - passed) * (1 - share), passed * (1 - share)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(hits / (hits + alarms)), np.asarray(passes / (passes + misses))


def threshold_transfer(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    threshold: float,
    source_prevalence: float,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> tuple[Transferred, ...]:
    """Take a threshold to data on which it was not chosen, in three ways.

    As it is. Moved by the prior shift: the probabilities are shifted from the share of positives they were calibrated
    at to the share here (Saerens et al. 2002, doi:10.1162/089976602753284446), and the same threshold is held against
    them; what is given is the equal threshold on the model's own probabilities. Matched: the lowest threshold that
    calls no more than the share of positives here. The last two know that share and no single label.

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) of the positive label, in [0, 1].
        groups: (N,) patient or cluster of each sample, integers.
        threshold: as it was chosen.
        source_prevalence: share of positives that the probabilities were calibrated at.
        replicates: bootstrap samples of the intervals.
        seed: draws them.

    Raises:
        DatasetError: unusable input; names the row.
    """
    truth, values = checked(labels, probabilities)
    members = grouped(groups, len(truth))
    share = float(truth.mean())
    moved = float(shift_prior([threshold], share, inside(source_prevalence, "prevalence"))[0])
    ways = {
        "as it is": threshold,
        "moved by the prior shift": moved,
        "matched share of positives": _matched(values, int(truth.sum())),
    }
    sums = [by_group(call_terms(truth, values, bound), members) for bound in ways.values()]
    drawn = list(draws(truth, members, replicates=replicates, seed=seed))
    found = []
    for (name, bound), part in zip(ways.items(), sums, strict=True):
        point = call_figures(part.sum(axis=0)[None])
        sample = [call_figures(weights @ part) for weights in drawn]
        intervals = [
            percentiles(float(point[figure][0]), np.concatenate([chunk[figure] for chunk in sample]))[0]
            for figure in ("sensitivity", "specificity")
        ]
        found.append(Transferred(name, float(bound), *intervals))
    return tuple(found)


def _matched(values: Values, count: int) -> float:
    """Return the lowest score from which on no more than `count` are called; above all scores where many tie on top."""
    scores, counts = np.unique(values, return_counts=True)
    called = counts[::-1].cumsum()[::-1]
    fits = np.flatnonzero(called <= count)
    return float(scores[fits[0]]) if len(fits) else float(np.nextafter(scores[-1], np.inf))
