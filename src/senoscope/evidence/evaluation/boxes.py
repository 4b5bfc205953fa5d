"""One model that puts boxes around lesions, on one set of images: everything a report shows, computed once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.box_bundle import BoxManifest
from senoscope.core.domain.bundle import DatasetFingerprint, Interval, MetricTable
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.base import PATHOLOGY
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.boxes import Boxed, box_table
from senoscope.evidence.metrics.detection import Froc, Picture, froc
from senoscope.evidence.metrics.intervals import REPLICATES, Bootstrap
from senoscope.evidence.metrics.subgroups import FEW, SUBGROUP_FACTS, Subgroup, divided

FACTS = (PATHOLOGY, *SUBGROUP_FACTS)
"""Facts by which figures are split."""


@dataclass(frozen=True, eq=False)
class Said:
    """What was found in one picture.

    Args:
        boxes: (D, 4) left, top, width and height in pixels of the stored image, the surest first.
        scores: (D,) of the boxes.
        shown: how many of them are shown.
        probability: that there is a lesion at all.
        called: whether one is called.
        abstained: whether the answer is withheld; it counts all the same in `BoxEvaluation.table`.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    shown: int
    probability: float
    called: bool
    abstained: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class BoxAbout:
    """What an evaluation says of itself beside its figures.

    Args:
        title: heading of the report.
        bundle: name of the bundle.
        version: version of the bundle.
        positive: what boxes are around.
        protocol: how training and test data were kept apart, in words.
        leak: why the figures are too good to be believed; "" where they are not.
        shown: score from which a box is shown; None where folds had their own.
        operating_point: name of the threshold from which a lesion is called.
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
    protocol: str
    leak: str = ""
    shown: float | None = None
    operating_point: str = ""
    notes: tuple[str, ...] = ()
    replicates: int = REPLICATES
    seed: int = 0
    abstains: bool = False
    manifest: BoxManifest | None = None
    recipe: Recipe | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class BoxEvaluation(BoxAbout):
    """Figures of a model that puts boxes around lesions, with the answers they come from.

    Args:
        dataset: which data; its images are those that were measured.
        unit: what the groups are: "patients", or "duplicate groups" where the publisher gives no patients.
        samples: the images that were answered.
        boxed: lesions and boxes of each.
        abstained: (N,) whether the model withheld its answer.
        curve: sensitivity against false positives an image.
        table: figures over all images; one that is undefined is not in it.
        answered: figures over what the model did not abstain from; empty where no lesion is left.
        subgroups: figures within the values of facts.
        unread: samples without an answer; they are in no figure.
    """

    dataset: DatasetFingerprint
    unit: str
    samples: Index
    boxed: Boxed
    abstained: NDArray[np.bool_]
    curve: Froc
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
        """(N,) 1 where there is a lesion."""
        return self.boxed.truth

    def metric_table(self) -> MetricTable:
        """Return the figures as a bundle carries them; `positives` counts the images with a lesion."""
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


def assess_boxes(
    index: Index, said: Sequence[Said | Unread], about: BoxAbout, *, subgroups: bool = True
) -> BoxEvaluation:
    """Compute all figures of answers that are already there.

    Args:
        index: the images that were asked about, with the boxes of their lesions; see `index.boxed`.
        said: what was found in each, or why nothing was, in the order of the index.
        about: what is said beside the figures.
        subgroups: whether figures are split by facts too.

    Raises:
        DatasetError: there is not one answer a sample, no picture with a lesion is left, or a box, a score or a
            probability cannot be used; names the sample.
    """
    if len(said) != len(index):
        raise DatasetError(f"{len(said):,} answers do not fit {len(index):,} samples")
    kept = [place for place, one in enumerate(said) if isinstance(one, Said)]
    answers = [one for one in said if isinstance(one, Said)]
    unread = tuple(one for one in said if isinstance(one, Unread))
    samples = index.take(kept)
    if not any(sample.boxes for sample in samples.samples):
        reason = unread[0].reason if unread else "choose another part, or another dataset"
        raise DatasetError(f"figures need a picture with a {about.positive}, and {index.dataset} has none here", reason)
    boxed = _boxed(samples, answers)
    whole = box_table(boxed, replicates=about.replicates, seed=about.seed)
    abstained = np.array([one.abstained for one in answers], np.bool_)
    part = _without(boxed, abstained, whole, about)
    recipe = about.recipe or (about.manifest.recipe if about.manifest else None)
    notes = tuple(dict.fromkeys((*index.notes, *about.notes, *whole.notes, *part.notes)))
    return BoxEvaluation(
        **{**vars(about), "notes": notes, "recipe": recipe},
        dataset=samples.fingerprint(),
        unit="patients" if samples.has_patients else "duplicate groups",
        samples=samples,
        boxed=boxed,
        abstained=abstained,
        curve=froc(boxed.pictures, replicates=1),
        table=whole.table,
        answered=part.table,
        subgroups=tuple(_subgroups(samples, boxed, about)) if subgroups else (),
        unread=unread,
    )


def _boxed(samples: Index, answers: Sequence[Said]) -> Boxed:
    pictures = []
    for sample, one, group in zip(samples.samples, answers, samples.groups(), strict=True):
        _check(sample, one)
        truth = np.array([list(vars(box).values()) for box in sample.boxes], np.float64).reshape(-1, 4)
        pictures.append(Picture(truth, one.boxes, one.scores, int(group)))
    return Boxed(
        tuple(pictures),
        np.array([one.shown for one in answers], np.int64),
        np.array([one.probability for one in answers], np.float64),
        np.array([one.called for one in answers], np.bool_),
    )


def _check(sample: Sample, one: Said) -> None:
    numbers = np.append(one.scores, one.probability)
    if one.boxes.shape != (len(one.scores), 4) or not 0 <= one.shown <= len(one.scores):
        raise DatasetError(
            f"sample {sample.sample_id!r}: boxes {one.boxes.shape} and {one.scores.shape} scores, {one.shown} shown"
        )
    if not ((numbers >= 0) & (numbers <= 1)).all() or (np.diff(one.scores) > 0).any():
        raise DatasetError(
            f"sample {sample.sample_id!r}: scores are no probabilities, or not in order", "is the bundle broken?"
        )


def _without(boxed: Boxed, abstained: NDArray[np.bool_], whole: Bootstrap, about: BoxAbout) -> Bootstrap:
    if not abstained.any():
        return Bootstrap(whole.table, ())
    rows = np.flatnonzero(~abstained)
    if not boxed.truth[rows].any():
        return Bootstrap({}, ("without abstained images no lesion is left: no figures",))
    part = box_table(boxed.take(rows), replicates=about.replicates, seed=about.seed)
    return replace(part, notes=tuple(f"without abstained images: {note}" for note in part.notes))


def _subgroups(samples: Index, boxed: Boxed, about: BoxAbout) -> Iterator[Subgroup]:
    for fact, value, rows in divided(samples.samples, FACTS):
        part = boxed.take(rows)
        if not part.truth.any():
            continue
        found = box_table(part, replicates=about.replicates, seed=about.seed, quick=True).table
        patients = int(part.members.max()) + 1
        yield Subgroup(fact, value, len(rows), patients, int(part.truth.sum()), found, few=patients < FEW)
