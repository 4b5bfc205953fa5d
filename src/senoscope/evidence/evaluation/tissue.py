"""One model that gives every pixel a label, on one set of regions: everything a report shows, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import DatasetFingerprint, Interval, MetricTable
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.evaluation.outlines import About
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.subgroups import FEW, Subgroup, divided
from senoscope.evidence.metrics.tissue import Tissue, tissue

FACTS = ("site", "split")
"""Facts by which figures are split: the hospital, and the publisher's own division."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TissueEvaluation(About):
    """Figures of a model that gives every pixel a label, with the counts they come from.

    Args:
        classes: K labels, in the task's order.
        positive: the label that the task's probability is of.
        dataset: which data; its images are the regions that were measured.
        unit: what the groups are: "patients", or "duplicate groups" where the publisher gives no patients.
        samples: the regions that were answered.
        counts: (N, K, K) pixels of each, a row a true label, a column a called one.
        figures: over all pixels together.
        subgroups: figures within the values of facts.
        unread: samples without an answer or without a usable mask; they are in no figure.
        withheld: (N,) squares of each region from which the model would have abstained; they count all the same.
        abstains: whether the model was given the chance to abstain; in cross-validation it is not.
    """

    classes: tuple[str, ...]
    positive: str
    dataset: DatasetFingerprint
    unit: str
    samples: Index
    counts: NDArray[np.int64]
    figures: Tissue
    subgroups: tuple[Subgroup, ...]
    unread: tuple[Unread, ...]
    withheld: NDArray[np.int64]
    abstains: bool

    @property
    def leaky(self) -> bool:
        """Whether the figures are too good to be believed."""
        return bool(self.leak)

    @property
    def table(self) -> dict[str, Interval]:
        """All figures by name; one of a single label is `label.figure`."""
        return self.figures.table

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 where a region has a pixel of the positive label."""
        found: NDArray[np.int64] = self.counts[:, self.classes.index(self.positive)].sum(axis=1) > 0
        return found.astype(np.int64)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(K, K) pixels of all regions."""
        found: NDArray[np.int64] = self.counts.sum(axis=0)
        return found

    def metric_table(self) -> MetricTable:
        """Return the figures as a bundle carries them; `positives` counts regions with the positive label."""
        return MetricTable(
            dataset=self.dataset.name,
            protocol=self.protocol,
            leaky=self.leaky,
            images=len(self.samples),
            patients=self.dataset.patients,
            positives=int(self.labels.sum()),
            values=self.table,
        )


def assess_tissue(
    regions: Index,
    counts: NDArray[np.int64],
    about: About,
    *,
    classes: tuple[str, ...],
    positive: str,
    withheld: NDArray[np.int64] | None = None,
    unread: Sequence[Unread] = (),
) -> TissueEvaluation:
    """Compute all figures of pixels that were counted.

    Args:
        regions: those that were answered, N.
        counts: (N, K, K) from `metrics.tissue.tallied`.
        about: what is said beside the figures.
        classes: K labels.
        positive: the label that the task's probability is of.
        withheld: (N,) squares the model would have abstained from; None where it could not.
        unread: samples without an answer.

    Raises:
        DatasetError: no pixel has a true label.
    """
    whole = tissue(counts, regions.groups(), classes, replicates=about.replicates, seed=about.seed)
    said = (*regions.notes, *about.notes, *whole.notes)
    return TissueEvaluation(
        **{**vars(about), "notes": tuple(dict.fromkeys(said))},
        classes=classes,
        positive=positive,
        dataset=regions.fingerprint(),
        unit="patients" if regions.has_patients else "duplicate groups",
        samples=regions,
        counts=counts,
        figures=whole,
        subgroups=tuple(_subgroups(regions, counts, classes, positive, about)),
        unread=tuple(unread),
        withheld=np.zeros(len(regions), np.int64) if withheld is None else withheld,
        abstains=withheld is not None,
    )


def _subgroups(
    regions: Index, counts: NDArray[np.int64], classes: tuple[str, ...], positive: str, about: About
) -> list[Subgroup]:
    found = []
    for fact, value, rows in divided(regions.samples, FACTS):
        part, own = regions.take(rows), counts[rows]
        if not own.sum():
            continue
        figures = tissue(own, part.groups(), classes, replicates=about.replicates, seed=about.seed).overall
        count = int((own[:, classes.index(positive)].sum(axis=1) > 0).sum())
        found.append(Subgroup(fact, value, len(rows), part.units, count, figures, few=part.units < FEW))
    return found
