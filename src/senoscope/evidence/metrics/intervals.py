"""95 % intervals by bootstrap over patients, not over images.

Images of one woman resemble each other, so whole groups are drawn with replacement (Field & Welsh 2007,
doi:10.1111/j.1467-9868.2007.00593.x), and the interval is the 2.5 to 97.5 percentile of the replicates. Groups are
drawn within strata (groups of negatives only, of positives only, of both), so that every replicate has both classes,
and the intervals are conditional on the set's composition, which most public sets chose rather than found.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.classification import Values, checked, figures

REPLICATES = 2000

FEW = 10
"""Groups of a kind below which an interval is too narrow to be believed."""

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
    members = _members(groups, len(truth))
    points = figures(truth, values, threshold)
    drawn = [figures(truth, values, threshold, weights) for weights in _weights(truth, members, replicates, seed)]
    table: dict[str, Interval] = {}
    notes = _few_groups(truth, members)
    for name, point in points.items():
        if np.isnan(point[0]):
            notes.append(f"{name} is undefined at this threshold (0/0)")
            continue
        sample = np.concatenate([chunk[name] for chunk in drawn])
        defined = sample[~np.isnan(sample)]
        if len(defined) < len(sample):
            notes.append(f"{name}: {len(sample) - len(defined)} of {len(sample)} replicates are undefined and left out")
        low, high = np.percentile(defined, (2.5, 97.5)) if len(defined) else (point[0], point[0])
        table[name] = Interval(value=float(point[0]), low=float(low), high=float(high))
    return Bootstrap(table, tuple(notes))


def _members(groups: ArrayLike, count: int) -> NDArray[np.int64]:
    given = np.asarray(groups)
    if given.shape != (count,) or not np.issubdtype(given.dtype, np.integer):
        raise DatasetError(
            f"groups {given.shape} of {given.dtype} do not fit {count} labels", "give one integer a label"
        )
    return np.unique(given, return_inverse=True)[1].astype(np.int64).reshape(-1)


def _strata(truth: NDArray[np.int64], members: NDArray[np.int64]) -> NDArray[np.int64]:
    """(G,) 1 for groups of negatives only, 2 of positives only, 3 of both."""
    kinds = np.zeros(int(members.max()) + 1, np.int64)
    np.bitwise_or.at(kinds, members, truth + 1)
    return kinds


def _weights(truth: NDArray[np.int64], members: NDArray[np.int64], replicates: int, seed: int) -> Iterator[Values]:
    """Multiplicities of the samples, (R, N) in chunks."""
    random = np.random.default_rng(seed)
    kinds = _strata(truth, members)
    strata = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    step = max(1, CHUNK // len(truth))
    for start in range(0, replicates, step):
        count = min(step, replicates - start)
        drawn = np.empty((count, len(kinds)))
        for stratum in strata:
            shares = np.full(len(stratum), 1 / len(stratum))
            drawn[:, stratum] = random.multinomial(len(stratum), shares, size=count)
        yield drawn[:, members]


def _few_groups(truth: NDArray[np.int64], members: NDArray[np.int64]) -> list[str]:
    found = []
    for label, word in ((1, "positives"), (0, "negatives")):
        count = len(np.unique(members[truth == label]))
        if count < FEW:
            found.append(f"only {count} groups with {word}: the intervals are too narrow to be believed")
    return found
