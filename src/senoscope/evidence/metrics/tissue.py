"""Figures of pictures in which every pixel has one of several labels, with 95 % intervals by bootstrap over patients.

Pixels are counted over all pictures together: a mean over pictures would weigh a label that fills a corner of one as
much as one that fills another. Dice of a label is its F1, intersection over union its Jaccard index.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.codes import UNNAMED
from senoscope.evidence.metrics.grouping import grouped, multiplicities
from senoscope.evidence.metrics.intervals import FEW, REPLICATES, percentiles
from senoscope.evidence.metrics.sums import Values, by_group

OF_LABEL = {"dice": "Dice", "iou": "IoU", "sensitivity": "sensitivity", "precision": "precision"}
"""Figures of one label."""

WORDS = {
    "pixel_accuracy": "share of pixels called rightly",
    **{f"macro_{name}": f"{words}, mean of the labels" for name, words in OF_LABEL.items()},
    **{
        f"weighted_{name}": f"{OF_LABEL[name]}, labels weighted by their true pixels"
        for name in ("dice", "iou", "precision")
    },
}
"""Figures over all labels, in the order in which they are shown; sensitivity so weighted is the first of them."""

STEP = 200
"""Replicates at once; bounds memory to a few MB a label."""


@dataclass(frozen=True)
class Tissue:
    """Figures of pixels.

    Args:
        overall: those of `WORDS`.
        labels: those of `OF_LABEL` of each label that has a true pixel.
        notes: what must be said about them, one sentence each.
    """

    overall: dict[str, Interval]
    labels: dict[str, dict[str, Interval]]
    notes: tuple[str, ...]

    @property
    def table(self) -> dict[str, Interval]:
        """All figures by name; one of a single label is `label.figure`."""
        single = {f"{label}.{name}": value for label, found in self.labels.items() for name, value in found.items()}
        return self.overall | single


def tallied(truth: NDArray[np.uint8], called: NDArray[np.uint8], labels: int) -> NDArray[np.int64]:
    """(K, K) pixels of one picture, a row a true label, a column a called one; pixels without a true label count not.

    Raises:
        DatasetError: the two are of different sizes, or a number is no label's.
    """
    if truth.shape != called.shape:
        raise DatasetError(f"codes {called.shape} do not fit a mask {truth.shape}")
    known = truth != UNNAMED
    rows, columns = truth[known].astype(np.int64), called[known].astype(np.int64)
    if rows.max(initial=0) >= labels or columns.max(initial=0) >= labels:
        raise DatasetError(f"a pixel has a number beyond the {labels} labels", "are mask and task of one set?")
    return np.bincount(rows * labels + columns, minlength=labels * labels).reshape(labels, labels)


def tissue(
    counts: ArrayLike, groups: ArrayLike, labels: tuple[str, ...], *, replicates: int = REPLICATES, seed: int = 0
) -> Tissue:
    """Compute all figures of (N,) pictures.

    A label without a true pixel has no figures and is in no mean; one that is true somewhere and called nowhere has a
    precision of 0. Where a replicate lacks a label, its mean is over those it has.

    Args:
        counts: (N, K, K) from `tallied`.
        groups: (N,) patient or cluster of each picture, integers.
        labels: K.
        replicates: bootstrap samples.
        seed: draws them.

    Raises:
        DatasetError: no pixel has a true label, or counts and groups do not fit.
    """
    pixels = np.asarray(counts, np.float64)
    if pixels.ndim != 3 or pixels.shape[1:] != (len(labels), len(labels)):
        raise DatasetError(f"counts {pixels.shape} do not fit {len(labels)} labels")
    members = grouped(groups, len(pixels))
    if not pixels.sum():
        raise DatasetError("figures need a pixel with a label", "choose another part, or another dataset")
    sums = by_group(pixels.reshape(len(pixels), -1), members, int(members.max()) + 1)
    drawn: dict[str, list[Values]] = {}
    for weights in multiplicities(np.zeros(len(sums), np.int64), replicates=replicates, seed=seed, step=STEP):
        totals = np.einsum("rg,gk->rk", weights.astype(np.float64), sums)
        for name, values in _figures(totals, labels).items():
            drawn.setdefault(name, []).append(values)
    found: dict[str, Interval] = {}
    for name, point in _figures(sums.sum(axis=0)[None], labels).items():
        if not np.isnan(point[0]):
            found[name], _ = percentiles(float(point[0]), np.concatenate(drawn[name]))
    single = {
        label: {name: found[f"{label}.{name}"] for name in OF_LABEL} for label in labels if f"{label}.dice" in found
    }
    notes = _notes(sums.reshape(-1, len(labels), len(labels)), labels)
    return Tissue({name: found[name] for name in WORDS if name in found}, single, tuple(notes))


def _figures(totals: Values, labels: tuple[str, ...]) -> dict[str, Values]:
    """(R,) of every figure from (R, K × K) pixels; NaN where there is no true pixel."""
    matrix = totals.reshape(len(totals), len(labels), len(labels))
    both, true, called = np.einsum("rkk->rk", matrix), matrix.sum(axis=2), matrix.sum(axis=1)
    there = true > 0
    below = {"dice": (true + called) / 2, "iou": true + called - both, "sensitivity": true, "precision": called}
    each = {
        # Called nowhere: nothing of what is called is right.
        name: np.where(there, both / np.where(part > 0, part, 1), np.nan)
        for name, part in below.items()
    }
    whole, kinds = true.sum(axis=1), there.sum(axis=1)
    found = {"pixel_accuracy": _shared(both.sum(axis=1), whole)}
    for name, values in each.items():
        known = np.where(there, values, 0.0)
        found[f"macro_{name}"] = _shared(known.sum(axis=1), kinds)
        found[f"weighted_{name}"] = _shared((known * true).sum(axis=1), whole)
    return found | {
        f"{label}.{name}": values[:, at] for name, values in each.items() for at, label in enumerate(labels)
    }


def _shared(above: Values, below: NDArray[np.generic]) -> Values:
    parts = below.astype(np.float64)
    found: Values = np.divide(above, parts, out=np.full(len(above), np.nan), where=parts > 0)
    return found


def _notes(sums: Values, labels: tuple[str, ...]) -> list[str]:
    holding = (sums.sum(axis=2) > 0).sum(axis=0)
    none = [label for label, count in zip(labels, holding, strict=True) if not count]
    few = [f"{label} ({count})" for label, count in zip(labels, holding, strict=True) if 0 < count < FEW]
    notes = [f"no pixel is truly {', '.join(none)}: there are no figures of these"] if none else []
    if few:
        notes.append(f"in fewer than {FEW} groups, so that intervals are too narrow to be believed: {', '.join(few)}")
    return notes
