"""Whether boxes find lesions: FROC and average precision, over pictures with any number of lesions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.curves import Curve
from senoscope.evidence.metrics.grouping import grouped, multiplicities
from senoscope.evidence.metrics.intervals import REPLICATES, percentiles
from senoscope.evidence.metrics.sums import Values

RATES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
"""False positives an image at which sensitivity is read off."""

OVERLAP = 0.5
"""Least intersection over union of a box that finds a lesion."""

STRICTER = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Overlaps over which average precision is averaged."""

CHUNK = 1_000_000


@dataclass(frozen=True, eq=False)
class Picture:
    """One image: lesions that are there, and boxes that were found.

    Args:
        truth: (T, 4) left, top, width, height of each lesion.
        boxes: (D, 4) likewise of each box.
        scores: (D,) finite; higher is surer.
        group: patient or cluster.
    """

    truth: Values
    boxes: Values
    scores: Values
    group: int


@dataclass(frozen=True, eq=False)
class Froc:
    """Free-response ROC curve.

    Args:
        rates: (K,) false positives an image, from the strictest threshold to the laxest, after 0.
        sensitivity: (K,) share of lesions found.
        thresholds: (K,) score from which boxes count; infinity first.
        table: sensitivity at each of `RATES`, 95 % intervals by bootstrap over groups.
        mean: mean of those sensitivities.
        images: pictures.
        lesions: over all of them.
    """

    rates: Values
    sensitivity: Values
    thresholds: Values
    table: dict[float, Interval]
    mean: Interval
    images: int
    lesions: int


def iou(first: ArrayLike, second: ArrayLike) -> Values:
    """(N, M) intersection over union of (N, 4) and (M, 4) boxes: left, top, width, height.

    Raises:
        DatasetError: a box is none: not four finite numbers, or without extent.
    """
    one, other = _boxes(first), _boxes(second)
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum((one[:, :2] + one[:, 2:])[:, None], (other[:, :2] + other[:, 2:])[None])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = one[:, 2:].prod(axis=1)[:, None] + other[:, 2:].prod(axis=1)[None]
    return np.asarray(shared / (areas - shared))


def match(truth: ArrayLike, boxes: ArrayLike, scores: ArrayLike, overlap: float | None = OVERLAP) -> NDArray[np.int64]:
    """Give each box at most one lesion, and each lesion at most one box, the surest box first.

    A box takes the lesion it overlaps most among those not yet taken, if their intersection over union is at least
    `overlap`, or without one if its middle lies in the lesion's box; a second box on a lesion that is taken is a false
    positive.

    Args:
        truth: (T, 4) lesions.
        boxes: (D, 4) boxes.
        scores: (D,) of the boxes; of equal ones the first listed comes first.
        overlap: above 0, at most 1; None goes by the box's middle.

    Returns:
        (D,) number of the lesion, or −1.

    Raises:
        DatasetError: a box, a score or the overlap cannot be used.
    """
    values = np.asarray(scores, np.float64)
    shares = iou(boxes, truth)
    if values.shape != (len(shares),) or not np.isfinite(values).all():
        raise DatasetError(f"scores {values.shape} do not fit {len(shares)} boxes, or are not finite")
    if overlap is None:
        shares, overlap = np.where(_pointed(boxes, truth), shares, -1.0), 0.0
    elif not 0 < overlap <= 1:
        raise DatasetError(f"an overlap of {overlap:g} is none", "give a share above 0, such as 0.5")
    found = np.full(len(shares), -1)
    for box in np.argsort(-values, kind="stable"):
        if shares.shape[1] == 0:
            break
        lesion = int(np.argmax(shares[box]))
        if shares[box, lesion] >= overlap:
            found[box] = lesion
            shares[:, lesion] = -1.0
    return found


def froc(
    pictures: Sequence[Picture], *, overlap: float | None = OVERLAP, replicates: int = REPLICATES, seed: int = 0
) -> Froc:
    """Share of lesions found against false positives an image (Bunch et al. 1978; mean as in LUNA16).

    At each rate the sensitivity is the highest of a threshold with no more false positives an image. Groups are drawn
    with replacement within strata of those with a lesion and those without.

    Args:
        pictures: with at least one lesion among them.
        overlap: see `match`.
        replicates: bootstrap samples.
        seed: draws them.

    Raises:
        DatasetError: no picture, no lesion, or a box or score that cannot be used; names the picture.
    """
    listed = _Listed.of(pictures, overlap)
    hits, alarms, lesions, images = listed.counts(np.ones((1, listed.groups), np.int32))
    last = listed.last
    drawn: list[Values] = []
    step = max(1, CHUNK // max(1, len(listed.scores), listed.groups))
    for weights in multiplicities(listed.kinds, replicates=replicates, seed=seed, step=step):
        drawn.append(_at_rates(*listed.counts(weights)))
    point, sample = _at_rates(hits, alarms, lesions, images)[0], np.concatenate(drawn)
    return Froc(
        rates=np.concatenate(([0.0], alarms[0, last] / images[0])),
        sensitivity=np.concatenate(([0.0], hits[0, last] / lesions[0])),
        thresholds=np.concatenate(([np.inf], listed.scores[last])),
        table={rate: percentiles(float(point[at]), sample[:, at])[0] for at, rate in enumerate(RATES)},
        mean=percentiles(float(point.mean()), sample.mean(axis=1))[0],
        images=len(pictures),
        lesions=int(lesions[0]),
    )


def average_precision(
    pictures: Sequence[Picture], *, overlap: float = OVERLAP, replicates: int = REPLICATES, seed: int = 0
) -> Interval:
    """Area under precision against recall over all boxes of all pictures, with its 95 % interval.

    Precision is taken as the highest at that recall or a higher one, over every recall there is (Everingham et al.
    2010, doi:10.1007/s11263-009-0275-4, as computed since that challenge's year 2010); lesions that no box finds never
    come into the area. Arguments and errors are those of `froc`.
    """
    return mean_average_precision(pictures, overlaps=(overlap,), replicates=replicates, seed=seed)


def mean_average_precision(
    pictures: Sequence[Picture],
    *,
    overlaps: Sequence[float] = STRICTER,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Interval:
    """Mean of the average precision over several overlaps, with its 95 % interval; each replicate is of one draw.

    With the ten overlaps from 0.5 to 0.95 it is what the COCO challenge calls AP (Lin et al. 2014, arXiv:1405.0312),
    but over every recall there is and not over 101 of them. Other arguments and errors are those of `froc`.
    """
    points, drawn = [], []
    for overlap in overlaps:
        point, sample = _precisions(_Listed.of(pictures, overlap), replicates, seed)
        points.append(point)
        drawn.append(sample)
    return percentiles(float(np.mean(points)), np.mean(drawn, axis=0))[0]


def precision_curve(pictures: Sequence[Picture], *, overlap: float = OVERLAP) -> Curve:
    """Precision against recall over all boxes of all pictures, from the strictest threshold to the laxest.

    Arguments and errors are those of `froc`.
    """
    listed = _Listed.of(pictures, overlap)
    hits, alarms, lesions, _ = listed.counts(np.ones((1, listed.groups), np.int32))
    found, wrong = hits[0, listed.last], alarms[0, listed.last]
    return Curve(found / lesions[0], found / np.maximum(found + wrong, 1), listed.scores[listed.last])


def _precisions(listed: "_Listed", replicates: int, seed: int) -> tuple[float, Values]:
    """Area under precision against recall, of all pictures and of each replicate."""
    point = _precision(*listed.counts(np.ones((1, listed.groups), np.int32))[:3], listed.last)
    step = max(1, CHUNK // max(1, len(listed.scores), listed.groups))
    drawn = [
        _precision(*listed.counts(weights)[:3], listed.last)
        for weights in multiplicities(listed.kinds, replicates=replicates, seed=seed, step=step)
    ]
    return float(point[0]), np.concatenate(drawn)


@dataclass(frozen=True, eq=False)
class _Listed:
    """Boxes of all pictures, surest first, with all that replicates share."""

    scores: Values
    hit: NDArray[np.bool_]
    members: NDArray[np.int64]
    last: NDArray[np.int64]
    lesions: Values
    images: Values

    @property
    def groups(self) -> int:
        return len(self.images)

    @property
    def kinds(self) -> NDArray[np.int64]:
        return (self.lesions > 0).astype(np.int64)

    @classmethod
    def of(cls, pictures: Sequence[Picture], overlap: float | None) -> "_Listed":
        if not any(len(picture.truth) for picture in pictures):
            raise DatasetError("no picture has a lesion to be found", "give pictures with boxes around lesions")
        members = grouped(np.array([picture.group for picture in pictures]), len(pictures))
        found = []
        for number, picture in enumerate(pictures):
            try:
                found.append(match(picture.truth, picture.boxes, picture.scores, overlap) >= 0)
            except DatasetError as error:
                raise DatasetError(f"picture {number}: {error.message}", error.hint) from error
        scores = np.concatenate([np.asarray(picture.scores, np.float64) for picture in pictures])
        order = np.argsort(-scores, kind="stable")
        count = int(members.max()) + 1
        return cls(
            scores=scores[order],
            hit=np.concatenate(found)[order],
            members=np.repeat(members, [len(picture.scores) for picture in pictures])[order],
            last=np.flatnonzero(np.concatenate((np.diff(scores[order]) != 0, [len(scores) > 0]))),
            lesions=np.bincount(members, [len(picture.truth) for picture in pictures], count).astype(np.float64),
            images=np.bincount(members, minlength=count).astype(np.float64),
        )

    def counts(self, weights: NDArray[np.int32]) -> tuple[Values, Values, Values, Values]:
        """(R, D) lesions found and false positives so far, (R,) lesions and images."""
        drawn = weights[:, self.members].astype(np.float64)
        hits, alarms = (drawn * self.hit).cumsum(axis=1), (drawn * ~self.hit).cumsum(axis=1)
        # Boxes of one score count together, wherever in the list they stand.
        place = self.last[np.searchsorted(self.last, np.arange(len(self.scores)))]
        return hits[:, place], alarms[:, place], weights @ self.lesions, weights @ self.images


def _at_rates(hits: Values, alarms: Values, lesions: Values, images: Values) -> Values:
    """(R, rates) highest sensitivity with no more false positives an image."""
    if hits.shape[1] == 0:
        return np.zeros((len(hits), len(RATES)))
    columns = []
    for rate in RATES:
        allowed = (alarms <= rate * images[:, None] + 1e-9).sum(axis=1)
        columns.append(np.where(allowed > 0, hits[np.arange(len(hits)), allowed - 1], 0.0) / lesions)
    return np.stack(columns, axis=1)


def _precision(hits: Values, alarms: Values, lesions: Values, last: NDArray[np.int64]) -> Values:
    """(R,) area under the falling hull of precision."""
    found, wrong = hits[:, last], alarms[:, last]
    precision = found / np.maximum(found + wrong, np.finfo(np.float64).tiny)
    hull = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    gained = np.diff(found, axis=1, prepend=0.0)
    return np.asarray((gained * hull).sum(axis=1) / lesions)


def _pointed(boxes: ArrayLike, truth: ArrayLike) -> NDArray[np.bool_]:
    """(D, T) whether the middle of each box lies in each lesion's."""
    seen, there = _boxes(boxes), _boxes(truth)
    middle = (seen[:, :2] + seen[:, 2:] / 2)[:, None]
    low = there[None, :, :2]
    return np.asarray(((middle >= low) & (middle < low + there[None, :, 2:])).all(axis=2))


def _boxes(boxes: ArrayLike) -> Values:
    values = np.asarray(boxes, np.float64)
    values = values.reshape(0, 4) if values.size == 0 else values
    if values.ndim != 2 or values.shape[1] != 4:
        raise DatasetError(f"boxes {values.shape} are not rows of left, top, width, height")
    wrong = ~np.isfinite(values).all(axis=1) | (values[:, 2:] <= 0).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DatasetError(f"row {row}: box {values[row]} has no extent or is not finite")
    return values
