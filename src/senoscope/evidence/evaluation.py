"""One model on one set of images: everything a report shows, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import DatasetFingerprint, Interval, MetricTable
from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.classification import Confusion, checked, confusion
from senoscope.evidence.metrics.intervals import REPLICATES, Bootstrap, bootstrap


@dataclass(frozen=True)
class Unread:
    """A sample without an answer, and why; it is in no figure."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures of a model on a dataset, with the answers they come from.

    Args:
        title: heading of the report.
        bundle: name of the bundle.
        version: version of the bundle.
        positive: label the probability is of.
        dataset: which data.
        unit: what the groups are: "patients", or "duplicate groups" where the publisher gives no patients.
        protocol: how training and test data were kept apart, in words.
        leak: why the figures are too good to be believed; "" where they are not.
        threshold: positive is called from this probability on.
        thresholds: (N,) each sample's own threshold, where several models answered, as in cross-validation.
        operating_point: name of the threshold.
        samples: the images that were answered, in the order of all arrays below.
        labels: (N,) 1 where the sample has the positive label.
        probabilities: (N,) calibrated probability of the positive label.
        groups: (N,) number of each sample's group.
        abstained: (N,) whether the model withheld its answer; the probability counts all the same in `table`.
        table: figures over all samples; one that is 0/0 is not in it.
        answered: figures over the samples the model did not abstain from; empty where they hold one class only.
        unread: samples without an answer.
        notes: what a reader must know, one sentence each.
        replicates: bootstrap samples of the intervals.
        abstains: whether the model was given the chance to abstain; in cross-validation it is not.
    """

    title: str
    bundle: str
    version: str
    positive: str
    dataset: DatasetFingerprint
    unit: str
    protocol: str
    leak: str
    threshold: float
    thresholds: NDArray[np.float64]
    operating_point: str
    samples: Index
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    groups: NDArray[np.int64]
    abstained: NDArray[np.bool_]
    table: dict[str, Interval]
    answered: dict[str, Interval]
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    replicates: int = REPLICATES
    abstains: bool = True

    @property
    def leaky(self) -> bool:
        """Whether the figures are too good to be believed."""
        return bool(self.leak)

    @property
    def sample_ids(self) -> list[str]:
        """(N,) names of the samples."""
        return [sample.sample_id for sample in self.samples.samples]

    @property
    def confusion(self) -> Confusion:
        """Counts of calls over all samples."""
        return confusion(self.labels, self.probabilities, self.thresholds)

    def metric_table(self) -> MetricTable:
        """Return the figures as a bundle carries them."""
        return MetricTable(
            dataset=self.dataset.name,
            protocol=self.protocol,
            leaky=self.leaky,
            images=len(self.labels),
            patients=self.dataset.patients,
            positives=int(self.labels.sum()),
            values=self.table,
            abstained=int(self.abstained.sum()) if self.abstains else None,
            answered=self.answered if self.abstains and self.abstained.any() else {},
        )


def assess(
    index: Index,
    probabilities: ArrayLike,
    *,
    positive: str,
    title: str,
    bundle: str,
    version: str,
    threshold: float,
    thresholds: ArrayLike | None = None,
    operating_point: str,
    protocol: str,
    leak: str = "",
    abstained: ArrayLike | None = None,
    unread: Sequence[Unread] = (),
    notes: Sequence[str] = (),
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Evaluation:
    """Compute all figures of answers that are already there.

    Args:
        index: the samples that were answered.
        probabilities: (N,) calibrated probability of `positive`, in the order of the index.
        positive: label the probability is of; every other label counts as negative.
        title: heading of the report.
        bundle: name of the bundle.
        version: version of the bundle.
        threshold: positive is called from this probability on.
        thresholds: (N,) each sample's own threshold in its stead.
        operating_point: name of the threshold.
        protocol: how training and test data were kept apart, in words.
        leak: why the figures are too good to be believed, if they are.
        abstained: (N,) whether the model withheld its answer; nowhere if not given.
        unread: samples without an answer.
        notes: what a reader must know, beside the index's own notes.
        replicates: bootstrap samples of the intervals.
        seed: draws them.

    Raises:
        DatasetError: a probability is missing, no number or outside [0, 1] (names the row), or only one class is there.
    """
    labels, values = checked(index.labels_as(positive), probabilities)
    groups = index.groups()
    withheld = _per_sample(False if abstained is None else abstained, len(labels), "abstentions").astype(np.bool_)
    limits = _per_sample(threshold if thresholds is None else thresholds, len(labels), "thresholds").astype(np.float64)
    whole = part = bootstrap(labels, values, groups, limits, replicates=replicates, seed=seed)
    kept = ~withheld
    if withheld.any() and len(np.unique(labels[kept])) == 2:
        part = bootstrap(labels[kept], values[kept], groups[kept], limits[kept], replicates=replicates, seed=seed)
    elif withheld.any():
        part = Bootstrap({}, ("fewer than two classes are left: no figures",))
    said = [*index.notes, *notes, *whole.notes]
    if withheld.any():
        said += [f"without abstained images: {note}" for note in part.notes]
    return Evaluation(
        title=title,
        bundle=bundle,
        version=version,
        positive=positive,
        dataset=index.fingerprint(),
        unit="patients" if index.has_patients else "duplicate groups",
        protocol=protocol,
        leak=leak,
        threshold=threshold,
        thresholds=limits,
        operating_point=operating_point,
        samples=index,
        labels=labels,
        probabilities=values,
        groups=groups,
        abstained=withheld,
        table=whole.table,
        answered=part.table,
        unread=tuple(unread),
        notes=tuple(dict.fromkeys(said)),
        replicates=replicates,
        abstains=abstained is not None,
    )


def _per_sample(values: ArrayLike, count: int, what: str) -> NDArray[Any]:
    """(count,) array of one value for all, or of one each."""
    found = np.asarray(values)
    if found.ndim and found.shape != (count,):
        raise DatasetError(f"{found.shape} {what} do not fit {count} labels")
    return np.broadcast_to(found, (count,))
