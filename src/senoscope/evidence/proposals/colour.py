"""Where haematoxylin is dense: regions of a picture of H&E-stained tissue that may be tumour.

Tumour has many and large nuclei, and haematoxylin stains nuclei. So do lymphocytes and normal ducts: what is found is
a proposal to be corrected, never an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError, MissingExtraError
from senoscope.core.preprocess.body import otsu
from senoscope.core.preprocess.stains import LEAST_DENSITY, Light, amounts, density, light_of, macenko, ruifrok
from senoscope.runtime.slides.shapes import Mask, without_holes, without_specks

Method = Literal["macenko", "ruifrok"]

SAMPLED = 40_000
"""Pixels of a picture, evenly spaced, from which stains and threshold are told."""

EVEN = 0.02
"""Optical density between the least and the most haematoxylin, below which it lies evenly."""

FINE = 4
"""Averages are taken on a grid of which so many points or more go into a standard deviation."""


@dataclass(frozen=True)
class Settings:
    """How regions are proposed.

    Args:
        method: `macenko` finds the stains' colours in the pictures, `ruifrok` takes the published ones.
        smooth: standard deviation in µm over which haematoxylin is averaged: some two nuclei.
        least: µm² of the smallest region, and of the smallest hole in one: 50 µm squared.
    """

    method: Method = "macenko"
    smooth: float = 25.0
    least: float = 2500.0


@dataclass(frozen=True, eq=False)
class Colours:
    """What was told from pictures that were stained alike.

    Args:
        light: red, green and blue of glass, as shares of full scale.
        vectors: (2, 3) optical density of a unit of haematoxylin and of eosin.
        threshold: averaged haematoxylin from which a pixel is proposed.
    """

    light: Light
    vectors: NDArray[np.float64]
    threshold: float


def colours_of(pictures: Sequence[tuple[Image, float]], settings: Settings) -> Colours:
    """Tell stains and threshold from pictures that were stained alike, such as all of one slide.

    The threshold parts averaged haematoxylin best within the tissue (Otsu 1979, doi:10.1109/TSMC.1979.4310076): it
    always finds two parts, and says nothing of whether one is tumour.

    Args:
        pictures: each with its µm per pixel.
        settings: how.

    Raises:
        InputError: there are no stains to be told apart, or haematoxylin lies evenly.
        MissingExtraError: scipy is not installed.
    """
    shares = np.concatenate([_shares(image) for image, _ in pictures])
    if not len(shares):
        raise InputError("a grey picture says nothing of stains", "give pictures of stained tissue in colour")
    light = light_of(shares)
    if settings.method == "macenko":
        seen = [_sampled(density(image, light).reshape(3, -1)) for image, _ in pictures]
        vectors = macenko(np.concatenate(seen, axis=1))
    else:
        vectors = ruifrok()
    levels = []
    for image, microns in pictures:
        dense, tissue = _dense(image, light, vectors, settings.smooth / microns)
        levels.append(_sampled(dense[tissue][None])[0])
    known = np.concatenate(levels)
    if not known.size:
        raise InputError("no pixel is stained: there is no tissue to propose a part of", "leave out bare glass")
    threshold, _ = otsu(known)
    if np.ptp(known) < EVEN:
        raise InputError("haematoxylin lies evenly: no region stands out", "give pictures of stained tissue")
    return Colours(light, vectors, threshold)


def proposed(image: Image, microns: float, colours: Colours, settings: Settings) -> NDArray[np.bool_]:
    """(H, W) proposed regions of one picture of so many µm per pixel; raises as `colours_of`."""
    dense, tissue = _dense(image, colours.light, colours.vectors, settings.smooth / microns)
    dense = np.where(tissue, dense, np.float32(0))
    whole = np.asarray(Pil.fromarray(dense).resize((image.size.width, image.size.height), Pil.Resampling.BILINEAR))
    pixels = settings.least / microns**2
    return without_holes(without_specks(whole >= colours.threshold, pixels), pixels)


def _sampled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(k, N) → (k, at most `SAMPLED`), evenly spaced."""
    return values[:, :: max(1, -(-values.shape[1] // SAMPLED))]


def _shares(image: Image) -> NDArray[np.float32]:
    """(n, 3) pixels as shares of full scale, evenly spaced; a picture without colour is left to `density` to refuse."""
    if image.pixels.ndim != 3:
        return np.empty((0, 3), np.float32)
    values = image.pixels.reshape(-1, 3).T.astype(np.float32) / np.float32(image.maximum)
    return _sampled(values).T


def _dense(image: Image, light: Light, vectors: NDArray[np.float64], sigma: float) -> tuple[NDArray[np.float32], Mask]:
    """(h, w) haematoxylin averaged over so many pixels, and where there is tissue, on a grid that is coarse enough."""
    try:
        from scipy.ndimage import gaussian_filter
    except ImportError as error:
        raise MissingExtraError("proposing regions", "report") from error
    step = max(1, int(sigma / FINE))
    size = max(1, image.size.width // step), max(1, image.size.height // step)
    seen = density(image, light)
    # Glass that is tinted otherwise than the rest has some of either stain, and is no tissue all the same.
    stain, densest = (
        np.asarray(Pil.fromarray(values).resize(size, Pil.Resampling.BOX), np.float32)
        for values in (amounts(seen, vectors)[0], seen.max(axis=0))
    )
    found, tissue = (gaussian_filter(values, sigma / step, mode="nearest") for values in (stain, densest))
    return found, tissue >= LEAST_DENSITY
