"""The lesion that is answered for: the largest one outlined, what is measured of it, and the square around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.domain.image import Image
from senoscope.core.preprocess.descriptors import box_of, describe, lesion_of
from senoscope.core.preprocess.steps import Gray
from senoscope.core.preprocess.surrounding import surrounding


@dataclass(frozen=True)
class Seeking:
    """How a lesion is made of a map.

    Args:
        threshold: probability from which a pixel is marked.
        smallest: share of what is seen below which a region is left out.
        context: side of the square by the lesion's longer side.
        least: side of the square by the shorter side of what is seen, at least.
    """

    threshold: float
    smallest: float
    context: float
    least: float


@dataclass(frozen=True, eq=False)
class Lesion:
    """What was outlined.

    Args:
        mask: (H, W) of the stored picture.
        box: around it.
        values: what was measured of it, by name; see `descriptors.DESCRIPTORS`.
        square: the part of the picture around it that is looked at.
    """

    mask: NDArray[np.bool_]
    box: Box
    values: dict[str, float]
    square: Box


def lesion_in(image: Image, chances: NDArray[np.float32], seen: Box, how: Seeking) -> Lesion | None:
    """The largest lesion of a picture; None where nothing stands out that could be measured.

    Args:
        image: as stored.
        chances: (H, W) probability of each of its pixels.
        seen: the part of it that shows something: margins are no part of what a lesion is compared with.
        how: thresholds.
    """
    x0, y0, x1, y1 = seen.edges
    within = lesion_of(chances[y0:y1, x0:x1], how.threshold, how.smallest)
    if within is None:
        return None
    grey = Gray().apply(image.pixels[y0:y1, x0:x1]).astype(np.float32) / np.float32(image.maximum)
    values = describe(within, grey)
    if values is None:
        return None
    box = box_of(within)
    square = surrounding(box, Size(seen.width, seen.height), how.context, how.least)
    mask = np.zeros(chances.shape, np.bool_)
    mask[y0:y1, x0:x1] = within
    return Lesion(mask, _moved(box, x0, y0), values, _moved(square, x0, y0))


def _moved(box: Box, right: int, down: int) -> Box:
    return Box(box.left + right, box.top + down, box.width, box.height)
