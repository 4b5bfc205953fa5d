"""Figures of outlines over many pictures, with 95 % intervals by bootstrap over patients."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.averages import weighted_medians, weighted_ratios
from senoscope.evidence.metrics.grouping import grouped
from senoscope.evidence.metrics.intervals import FEW, REPLICATES, Bootstrap, draws, percentiles
from senoscope.evidence.metrics.ranking import rank, ranking_figures
from senoscope.evidence.metrics.segmentation import surface_distances
from senoscope.evidence.metrics.sums import Values

FOUND = 0.5
"""Dice from which on a region counts as found."""

WORDS = {
    "dice": "Dice",
    "iou": "IoU",
    "dice_called": "Dice, an empty mark where no region is called",
    "dice_pooled": "Dice over all pixels together",
    "found": f"share with a Dice of {FOUND} or more",
    "pixel_sensitivity": "sensitivity for pixels",
    "pixel_precision": "precision of pixels",
    "hd95_median": "95 % surface distance, median, pixels",
    "hd95_mean": "95 % surface distance, mean, pixels",
    "hd95_share_median": "95 % surface distance, median, share of the diagonal",
    "hd95_share_mean": "95 % surface distance, mean, share of the diagonal",
    "roc_auc": "ROC AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
"""Figures in the order in which they are shown; the last three are of there being a region at all."""

PRESENCE = ("roc_auc", "sensitivity", "specificity")
"""Figures over all pictures; the others are over those with a true region."""


@dataclass(frozen=True)
class Fit:
    """How what is marked in one picture fits what is true there.

    Args:
        width: of the picture, in pixels.
        height: of the picture.
        truth: pixels of the true region.
        marked: pixels that are marked.
        both: pixels that are both.
        hd95: 95 % surface distance, see `metrics.segmentation`, in pixels; NaN where there is no true region.
    """

    width: int
    height: int
    truth: int
    marked: int
    both: int
    hd95: float

    @property
    def dice(self) -> float:
        """2 |A ∩ B| / (|A| + |B|); NaN where there is no true region."""
        return 2 * self.both / (self.truth + self.marked) if self.truth else float("nan")

    @property
    def iou(self) -> float:
        """|A ∩ B| / |A ∪ B|; NaN where there is no true region."""
        return self.both / (self.truth + self.marked - self.both) if self.truth else float("nan")

    @property
    def sensitivity(self) -> float:
        """Share of the true region that is marked; NaN where there is none."""
        return self.both / self.truth if self.truth else float("nan")

    @property
    def precision(self) -> float:
        """Share of the mark that is true, 0 where nothing is marked; NaN where there is no true region."""
        if not self.truth:
            return float("nan")
        return self.both / self.marked if self.marked else 0.0

    @property
    def hd95_share(self) -> float:
        """The surface distance as a share of the picture's diagonal."""
        return self.hd95 / float(np.hypot(self.width, self.height))


def fit(truth: NDArray[np.bool_], marked: NDArray[np.bool_]) -> Fit:
    """Compare two masks (H, W) of one picture.

    Raises:
        DatasetError: the shapes differ.
        MissingExtraError: scipy is not installed.
    """
    distance = surface_distances(truth, marked).hd95
    height, width = truth.shape
    counts = (int(truth.sum()), int(marked.sum()), int((truth & marked).sum()))
    return Fit(width, height, *counts, distance if counts[0] else float("nan"))


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is known of (N,) pictures, for figures over them.

    Args:
        fits: of each.
        probabilities: (N,) calibrated, that there is a region at all; None where that is not answered.
        called: (N,) whether a region is called; None where that is not answered.
        members: (N,) group of each, 0 to G − 1.
    """

    fits: tuple[Fit, ...]
    probabilities: Values | None
    called: NDArray[np.bool_] | None
    members: NDArray[np.int64]

    def take(self, rows: NDArray[np.integer] | Sequence[int]) -> "Pictures":
        """Keep those at these positions, their groups numbered anew."""
        chosen = np.asarray(rows, np.int64)
        return Pictures(
            tuple(self.fits[int(row)] for row in chosen),
            None if self.probabilities is None else self.probabilities[chosen],
            None if self.called is None else self.called[chosen],
            grouped(self.members[chosen], len(chosen)),
        )

    @property
    def truth(self) -> NDArray[np.int64]:
        """(N,) 1 where there is a true region."""
        return np.array([bool(one.truth) for one in self.fits], np.int64)


Figure = Callable[[NDArray[Any]], Values]
"""(R, G) weights of the groups to (R,) values."""


def outline_table(pictures: Pictures, *, replicates: int = REPLICATES, seed: int = 0) -> Bootstrap:
    """Compute all of `WORDS` that are defined, with 95 % intervals; groups are drawn as `metrics.intervals` says.

    Args:
        pictures: at least one.
        replicates: bootstrap samples.
        seed: draws them.

    Raises:
        DatasetError: there is no picture.
    """
    if not pictures.fits:
        raise DatasetError("figures need a picture", "choose another part, or another dataset")
    figures = _figures(pictures)
    whole = np.ones((1, int(pictures.members.max()) + 1), np.int32)
    chunks = [
        {name: figure(weights) for name, figure in figures.items()}
        for weights in draws(pictures.truth, pictures.members, replicates=replicates, seed=seed)
    ]
    table: dict[str, Interval] = {}
    for name, figure in figures.items():
        point = float(figure(whole)[0])
        if not np.isnan(point):
            table[name], _ = percentiles(point, np.concatenate([chunk[name] for chunk in chunks]))
    return Bootstrap({name: table[name] for name in WORDS if name in table}, tuple(_notes(pictures, table)))


def _figures(pictures: Pictures) -> dict[str, Figure]:
    rows = np.flatnonzero(pictures.truth)
    inside, members = [pictures.fits[row] for row in rows], pictures.members[rows]
    dice, distance = _column(one.dice for one in inside), _column(one.hd95 for one in inside)
    share = _column(one.hd95_share for one in inside)
    both, sizes = _column(2 * one.both for one in inside), _column(one.truth + one.marked for one in inside)
    means = {
        "dice": dice,
        "iou": _column(one.iou for one in inside),
        "found": (dice >= FOUND).astype(np.float64),
        "pixel_sensitivity": _column(one.sensitivity for one in inside),
        "pixel_precision": _column(one.precision for one in inside),
        "hd95_mean": distance,
        "hd95_share_mean": share,
    }
    if pictures.called is not None:
        means["dice_called"] = np.where(pictures.called[rows], dice, 0.0)
    found = {name: _mean(values, members) for name, values in means.items()}
    found["dice_pooled"] = lambda weights: weighted_ratios(both, sizes, members, weights)
    found["hd95_median"] = lambda weights: weighted_medians(distance, members, weights)
    found["hd95_share_median"] = lambda weights: weighted_medians(share, members, weights)
    return found | _presence(pictures)


def _presence(pictures: Pictures) -> dict[str, Figure]:
    if pictures.probabilities is None or pictures.called is None:
        return {}
    truth, members = pictures.truth, pictures.members
    ranked, called = rank(truth, pictures.probabilities, members), pictures.called
    found: dict[str, Figure] = {"roc_auc": lambda weights: ranking_figures(ranked, weights)["roc_auc"]}
    for name, kind, right in (("sensitivity", 1, called), ("specificity", 0, ~called)):
        found[name] = _mean(right[truth == kind].astype(np.float64), members[truth == kind])
    return found


def _mean(values: Values, members: NDArray[np.int64]) -> Figure:
    return lambda weights: weighted_ratios(values, np.ones(len(values)), members, weights)


def _column(values: Iterable[float]) -> Values:
    return np.array(list(values), np.float64)


def _notes(pictures: Pictures, table: dict[str, Interval]) -> list[str]:
    truth = pictures.truth
    notes = []
    for kind, words in ((1, "with a true region"), (0, "without one")):
        count = len(np.unique(pictures.members[truth == kind]))
        if 0 < count < FEW:
            notes.append(f"only {count} groups with pictures {words}: the intervals are too narrow to be believed")
    if pictures.probabilities is not None and "roc_auc" not in table:
        side = "every" if truth.any() else "no"
        notes.append(f"{side} picture has a true region: whether these are told from others cannot be measured")
    return notes
