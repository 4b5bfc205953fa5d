"""What can be measured of an outlined lesion without knowing its scale: the words of BI-RADS in numbers.

Shape, orientation, margin and echo pattern are how a sonographer describes a mass (ACR BI-RADS Atlas, 5th edition,
ultrasound). The contrast of a lesion against its picture stands for echo pattern, compactness for margin.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box
from senoscope.core.preprocess.components import components
from senoscope.core.preprocess.postprocess import coded


@dataclass(frozen=True)
class Descriptor:
    """One measure.

    Args:
        name: stable name, a fact of a record.
        title: in plain words.
        unit: "" where it has none.
    """

    name: str
    title: str
    unit: str = ""


DESCRIPTORS = (
    Descriptor("lesion_area", "share of the picture", "log10"),
    Descriptor("lesion_height_to_width", "height by width: above 1 it is taller than wide"),
    Descriptor("lesion_fill", "share of its box that it fills"),
    Descriptor("lesion_circularity", "circularity: 1 of a disc, less of a ragged outline"),
    Descriptor("lesion_brightness", "brightness inside less that of the picture", "full scale"),
    Descriptor("lesion_contrast", "spread of brightness inside by that of the picture"),
)
"""In the order in which they are given."""

SMALLEST = 12
"""Pixels below which nothing is measured."""


def largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) → the largest connected part alone, the first of equals; nothing where there is none."""
    numbers, count = components(mask)
    if count < 2:
        return mask
    sizes = np.bincount(numbers.ravel())[1:]
    found: NDArray[np.bool_] = numbers == int(np.argmax(sizes)) + 1
    return found


def lesion_of(chances: NDArray[np.float32], threshold: float, smallest: float) -> NDArray[np.bool_] | None:
    """(H, W) probabilities → (H, W) of the largest lesion, or None where nothing stands out.

    Where no pixel reaches the threshold, half of the highest probability is taken in its stead: whether there is a
    lesion at all is another question, which the picture's score answers.
    """
    for limit in (threshold, float(chances.max(initial=0.0)) / 2):
        codes = coded(chances[None], limit, smallest) if limit > 0 else np.zeros(chances.shape, np.uint8)
        if codes.any():
            return largest(codes > 0)
    return None


def box_of(mask: NDArray[np.bool_]) -> Box:
    """Smallest box around what is marked, of which there must be something."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    left, top = int(columns[0]), int(rows[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def describe(mask: NDArray[np.bool_], grey: NDArray[np.floating]) -> dict[str, float] | None:
    """Measure one lesion; None where it is of fewer than `SMALLEST` pixels.

    Args:
        mask: (H, W), one connected part.
        grey: (H, W) brightness in [0, 1].

    Returns:
        A number, all finite, for each of `DESCRIPTORS` by name. Circularity is 4π × area / perimeter², the perimeter
        counted as by Crofton in four directions, so that neither the grid nor the size of the picture changes it much.
    """
    pixels = int(mask.sum())
    if pixels < SMALLEST:
        return None
    box = box_of(mask)
    inside = grey[mask]
    spread = float(grey.std())
    return {
        "lesion_area": float(np.log10(pixels / mask.size)),
        "lesion_height_to_width": box.height / box.width,
        "lesion_fill": pixels / (box.width * box.height),
        "lesion_circularity": float(4 * np.pi * pixels / perimeter(mask) ** 2),
        "lesion_brightness": float(inside.mean() - grey.mean()),
        "lesion_contrast": float(inside.std() / spread) if spread > 0 else 1.0,
    }


def perimeter(mask: NDArray[np.bool_]) -> float:
    """Length of the outline in pixels, by Crofton's formula in four directions.

    The mean over directions of how often lines cross the outline, times π/2 and the lines' distance (Legland et al.
    2007, doi:10.5566/ias.v26.p83-92).
    """
    padded = np.pad(mask, 1)
    across, down = (int((np.diff(padded.astype(np.int8), axis=axis) != 0).sum()) for axis in (1, 0))
    falling, rising = (int((one[:-1, :-1] != one[1:, 1:]).sum()) for one in (padded, padded[:, ::-1]))
    return float(np.pi / 2 * (across + down + (falling + rising) / np.sqrt(2)) / 4)
