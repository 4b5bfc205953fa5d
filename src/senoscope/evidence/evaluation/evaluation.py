"""One model on one set of images: everything a report shows, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import BundleManifest, DatasetFingerprint, Interval, MetricTable
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError
from senoscope.evidence.evaluation.answers import RULES, Answers, Pooled, asked_of, kept_answers, pool
from senoscope.evidence.evaluation.findings import Findings, find
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.aggregation import Level, Rule
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

    What the figures count is a *case*: an image, or with `level` a breast or a patient whose images were pooled.

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
        operating_point: name of the threshold.
        level: what a case is.
        rule: how a case's probability comes from its images'.
        images: the answers image by image.
        cases: the answers by case, which the figures are of; the same object where a case is an image.
        members: for each case the positions of its images.
        table: figures over all cases; one that is 0/0 is not in it.
        answered: figures over what the model did not abstain from; empty where that holds one class only.
        findings: everything beyond the table.
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
    positive: str
    dataset: DatasetFingerprint
    unit: str
    protocol: str
    leak: str
    threshold: float
    operating_point: str
    level: Level
    rule: Rule
    images: Answers
    cases: Answers
    members: tuple[NDArray[np.int64], ...]
    table: dict[str, Interval]
    answered: dict[str, Interval]
    findings: Findings
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
    def samples(self) -> Index:
        """The images that were answered."""
        return self.images.index

    @property
    def sample_ids(self) -> list[str]:
        """(N,) names of the cases."""
        return [sample.sample_id for sample in self.cases.index.samples]

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 where a case is positive."""
        return self.cases.labels

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(N,) calibrated probability of each case."""
        return self.cases.probabilities

    @property
    def groups(self) -> NDArray[np.int64]:
        """(N,) number of each case's group."""
        return self.cases.groups

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """(N,) each case's threshold."""
        return self.cases.thresholds

    @property
    def abstained(self) -> NDArray[np.bool_]:
        """(N,) whether the model withheld its answer; the probability counts all the same in `table`."""
        return self.cases.abstained

    @property
    def confusion(self) -> Confusion:
        """Counts of calls over all cases."""
        return confusion(self.labels, self.probabilities, self.thresholds)

    @property
    def pooling(self) -> str:
        """What a case is, in words."""
        alone = f"each {asked_of(self.recipe)} by itself"
        return alone if self.level == "image" else f"each {self.level} by {RULES[self.rule]}"

    def metric_table(self) -> MetricTable:
        """Return the figures as a bundle carries them; the protocol says what a case is, where it is not an image."""
        return MetricTable(
            dataset=self.dataset.name,
            protocol=self.protocol if self.level == "image" else f"{self.protocol}; {self.pooling}",
            leaky=self.leaky,
            images=len(self.images),
            patients=self.dataset.patients,
            positives=int(self.images.labels.sum()),
            values=self.table,
            abstained=int(self.images.abstained.sum()) if self.abstains else None,
            answered=self.answered if self.abstains and self.images.abstained.any() else {},
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
    level: Level = "image",
    rule: Rule = "mean",
    prevalence: float | None = None,
    manifest: BundleManifest | None = None,
    recipe: Recipe | None = None,
) -> Evaluation:
    """Compute all figures of answers that are already there.

    Args:
        index: the images that were answered.
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
        level: what the figures count: images, breasts or patients.
        rule: how a breast's or patient's probability comes from its images'.
        prevalence: share of positives among those the model is meant for, if it is known.
        manifest: of the bundle; without it the report says less.
        recipe: that the model was trained by; the manifest's where not given.

    Raises:
        DatasetError: a probability is missing, no number or outside [0, 1] (names the row), only one class is there, or
            the dataset does not say what `level` needs.
    """
    images = _answers(index, positive, probabilities, threshold if thresholds is None else thresholds, abstained)
    pooled = pool(images, level, rule)
    cases = pooled.cases
    whole = _bootstrap(cases, replicates, seed)
    part = _answered(images, pooled, whole, level, rule, replicates=replicates, seed=seed)
    findings = find(cases, threshold, replicates=replicates, seed=seed, prevalence=prevalence, manifest=manifest)
    said = [*index.notes, *notes, *whole.notes]
    if whole.table["roc_auc"].low <= 0.5:
        said.append("not shown to be better than chance: the interval of the ROC AUC reaches down to 0.5")
    if images.abstained.any():
        said += [f"without abstained images: {note}" for note in part.notes]
    if level != "image":
        said.append(_transferred(level, recipe or (manifest.recipe if manifest else None)))
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
        operating_point=operating_point,
        level=level,
        rule=rule,
        images=images,
        cases=cases,
        members=pooled.members,
        table=whole.table,
        answered=part.table,
        findings=findings,
        unread=tuple(unread),
        notes=tuple(dict.fromkeys((*said, *findings.notes))),
        replicates=replicates,
        seed=seed,
        abstains=abstained is not None,
        manifest=manifest,
        recipe=recipe or (manifest.recipe if manifest else None),
    )


def _transferred(level: Level, recipe: Recipe | None) -> str:
    return f"the threshold was chosen on single {asked_of(recipe)}s and is used here on {level}s: see how it transfers"


def _answers(
    index: Index, positive: str, probabilities: ArrayLike, thresholds: ArrayLike, abstained: ArrayLike | None
) -> Answers:
    labels, values = checked(index.labels_as(positive), probabilities)
    return Answers(
        index=index,
        labels=labels,
        probabilities=values,
        groups=index.groups(),
        thresholds=_per_sample(thresholds, len(labels), "thresholds").astype(np.float64),
        abstained=_per_sample(False if abstained is None else abstained, len(labels), "abstentions").astype(np.bool_),
    )


def _bootstrap(answers: Answers, replicates: int, seed: int) -> Bootstrap:
    return bootstrap(
        answers.labels,
        answers.probabilities,
        answers.groups,
        answers.thresholds,
        replicates=replicates,
        seed=seed,
    )


def _answered(
    images: Answers, pooled: Pooled, whole: Bootstrap, level: Level, rule: Rule, *, replicates: int, seed: int
) -> Bootstrap:
    if not images.abstained.any():
        return whole
    if images.abstained.all():
        return Bootstrap({}, ("nothing is left: no figures",))
    kept = kept_answers(images, pooled, level, rule)
    if len(np.unique(kept.labels)) < 2:
        return Bootstrap({}, ("fewer than two classes are left: no figures",))
    return _bootstrap(kept, replicates, seed)


def _per_sample(values: ArrayLike, count: int, what: str) -> NDArray[Any]:
    """(count,) array of one value for all, or of one each."""
    found = np.asarray(values)
    if found.ndim and found.shape != (count,):
        raise DatasetError(f"{found.shape} {what} do not fit {count} labels")
    return np.broadcast_to(found, (count,))
