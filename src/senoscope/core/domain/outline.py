"""The answer that marks regions in a picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box, Placement
from senoscope.core.domain.prediction import Prediction


@dataclass(frozen=True)
class Region:
    """One connected region.

    Args:
        label: what it shows.
        box: around it, in pixels of the stored image.
        pixels: of the stored image that belong to it.
        share: of the stored image, 0 to 1.
        probability: mean over its pixels of the probability of its label.
    """

    label: str
    box: Box
    pixels: int
    share: float
    probability: float


@dataclass(frozen=True, eq=False)
class OutlinePrediction(Prediction):
    """What a bundle marks in one image.

    Of two labels, `probability` is the calibrated one that there is such a region at all, `label` the positive one
    where it is called, and `heat` the probability of each pixel to be of it. Of more labels, `probabilities` are the
    shares of the picture each takes, `label` is the largest, and `heat` is of the positive one.

    Args:
        regions: the largest first; of two labels none where nothing is called.
        labels: what the codes mean, in their order; 0 is the first.
        codes: (H, W) label of each pixel of the stored image.
    """

    regions: tuple[Region, ...]
    labels: tuple[str, ...]
    codes: NDArray[np.uint8]


def stored(values: NDArray[np.float32], placements: tuple[Placement, ...]) -> NDArray[np.float32]:
    """Carry a map on the network's grid back over the image as stored; zero where the image was cropped away."""
    for placement in reversed(placements):
        values = placement.invert(values)
    return values
