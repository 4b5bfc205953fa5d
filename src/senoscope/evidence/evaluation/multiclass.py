"""One model of several labels on one set of images: everything a report shows, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import BundleManifest, DatasetFingerprint, Interval, MetricTable
from senoscope.core.domain.recipe import Recipe
from senoscope.core.tasks import Task
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.intervals import FEW, REPLICATES
from senoscope.evidence.metrics.multiclass import Multiclass, confusion_matrix, multiclass


@dataclass(frozen=True, eq=False)
class MulticlassEvaluation:
    """Figures of a model of more than two labels, with the answers they come from; the likeliest label is called.

    Args:
        title: heading of the report.
        bundle: name of the bundle.
        version: version of the bundle.
        classes: K labels, in the task's order.
        positive: the label that the task's probability is of.
        dataset: which data.
        unit: what the groups are: "patients", or "duplicate groups" where the publisher gives no patients.
        protocol: how training and test data were kept apart, in words.
        leak: why the figures are too good to be believed; "" where they are not.
        samples: the images that were answered.
        probabilities: (N, K) calibrated probability of each label.
        abstained: (N,) whether the model withheld its answer; the probabilities are there all the same.
        figures: over all images.
        answered: over what the model did not abstain from; empty where a label is not among them.
        unread: samples without an answer.
        notes: what a reader must know, one sentence each.
        replicates: bootstrap samples of the intervals.
        seed: drew them.
        abstains: whether the model was given the chance to abstain; in cross-validation it is not.
        manifest: of the bundle, where there is one.
        recipe: that the model was trained by, where it is known.
    """

    title: str
    bundle: str
    version: str
    classes: tuple[str, ...]
    positive: str
    dataset: DatasetFingerprint
    unit: str
    protocol: str
    leak: str
    samples: Index
    probabilities: NDArray[np.float64]
    abstained: NDArray[np.bool_]
    figures: Multiclass
    answered: Multiclass
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    replicates: int = REPLICATES
    seed: int = 0
    abstains: bool = True
    manifest: BundleManifest | None = None
    recipe: Recipe | None = None

    @property
    def leaky(self) -> bool:
        """Whether the figures are too good to be believed."""
        return bool(self.leak)

    @property
    def labels(self) -> tuple[str, ...]:
        """(N,) the true label of each image."""
        return tuple(sample.label for sample in self.samples.samples)

    @property
    def called(self) -> tuple[str, ...]:
        """(N,) the label called of each image."""
        return _called(self.probabilities, self.classes)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(K, K) counts over all images, a row a true label, a column a called one."""
        return confusion_matrix(self.labels, self.called, self.classes)

    @property
    def table(self) -> dict[str, Interval]:
        """All figures by name; one of a single label against the rest is `label.figure`."""
        return _flat(self.figures)

    def metric_table(self) -> MetricTable:
        """Return the figures as a bundle carries them; `positives` counts the task's positive label."""
        withheld = int(self.abstained.sum())
        return MetricTable(
            dataset=self.dataset.name,
            protocol=self.protocol,
            leaky=self.leaky,
            images=len(self.samples),
            patients=self.dataset.patients,
            positives=self.labels.count(self.positive),
            values=self.table,
            abstained=withheld if self.abstains else None,
            answered=_flat(self.answered) if self.abstains and withheld else {},
        )


def assess_multiclass(
    index: Index,
    probabilities: ArrayLike,
    *,
    task: Task,
    title: str,
    bundle: str,
    version: str,
    protocol: str,
    leak: str = "",
    abstained: ArrayLike | None = None,
    unread: Sequence[Unread] = (),
    notes: Sequence[str] = (),
    replicates: int = REPLICATES,
    seed: int = 0,
    manifest: BundleManifest | None = None,
    recipe: Recipe | None = None,
) -> MulticlassEvaluation:
    """Compute all figures of answers that are already there.

    Args:
        index: the images that were answered.
        probabilities: (N, K) calibrated, in the order of the index and of the task's labels.
        task: whose labels they are.
        title: heading of the report.
        bundle: name of the bundle.
        version: version of the bundle.
        protocol: how training and test data were kept apart, in words.
        leak: why the figures are too good to be believed, if they are.
        abstained: (N,) whether the model withheld its answer; nowhere if not given.
        unread: samples without an answer.
        notes: what a reader must know, beside the index's own notes.
        replicates: bootstrap samples of the intervals.
        seed: draws them.
        manifest: of the bundle; without it the report says less.
        recipe: that the model was trained by; the manifest's where not given.

    Raises:
        DatasetError: a row of probabilities is none (names it), or a label of the task is not among the images.
    """
    values = np.asarray(probabilities, np.float64)
    labels, groups = [sample.label for sample in index.samples], index.groups()
    withheld = np.broadcast_to(np.asarray(False if abstained is None else abstained, np.bool_), (len(labels),))

    def figures(kept: NDArray[np.bool_]) -> Multiclass:
        chosen = [label for label, keep in zip(labels, kept, strict=True) if keep]
        return multiclass(
            chosen, values[kept], groups[kept], task.labels, ordered=task.ordered, replicates=replicates, seed=seed
        )

    whole = part = figures(np.ones(len(labels), np.bool_))
    said = [*index.notes, *notes, *_few(labels, groups, task.labels), *_chance(whole)]
    if withheld.any():
        left = {label for label, gone in zip(labels, withheld, strict=True) if not gone}
        part = figures(~withheld) if left == set(task.labels) else Multiclass({}, {})
        said += [] if part.overall else ["without abstained images a label is missing: no figures"]
    return MulticlassEvaluation(
        title=title,
        bundle=bundle,
        version=version,
        classes=task.labels,
        positive=task.positive,
        dataset=index.fingerprint(),
        unit="patients" if index.has_patients else "duplicate groups",
        protocol=protocol,
        leak=leak,
        samples=index,
        probabilities=values,
        abstained=withheld,
        figures=whole,
        answered=part,
        unread=tuple(unread),
        notes=tuple(dict.fromkeys(said)),
        replicates=replicates,
        seed=seed,
        abstains=abstained is not None,
        manifest=manifest,
        recipe=recipe or (manifest.recipe if manifest else None),
    )


def _chance(figures: Multiclass) -> list[str]:
    if figures.overall["macro_auc"].low > 0.5:
        return []
    return ["not shown to be better than chance: the interval of the macro ROC AUC reaches down to 0.5"]


def _called(probabilities: NDArray[np.float64], classes: Sequence[str]) -> tuple[str, ...]:
    return tuple(classes[position] for position in probabilities.argmax(axis=1))


def _flat(figures: Multiclass) -> dict[str, Interval]:
    single = {f"{name}.{figure}": value for name, table in figures.classes.items() for figure, value in table.items()}
    return figures.overall | single


def _few(labels: Sequence[str], groups: NDArray[np.int64], classes: Sequence[str]) -> list[str]:
    words = np.array(labels, dtype=object)
    counts = {name: len(np.unique(groups[words == name])) for name in classes}
    return [
        f"only {count} groups with {name}: the intervals are too narrow to be believed"
        for name, count in counts.items()
        if count < FEW
    ]
