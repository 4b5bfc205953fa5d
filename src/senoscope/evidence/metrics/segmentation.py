"""How a marked region fits the true one.

Empty masks: where both are empty the mark is perfect, shares are 1 and distances 0; where one is, shares of overlap are
0 and distances are the length of the picture's diagonal, the worst there can be, so that a mean over pictures stays
finite and a missed lesion costs more than a badly drawn one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.errors import DatasetError, MissingExtraError

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Overlap:
    """Shares of pixels.

    Args:
        dice: 2 |A ∩ B| / (|A| + |B|) (Dice 1945, doi:10.2307/1932409).
        iou: |A ∩ B| / |A ∪ B| (Jaccard).
        sensitivity: share of the true region that is marked; 1 where there is none.
        precision: share of the mark that is true; 1 where there is none and nothing to mark, else 0.
        volume_ratio: marked by true pixels; NaN where there are no true ones.
    """

    dice: float
    iou: float
    sensitivity: float
    precision: float
    volume_ratio: float


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances between the two outlines, in the unit of the spacing.

    Args:
        hausdorff: the largest of any point of one outline to the other outline (Huttenlocher et al. 1993,
            doi:10.1109/34.232073).
        hd95: the larger of the two 95th percentiles in its stead, which one stray pixel does not change.
        mean: average symmetric surface distance: mean over the points of both outlines.
    """

    hausdorff: float
    hd95: float
    mean: float


def overlap(truth: ArrayLike, marked: ArrayLike) -> Overlap:
    """Compare two masks of one shape, any number of axes; what is not 0 belongs to the region.

    Raises:
        DatasetError: the shapes differ, or a mask has no pixel at all.
    """
    true, mark = _masks(truth, marked)
    both, here, there = int((true & mark).sum()), int(true.sum()), int(mark.sum())
    nothing = here + there == 0
    return Overlap(
        dice=1.0 if nothing else 2 * both / (here + there),
        iou=1.0 if nothing else both / (here + there - both),
        sensitivity=both / here if here else 1.0,
        precision=both / there if there else float(nothing),
        volume_ratio=there / here if here else float("nan"),
    )


def surface_distances(truth: ArrayLike, marked: ArrayLike, spacing: ArrayLike = 1.0) -> SurfaceDistances:
    """Measure distances between the outlines of two masks of one shape.

    An outline are the pixels of a region that touch, across a side, one that is not of it or the picture's edge;
    distances are from centre to centre of pixels.

    Args:
        truth: (…) true region, two or three axes; what is not 0 belongs to it.
        marked: the marked one.
        spacing: size of a pixel along each axis, such as millimetres; one number for all.

    Raises:
        DatasetError: the shapes differ, or the spacing does not fit.
        MissingExtraError: scipy is not installed.
    """
    true, mark = _masks(truth, marked)
    sizes = np.asarray(spacing, np.float64)
    sizes = np.repeat(sizes, true.ndim) if sizes.ndim == 0 else sizes
    if sizes.shape != (true.ndim,) or not np.isfinite(sizes).all() or (sizes <= 0).any():
        raise DatasetError(f"a spacing of {spacing!r} does not fit {true.ndim} axes", "give a positive number an axis")
    if not true.any() or not mark.any():
        worst = (
            0.0 if not true.any() and not mark.any() else float(np.sqrt(((np.array(true.shape) * sizes) ** 2).sum()))
        )
        return SurfaceDistances(worst, worst, worst)
    true, mark = _cropped(true, mark)
    first, second = _outline(true), _outline(mark)
    there, back = _to(second, sizes)[first], _to(first, sizes)[second]
    return SurfaceDistances(
        hausdorff=float(max(there.max(), back.max())),
        hd95=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        mean=float(np.concatenate((there, back)).mean()),
    )


def _masks(truth: ArrayLike, marked: ArrayLike) -> tuple[Mask, Mask]:
    true, mark = np.asarray(truth) != 0, np.asarray(marked) != 0
    if true.shape != mark.shape or true.size == 0 or true.ndim == 0:
        raise DatasetError(f"masks of {true.shape} and {mark.shape} cannot be compared", "give two of one shape")
    return true, mark


def _cropped(true: Mask, mark: Mask) -> tuple[Mask, Mask]:
    """Both masks within the box that holds them, with one empty pixel around."""
    either = true | mark
    for axis in range(either.ndim):
        others = tuple(other for other in range(either.ndim) if other != axis)
        inside = np.flatnonzero(either.any(axis=others))
        part = (slice(None),) * axis + (slice(inside[0], inside[-1] + 1),)
        true, mark, either = true[part], mark[part], either[part]
    return np.pad(true, 1), np.pad(mark, 1)


def _outline(region: Mask) -> Mask:
    """Pixels of a region, empty around, with a neighbour across a side that is not of it."""
    inner = region.copy()
    for axis in range(region.ndim):
        for step in (1, -1):
            inner &= np.roll(region, step, axis)
    return region & ~inner


def _to(outline: Mask, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of every pixel to the nearest of an outline."""
    try:
        from scipy.ndimage import distance_transform_edt
    except ImportError as error:
        raise MissingExtraError("distances between outlines", "report") from error
    return np.asarray(distance_transform_edt(~outline, sampling=sizes), np.float64)
