"""Figures of boxes over many pictures, with 95 % intervals by bootstrap over patients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.metrics.averages import weighted_ratios
from senoscope.evidence.metrics.detection import OVERLAP, Picture, average_precision, froc, iou, match
from senoscope.evidence.metrics.detection import mean_average_precision as every_overlap
from senoscope.evidence.metrics.grouping import grouped
from senoscope.evidence.metrics.intervals import FEW, REPLICATES, Bootstrap, draws, percentiles
from senoscope.evidence.metrics.ranking import rank, ranking_figures
from senoscope.evidence.metrics.sums import Values

AT = {"froc_quarter": 0.25, "froc_half": 0.5, "froc_1": 1.0, "froc_2": 2.0}
"""False positives an image at which sensitivity is told."""

WORDS = {
    "ap50": "AP at an IoU of 0.5",
    "ap": "AP, mean over IoUs from 0.5 to 0.95",
    **{name: f"sensitivity at {rate:g} false positives an image" for name, rate in AT.items()},
    "froc_mean": "mean sensitivity at 1/8 to 8 false positives an image",
    "pointed_1": "sensitivity at 1 false positives an image, by boxes whose middle lies in the lesion",
    "iou": "IoU of the best box shown",
    "found": "share of lesions found by a box shown",
    "false_positives": "boxes shown beside a lesion, an image",
    "roc_auc": "ROC AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
"""Figures in the order in which they are shown; the last three are of there being a lesion at all."""

PRESENCE = ("roc_auc", "sensitivity", "specificity")
"""Figures of pictures; the others are of lesions and boxes."""

SLOW = ("ap",)
"""Figures that are left out where many tables are asked for."""


@dataclass(frozen=True, eq=False)
class Boxed:
    """What is known of (N,) pictures, for figures over them.

    Args:
        pictures: lesions, boxes and scores of each, the surest box first.
        shown: (N,) how many of its boxes are shown.
        probabilities: (N,) that there is a lesion at all.
        called: (N,) whether one is called.
    """

    pictures: tuple[Picture, ...]
    shown: NDArray[np.int64]
    probabilities: Values
    called: NDArray[np.bool_]

    @property
    def truth(self) -> NDArray[np.int64]:
        """(N,) 1 where there is a lesion."""
        return np.array([len(one.truth) > 0 for one in self.pictures], np.int64)

    @property
    def members(self) -> NDArray[np.int64]:
        """(N,) group of each, 0 to G − 1."""
        return grouped(np.array([one.group for one in self.pictures]), len(self.pictures))

    def take(self, rows: NDArray[np.integer] | Sequence[int]) -> "Boxed":
        """Keep those at these positions."""
        chosen = np.asarray(rows, np.int64)
        kept = tuple(self.pictures[int(row)] for row in chosen)
        return Boxed(kept, self.shown[chosen], self.probabilities[chosen], self.called[chosen])


@dataclass(frozen=True)
class Hit:
    """How the boxes shown in one picture fit its lesions.

    Args:
        lesions: there are.
        found: by a box each.
        overlap: sum over its lesions of the greatest intersection over union with a box shown.
        stray: boxes shown that find none.
    """

    lesions: int
    found: int
    overlap: float
    stray: int


def hit(picture: Picture, shown: int) -> Hit:
    """Compare the first `shown` boxes of a picture with its lesions."""
    seen = replace(picture, boxes=picture.boxes[:shown], scores=picture.scores[:shown])
    shares = iou(seen.boxes, seen.truth)
    found = int((match(seen.truth, seen.boxes, seen.scores, OVERLAP) >= 0).sum())
    overlap = float(shares.max(axis=0).sum()) if shares.size else 0.0
    return Hit(len(seen.truth), found, overlap, len(seen.boxes) - found)


Figure = Callable[[NDArray[Any]], Values]
"""(R, G) weights of the groups to (R,) values."""


def box_table(boxed: Boxed, *, replicates: int = REPLICATES, seed: int = 0, quick: bool = False) -> Bootstrap:
    """Compute all of `WORDS` that are defined, with 95 % intervals; groups are drawn as `metrics.intervals` says.

    Args:
        boxed: at least one picture with a lesion among them.
        replicates: bootstrap samples.
        seed: draws them.
        quick: whether to leave out what takes long, see `SLOW`.

    Raises:
        DatasetError: no picture has a lesion, or a box or score cannot be used.
    """
    curve = froc(boxed.pictures, replicates=replicates, seed=seed)
    table = {name: curve.table[rate] for name, rate in AT.items()}
    table |= {"froc_mean": curve.mean, "ap50": average_precision(boxed.pictures, replicates=replicates, seed=seed)}
    table["pointed_1"] = froc(boxed.pictures, overlap=None, replicates=replicates, seed=seed).table[1.0]
    if not quick:
        table["ap"] = every_overlap(boxed.pictures, replicates=replicates, seed=seed)
    table |= _drawn(boxed, replicates, seed)
    return Bootstrap({name: table[name] for name in WORDS if name in table}, tuple(_notes(boxed, table)))


def _drawn(boxed: Boxed, replicates: int, seed: int) -> dict[str, Interval]:
    figures, members = _figures(boxed), boxed.members
    whole = np.ones((1, int(members.max()) + 1), np.int32)
    chunks = [
        {name: figure(weights) for name, figure in figures.items()}
        for weights in draws(boxed.truth, members, replicates=replicates, seed=seed)
    ]
    found: dict[str, Interval] = {}
    for name, figure in figures.items():
        point = float(figure(whole)[0])
        if not np.isnan(point):
            found[name], _ = percentiles(point, np.concatenate([chunk[name] for chunk in chunks]))
    return found


def _figures(boxed: Boxed) -> dict[str, Figure]:
    members, truth, called = boxed.members, boxed.truth, boxed.called
    hits = [hit(one, int(shown)) for one, shown in zip(boxed.pictures, boxed.shown, strict=True)]
    lesions = np.array([one.lesions for one in hits], np.float64)
    sums = {
        "iou": (np.array([one.overlap for one in hits]), lesions),
        "found": (np.array([one.found for one in hits], np.float64), lesions),
        "false_positives": (np.array([one.stray for one in hits], np.float64), np.ones(len(hits))),
    }
    found = {name: _ratio(above, below, members) for name, (above, below) in sums.items()}
    if truth.min() < truth.max():
        ranked = rank(truth, boxed.probabilities, members)
        found["roc_auc"] = lambda weights: ranking_figures(ranked, weights)["roc_auc"]
    for name, kind, right in (("sensitivity", 1, called), ("specificity", 0, ~called)):
        mine = truth == kind
        found[name] = _ratio(right[mine].astype(np.float64), np.ones(int(mine.sum())), members[mine])
    return found


def _ratio(above: Values, below: Values, members: NDArray[np.int64]) -> Figure:
    return lambda weights: weighted_ratios(above, below, members, weights)


def _notes(boxed: Boxed, table: dict[str, Interval]) -> list[str]:
    notes = []
    for kind, words in ((1, "with a lesion"), (0, "without one")):
        count = len(np.unique(boxed.members[boxed.truth == kind]))
        if 0 < count < FEW:
            notes.append(f"only {count} groups with pictures {words}: the intervals are too narrow to be believed")
    if "roc_auc" not in table:
        notes.append("every picture has a lesion: whether these are told from others cannot be measured")
    elif table["roc_auc"].low <= 0.5:
        notes.append(
            "not shown to tell pictures with a lesion from those without: the interval of the ROC AUC reaches 0.5"
        )
    return notes
