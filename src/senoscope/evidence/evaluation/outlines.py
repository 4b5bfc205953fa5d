"""One model that marks regions, on one set of images: everything a report shows, computed once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import DatasetFingerprint, Interval, MetricTable
from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.base import PATHOLOGY
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.evaluation.marks import Marking, Measured
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.intervals import REPLICATES, Bootstrap
from senoscope.evidence.metrics.outlines import Fit, Pictures, outline_table
from senoscope.evidence.metrics.subgroups import FEW, SUBGROUP_FACTS, Subgroup, divided

FACTS = (PATHOLOGY, *SUBGROUP_FACTS)
"""Facts by which figures are split."""


@dataclass(frozen=True, eq=False, kw_only=True)
class About:
    """What an evaluation says of itself beside its figures.

    Args:
        title: heading of the report.
        bundle: name of the bundle.
        version: version of the bundle.
        protocol: how training and test data were kept apart, in words.
        leak: why the figures are too good to be believed; "" where they are not.
        operating_point: name of the threshold from which a region is called; "" where none was given.
        notes: what a reader must know, one sentence each.
        replicates: bootstrap samples of the intervals.
        seed: drew them.
        manifest: of the bundle, where there is one.
        recipe: that the model was trained by, where it is known.
    """

    title: str
    bundle: str
    version: str
    protocol: str
    leak: str = ""
    operating_point: str = ""
    notes: tuple[str, ...] = ()
    replicates: int = REPLICATES
    seed: int = 0
    manifest: OutlineManifest | None = None
    recipe: Recipe | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class OutlineEvaluation(About):
    """Figures of a model that marks regions of one kind, with the answers they come from.

    Figures of outlines are over the images that have a true region, and of what is marked before it is asked whether
    there is any, but for `dice_called`.

    Args:
        positive: what is marked.
        dataset: which data; its images are those that were measured.
        unit: what the groups are: "patients", or "duplicate groups" where the publisher gives no patients.
        threshold: a pixel is marked from this probability on.
        smallest: share of the picture below which a marked region is left out.
        thresholds: (N,) each image's own, from which a region is called; None where that is not asked.
        samples: the images that were answered.
        pictures: what was measured of each, and its group.
        abstained: (N,) whether the model withheld its answer; it counts all the same in `table`.
        abstains: whether the model was given the chance to abstain; in cross-validation it is not.
        table: figures over all images; one that is undefined is not in it.
        answered: figures over what the model did not abstain from; empty where no true region is left.
        subgroups: figures within the values of facts.
        unread: samples without an answer or without a usable mask; they are in no figure.
    """

    positive: str
    dataset: DatasetFingerprint
    unit: str
    threshold: float
    smallest: float
    thresholds: NDArray[np.float64] | None
    samples: Index
    pictures: Pictures
    abstained: NDArray[np.bool_]
    abstains: bool
    table: dict[str, Interval]
    answered: dict[str, Interval]
    subgroups: tuple[Subgroup, ...]
    unread: tuple[Unread, ...]

    @property
    def leaky(self) -> bool:
        """Whether the figures are too good to be believed."""
        return bool(self.leak)

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 where there is a true region."""
        return self.pictures.truth

    @property
    def fits(self) -> tuple[Fit, ...]:
        """How what is marked in each image fits what is true there."""
        return self.pictures.fits

    def worst(self, count: int = 10) -> list[int]:
        """Positions of the images with a true region and the lowest Dice, lowest first."""
        rows = [row for row, one in enumerate(self.fits) if one.truth]
        return sorted(rows, key=lambda row: (self.fits[row].dice, row))[:count]

    def metric_table(self) -> MetricTable:
        """Return the figures as a bundle carries them; `positives` counts the images with a true region."""
        withheld = int(self.abstained.sum())
        return MetricTable(
            dataset=self.dataset.name,
            protocol=self.protocol,
            leaky=self.leaky,
            images=len(self.samples),
            patients=self.dataset.patients,
            positives=int(self.labels.sum()),
            values=self.table,
            abstained=withheld if self.abstains else None,
            answered=self.answered if self.abstains and withheld else {},
        )


def assess_outlines(
    index: Index,
    *,
    chances: Iterable[NDArray[np.float32]],
    presence: ArrayLike | None = None,
    threshold: float,
    smallest: float = 0.0,
    presence_threshold: ArrayLike = 0.5,
    positive: str = "lesion",
    title: str,
    bundle: str,
    version: str,
    protocol: str,
    leak: str = "",
    operating_point: str = "",
    abstained: ArrayLike | None = None,
    notes: Sequence[str] = (),
    replicates: int = REPLICATES,
    seed: int = 0,
    manifest: OutlineManifest | None = None,
    recipe: Recipe | None = None,
) -> OutlineEvaluation:
    """Compute all figures of answers that are already there, holding one map at a time.

    A sample whose mask cannot be read, is of another size or contradicts its label is left out and named.

    Args:
        index: the images that were answered, with masks.
        chances: (H, W) float32 over each stored picture, the probability of each pixel, in the order of the index.
        presence: (N,) calibrated probability that there is a region at all; none where that is not answered.
        threshold: a pixel is marked from this probability on.
        smallest: share of the picture below which a marked region is left out.
        presence_threshold: a region is called from this probability on, one for all or (N,) one each; where nothing is
            marked, none is called.
        positive: label of the images that have a region.
        title: heading of the report.
        bundle: name of the bundle.
        version: version of the bundle.
        protocol: how training and test data were kept apart, in words.
        leak: why the figures are too good to be believed, if they are.
        operating_point: name of `presence_threshold`.
        abstained: (N,) whether the model withheld its answer; nowhere if not given.
        notes: what a reader must know, beside the index's own notes.
        replicates: bootstrap samples of the intervals.
        seed: draws them.
        manifest: of the bundle; without it the report says less.
        recipe: that the model was trained by; the manifest's where not given.

    Raises:
        DatasetError: a map or a probability is none, there is not one a sample, or no sample with a region is left.
        MissingExtraError: scipy is not installed.
    """
    marking, measured, given = Marking(threshold, smallest, positive), Measured(), 0
    for position, one in enumerate(chances):
        given += 1
        if given > len(index):
            break
        measured.add(index, position, np.asarray(one), marking)
    if given != len(index):
        raise DatasetError(f"{'more' if given > len(index) else given} maps do not fit {len(index):,} samples")
    told = None if presence is None else (_each(presence, len(index)), _each(presence_threshold, len(index)))
    about = About(
        title=title,
        bundle=bundle,
        version=version,
        protocol=protocol,
        leak=leak,
        operating_point=operating_point,
        notes=tuple(notes),
        replicates=replicates,
        seed=seed,
        manifest=manifest,
        recipe=recipe or (manifest.recipe if manifest else None),
    )
    withheld = None if abstained is None else np.asarray(abstained, np.bool_)
    return summarised(index, measured, marking, told, withheld, about)


def summarised(
    index: Index,
    measured: Measured,
    marking: Marking,
    told: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    withheld: NDArray[np.bool_] | None,
    about: About,
) -> OutlineEvaluation:
    """Compute figures from what was measured.

    Args:
        index: all samples, N.
        measured: of those that could be.
        marking: when a pixel was marked.
        told: (N,) probabilities that there is a region, and (N,) thresholds; None where that is not answered.
        withheld: (N,) whether the answer was; None where the model could not abstain.
        about: what is said beside the figures.

    Raises:
        DatasetError: no sample with a true region is left.
    """
    samples = index.take(measured.kept)
    if not any(one.truth for one in measured.fits):
        reason = measured.unread[0].reason if measured.unread else "choose another part, or another dataset"
        raise DatasetError(
            f"figures need a picture with an outlined {marking.positive}, and {index.dataset} has none here", reason
        )
    marked = np.array([bool(one.marked) for one in measured.fits])
    chosen = None if told is None else (told[0][measured.kept], told[1][measured.kept])
    pictures = Pictures(
        fits=tuple(measured.fits),
        probabilities=None if chosen is None else chosen[0],
        called=None if chosen is None else (chosen[0] >= chosen[1]) & marked,
        members=samples.groups(),
    )
    abstained = np.zeros(len(samples), np.bool_) if withheld is None else withheld[measured.kept]
    whole = outline_table(pictures, replicates=about.replicates, seed=about.seed)
    part = _without(pictures, abstained, whole, about)
    said = (*index.notes, *about.notes, *whole.notes, *part.notes, *_chance(whole))
    return OutlineEvaluation(
        **{**vars(about), "notes": tuple(dict.fromkeys(said))},
        positive=marking.positive,
        dataset=samples.fingerprint(),
        unit="patients" if samples.has_patients else "duplicate groups",
        threshold=marking.threshold,
        smallest=marking.smallest,
        thresholds=None if chosen is None else chosen[1],
        samples=samples,
        pictures=pictures,
        abstained=abstained,
        abstains=withheld is not None,
        table=whole.table,
        answered=part.table,
        subgroups=tuple(_subgroups(samples, pictures, about)),
        unread=tuple(measured.unread),
    )


def _without(pictures: Pictures, abstained: NDArray[np.bool_], whole: Bootstrap, about: About) -> Bootstrap:
    if not abstained.any():
        return Bootstrap(whole.table, ())
    rows = np.flatnonzero(~abstained)
    if not pictures.truth[rows].any():
        return Bootstrap({}, ("without abstained images no true region is left: no figures",))
    part = outline_table(pictures.take(rows), replicates=about.replicates, seed=about.seed)
    return Bootstrap(part.table, tuple(f"without abstained images: {note}" for note in part.notes))


def _chance(whole: Bootstrap) -> tuple[str, ...]:
    if "roc_auc" not in whole.table or whole.table["roc_auc"].low > 0.5:
        return ()
    return ("not shown to tell pictures with a region from those without: the interval of the ROC AUC reaches 0.5",)


def _subgroups(samples: Index, pictures: Pictures, about: About) -> Iterator[Subgroup]:
    for fact, value, rows in divided(samples.samples, FACTS):
        part = pictures.take(rows)
        found = outline_table(part, replicates=about.replicates, seed=about.seed).table
        patients = int(part.members.max()) + 1
        yield Subgroup(fact, value, len(rows), patients, int(part.truth.sum()), found, few=patients < FEW)


def _each(values: ArrayLike, count: int) -> NDArray[np.float64]:
    """(count,) probabilities, of one value for all or of one each."""
    found = np.asarray(values, np.float64)
    if found.ndim and found.shape != (count,):
        raise DatasetError(f"{found.shape} probabilities do not fit {count} samples")
    found = np.broadcast_to(found, (count,))
    wrong = np.flatnonzero(~((found >= 0) & (found <= 1)))
    if len(wrong):
        raise DatasetError(f"row {wrong[0]}: {found[wrong[0]]} is no probability", "give numbers from 0 to 1")
    return found
