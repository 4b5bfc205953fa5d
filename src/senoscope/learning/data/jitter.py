"""Changes of training pictures in fine-tuning: what is drawn, and what it does, apart from each other.

They are made by numpy and Pillow. Torch would start threads of its own in every thread that prepares pictures, and
where those and the ones that train are more than there are cores, all of them wait for each other.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pil
from torch import Tensor

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.preprocess.stains import stained, stains

RATIO = (0.8, 1.25)
"""Least and greatest width by height of the part that is seen."""

LUMA = (0.2989, 0.5870, 0.1140)
"""Red, green and blue in grey (ITU-R BT.601)."""

Shares = tuple[float, float, float, float]
Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Change:
    """What happens to one picture.

    Args:
        part: left, top, width and height of what is seen, in shares of the picture; none where it is all of it.
        mirrored: left and right.
        turns: by 90 degrees.
        brightness: factor of all values.
        contrast: factor of the distance from the mean grey.
        stain: factor of haematoxylin and eosin, then what is added to each; none where stains stay.
    """

    part: Shares | None = None
    mirrored: bool = False
    turns: int = 0
    brightness: float = 1.0
    contrast: float = 1.0
    stain: Shares | None = None


def draw(recipe: JitterRecipe, *seed: int) -> Change:
    """Draw the change of one picture: the same for the same seed, whoever asks and in which order.

    Args:
        recipe: how far changes may go.
        seed: numbers ≥ 0, such as those of run, epoch and picture.
    """
    random = np.random.default_rng(seed)
    area, ratio = random.uniform(recipe.crop, 1), math.exp(random.uniform(*np.log(RATIO)))
    width, height = (min(1.0, math.sqrt(area * factor)) for factor in (ratio, 1 / ratio))
    left, top = (float(share) for share in random.uniform(0, 1, 2) * (1 - width, 1 - height))
    mirrored, turns = bool(random.integers(2)), int(random.integers(4))
    brightness, contrast = random.uniform(-1, 1, 2)
    factors, added = random.uniform(-1, 1, (2, 2)) * recipe.stain
    return Change(
        part=(left, top, width, height) if recipe.crop < 1 else None,
        mirrored=recipe.flip and mirrored,
        turns=turns if recipe.turn else 0,
        brightness=float(1 + recipe.light * brightness),
        contrast=float(1 + recipe.light * contrast),
        stain=(1 + float(factors[0]), 1 + float(factors[1]), float(added[0]) / 10, float(added[1]) / 10)
        if recipe.stain
        else None,
    )


def apply(change: Change, picture: Tensor) -> Tensor:
    """(C, S, S) uint8 → (C, S, S) float32 in [0, 1], changed as drawn: geometry, stain, brightness, contrast."""
    pixels = moved(change, picture.numpy(), Pil.Resampling.BILINEAR)
    values: Values = np.divide(pixels, 255, dtype=np.float32, order="C")
    if change.stain is not None:
        values = restained(values, change.stain)
    if change.brightness != 1:
        values *= change.brightness
        np.clip(values, 0, 1, out=values)
    if change.contrast != 1:
        grey = float(np.dot(values.mean(axis=(1, 2)), LUMA))
        values *= change.contrast
        values += (1 - change.contrast) * grey
        np.clip(values, 0, 1, out=values)
    return torch.from_numpy(values)


def moved(change: Change, pixels: NDArray[np.uint8], resampling: Pil.Resampling) -> NDArray[np.uint8]:
    """Change where pixels (C, S, S) lie, as drawn, and nothing else; numbers that name things need `NEAREST`."""
    if change.part is not None:
        pixels = _cropped(pixels, change.part, resampling)
    if change.mirrored:
        pixels = pixels[:, :, ::-1]
    if change.turns:
        pixels = np.rot90(pixels, change.turns, (1, 2))
    return pixels


def _cropped(pixels: NDArray[np.uint8], part: Shares, resampling: Pil.Resampling) -> NDArray[np.uint8]:
    side = pixels.shape[-1]
    width, height = (max(1, round(share * side)) for share in part[2:])
    left, top = min(round(part[0] * side), side - width), min(round(part[1] * side), side - height)
    seen = (Pil.fromarray(plane[top : top + height, left : left + width]) for plane in pixels)
    return np.stack([np.asarray(plane.resize((side, side), resampling)) for plane in seen])


def restained(values: Values, stain: Shares) -> Values:
    """Change haematoxylin and eosin of RGB (3, H, W) in [0, 1]: amount × factor + what is added (Tellez et al. 2018).

    doi:10.1109/TMI.2018.2820199
    """
    amounts = stains(values)
    for plane, factor, added in zip(amounts[:2], stain[:2], stain[2:], strict=True):
        plane *= factor
        plane += added
    return stained(amounts)
