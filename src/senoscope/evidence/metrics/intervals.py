"""95 % intervals by bootstrap over patients, not over images.

Images of one woman resemble each other, so whole groups are drawn with replacement (Field & Welsh 2007,
doi:10.1111/j.1467-9868.2007.00593.x), and the interval is the 2.5 to 97.5 percentile of the replicates. Groups are
drawn within strata (groups of negatives only, of positives only, of both), so that every replicate has both classes,
and the intervals are conditional on the set's composition, which most public sets chose rather than found. The
calibration intercept compares that composition with what the model expected: its groups are drawn without strata.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.metrics.classification import FIGURES, Values, checked
from senoscope.evidence.metrics.grouping import grouped, multiplicities
from senoscope.evidence.metrics.logistic import LINE_TERMS, Line, line, line_figures, line_terms, logit
from senoscope.evidence.metrics.ranking import Ranked, rank, ranking_figures
from senoscope.evidence.metrics.sums import (
    AGREEMENT_TERMS,
    CALL_TERMS,
    agreement_figures,
    agreement_terms,
    by_group,
    call_figures,
    call_terms,
)

REPLICATES = 2000

FEW = 10
"""Groups of a kind below which an interval is too narrow to be believed."""

UNDEFINED = {
    **dict.fromkeys(
        ("sensitivity", "specificity", "balanced_accuracy", "ppv", "npv", "f1", "accuracy"), "at this threshold (0/0)"
    ),
    "calibration_slope": "(the probabilities separate the classes, or are all the same)",
}

ROWS = 100_000
"""Samples whose terms are held at once."""

CHUNK = 1_000_000
"""Weights held at once; bounds memory to a few dozen MB whatever the number of samples."""


@dataclass(frozen=True)
class Bootstrap:
    """Figures with intervals, and what must be said about them.

    Args:
        table: figures that are defined; one that is 0/0 is left out and named in the notes.
        notes: one sentence each.
    """

    table: dict[str, Interval]
    notes: tuple[str, ...]


def binary_table(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    threshold: float,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Interval]:
    """All figures of a two-class classifier with 95 % intervals; see `bootstrap`."""
    return bootstrap(labels, probabilities, groups, threshold, replicates=replicates, seed=seed).table


def bootstrap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    threshold: float | Values,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Bootstrap:
    """All figures of a two-class classifier with 95 % intervals, groups resampled.

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) of the positive label, in [0, 1].
        groups: (N,) patient or cluster of each sample, integers.
        threshold: positive is called from here on; (N,) thresholds give each sample its own.
        replicates: bootstrap samples.
        seed: draws them.

    Raises:
        DatasetError: labels, probabilities or groups that cannot be used; names the row.
    """
    truth, values = checked(labels, probabilities)
    members = grouped(groups, len(truth))
    found = table(truth, values, members, threshold, replicates=replicates, seed=seed)
    return Bootstrap(found.table, (*_few_groups(truth, members), *found.notes))


def table(
    truth: NDArray[np.int64],
    values: Values,
    members: NDArray[np.int64],
    threshold: float | Values,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Bootstrap:
    """As `bootstrap`, of checked samples with groups 0 to G − 1; one class alone has only the figures it can have."""
    sheet = Sheet.of(truth, values, threshold, members)
    (drawn,) = _drawn([sheet], truth, members, replicates=replicates, seed=seed)
    figures: dict[str, Interval] = {}
    notes: list[str] = []
    for name, point in sheet.points.items():
        if np.isnan(point):
            notes.append(f"{name} is undefined {UNDEFINED.get(name, '(0/0)')}")
            continue
        figures[name], lost = percentiles(point, drawn[name])
        if lost:
            notes.append(f"{name}: {lost} of {replicates} replicates are undefined and left out")
    return Bootstrap(figures, tuple(notes))


def percentiles(point: float, sample: Values) -> tuple[Interval, int]:
    """The interval around a figure from its replicates, and how many of these are NaN and left out."""
    defined = sample[~np.isnan(sample)]
    low, high = np.percentile(defined, (2.5, 97.5)) if len(defined) else (point, point)
    return Interval(value=float(point), low=float(low), high=float(high)), len(sample) - len(defined)


def paired_bootstrap(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    threshold: float | Values | tuple[float | Values, float | Values],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Interval]:
    """Differences of two models' figures, first − second, each replicate drawing the same groups for both.

    Args:
        labels: (N,) 0 or 1, both present.
        first: (N,) probabilities of the one model.
        second: (N,) of the other, on the same samples.
        groups: (N,) patient or cluster of each sample, integers.
        threshold: of both models, or of each; (N,) thresholds give each sample its own.
        replicates: bootstrap samples.
        seed: draws them.

    Returns:
        Differences by figure; one that is 0/0 for either model is left out.

    Raises:
        DatasetError: labels, probabilities or groups that cannot be used; names the row.
    """
    truth, one = checked(labels, first)
    _, other = checked(labels, second)
    members = grouped(groups, len(truth))
    bounds = threshold if isinstance(threshold, tuple) else (threshold, threshold)
    sheets = [Sheet.of(truth, values, bound, members) for values, bound in zip((one, other), bounds, strict=True)]
    ours, theirs = _drawn(sheets, truth, members, replicates=replicates, seed=seed)
    points = [sheet.points for sheet in sheets]
    found: dict[str, Interval] = {}
    for name in FIGURES:
        point = points[0][name] - points[1][name]
        if not np.isnan(point):
            found[name], _ = percentiles(point, ours[name] - theirs[name])
    return found


@dataclass(frozen=True, eq=False)
class Sheet:
    """All that replicates of a set of answers share, so that each is a few sums and one pass over the order.

    Args:
        ranked: the order.
        sums: (G, K) what each group adds to each sum.
        fitted: recalibration of all samples.
    """

    ranked: Ranked
    sums: Values
    fitted: Line

    @classmethod
    def of(
        cls, truth: NDArray[np.int64], values: Values, threshold: float | Values, members: NDArray[np.int64]
    ) -> "Sheet":
        """Prepare (N,) answers with groups 0 to G − 1."""
        logits = logit(values)
        fitted = line(truth, logits)
        bounds = np.broadcast_to(np.asarray(threshold, np.float64), truth.shape)
        count = int(members.max()) + 1
        sums = np.zeros((count, CALL_TERMS + AGREEMENT_TERMS + LINE_TERMS))
        for start in range(0, len(truth), ROWS):
            part = slice(start, start + ROWS)
            terms = (
                call_terms(truth[part], values[part], bounds[part]),
                agreement_terms(truth[part], values[part]),
                line_terms(truth[part], logits[part], fitted),
            )
            sums += by_group(np.hstack(terms), members[part], count)
        return cls(rank(truth, values, members), sums, fitted)

    @property
    def points(self) -> dict[str, float]:
        """The figures of all samples, in the order of `FIGURES`."""
        found = {name: float(value[0]) for name, value in self.figures(np.ones((1, len(self.sums)), np.int32)).items()}
        found |= {"calibration_intercept": self.fitted.large, "calibration_slope": self.fitted.slope}
        return {name: found[name] for name in FIGURES}

    def figures(self, weights: NDArray[np.int32]) -> dict[str, Values]:
        """(R,) of each of `FIGURES`, groups weighted by (R, G)."""
        # A product this small is lost among a matrix library's threads, and would differ from one library to the next.
        sums = np.einsum("rg,gk->rk", weights.astype(np.float64), self.sums)
        called, agreed, recalibrated = np.split(sums, (CALL_TERMS, CALL_TERMS + AGREEMENT_TERMS), axis=1)
        found = ranking_figures(self.ranked, weights) | call_figures(called) | agreement_figures(agreed)
        return found | line_figures(recalibrated, self.fitted)

    def intercepts(self, weights: NDArray[np.int32]) -> Values:
        """(R,) calibration intercepts, groups weighted by (R, G)."""
        sums = np.einsum("rg,gk->rk", weights.astype(np.float64), self.sums[:, -LINE_TERMS:])
        return line_figures(sums, self.fitted)["calibration_intercept"]


def _strata(truth: NDArray[np.int64], members: NDArray[np.int64]) -> NDArray[np.int64]:
    """(G,) 1 for groups of negatives only, 2 of positives only, 3 of both."""
    kinds = np.zeros(int(members.max()) + 1, np.int64)
    np.bitwise_or.at(kinds, members, truth + 1)
    return kinds


def draws(
    truth: NDArray[np.int64], members: NDArray[np.int64], *, replicates: int, seed: int
) -> Iterator[NDArray[np.int32]]:
    """Multiplicities of the groups, (R, G) in chunks."""
    step = max(1, CHUNK // len(truth))
    return multiplicities(_strata(truth, members), replicates=replicates, seed=seed, step=step)


def _drawn(
    sheets: Sequence[Sheet], truth: NDArray[np.int64], members: NDArray[np.int64], *, replicates: int, seed: int
) -> list[dict[str, Values]]:
    """Replicates of each sheet's figures, (replicates,) of each, all sheets on the same draws."""
    within = [
        [sheet.figures(weights) for sheet in sheets]
        for weights in draws(truth, members, replicates=replicates, seed=seed)
    ]
    whole = np.zeros(int(members.max()) + 1, np.int64)
    step = max(1, CHUNK // len(truth))
    # How many are positive is what the intercept is about; draws that hold it fixed would make it look certain.
    across = [
        [sheet.intercepts(weights) for sheet in sheets]
        for weights in multiplicities(whole, replicates=replicates, seed=seed, step=step)
    ]
    found = []
    for at in range(len(sheets)):
        drawn = {name: np.concatenate([chunk[at][name] for chunk in within]) for name in FIGURES}
        found.append(drawn | {"calibration_intercept": np.concatenate([chunk[at] for chunk in across])})
    return found


def resampled(
    labels: NDArray[np.int64], groups: ArrayLike, *, replicates: int = REPLICATES, seed: int = 0
) -> Iterator[Values]:
    """Multiplicities of the samples, (R, N) in chunks: those that `bootstrap` draws within strata with this seed."""
    members = grouped(groups, len(labels))
    for drawn in draws(labels, members, replicates=replicates, seed=seed):
        yield drawn.astype(np.float64)[:, members]


def _few_groups(truth: NDArray[np.int64], members: NDArray[np.int64]) -> list[str]:
    found = []
    for label, word in ((1, "positives"), (0, "negatives")):
        count = len(np.unique(members[truth == label]))
        if count < FEW:
            found.append(f"only {count} groups with {word}: the intervals are too narrow to be believed")
    return found
