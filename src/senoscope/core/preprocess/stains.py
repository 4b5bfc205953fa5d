"""How much of which stain a picture of tissue shows.

A stain takes away light in proportion to its amount (Beer and Lambert), so optical densities add, and stains of known
colour are told apart by linear algebra. Their colours are those of Ruifrok & Johnston, or are found in the picture as
Macenko et al. do.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError

STAINS = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
"""Optical density of haematoxylin, eosin and DAB in red, green and blue.

Ruifrok & Johnston 2001, Quantification of histochemical staining by color deconvolution, Anal Quant Cytol Histol
23:291–299.
"""

DARKEST = 1e-6
"""Least share of light that passes; its optical density is the unit in which `stains` tells amounts."""

LEAST_DENSITY = 0.15
"""Optical density below which a pixel is glass (β of Macenko et al. 2009)."""

EXTREMES = (1.0, 99.0)
"""Percentiles of the angle between which stained pixels lie (α of Macenko et al. 2009)."""

LEAST_PIXELS = 100
"""Stained pixels below which no colour of a stain is found."""

LEAST_ANGLE = 5.0
"""Degrees between two stains; published ones are 39 apart."""

BRIGHT, DIMMEST = 99.0, 0.7
"""Percentile of each colour that is taken for glass, and the least share of full scale that it may have."""

Light = tuple[float, float, float]
WHITE: Light = (1.0, 1.0, 1.0)

Values = NDArray[np.floating[Any]]


def stains(values: Values) -> Values:
    """(3, H, W) RGB in [0, 1] → (3, H, W): how much haematoxylin, eosin and DAB there is, by colour deconvolution.

    The colours are those of `STAINS`. Amounts may be negative.
    """
    density: Values = np.log(np.maximum(values, DARKEST)) / math.log(DARKEST)
    return _mixed(np.linalg.inv(STAINS), density)


def stained(amounts: Values) -> Values:
    """(3, H, W) of stains → (3, H, W) RGB in [0, 1]: undoes `stains`."""
    density = _mixed(np.array(STAINS), amounts)
    light: Values = np.exp(density * math.log(DARKEST))
    return light.clip(0, 1)


def density(image: Image, light: Light = WHITE) -> NDArray[np.float32]:
    """(3, H, W) optical density, −log10 of the share of light that passes; at least 0.

    The darkest pixels count as half a grey level, so that none is infinite.

    Args:
        image: in colour.
        light: red, green and blue where nothing is in its way, as shares of the file's full scale; see `light_of`.

    Raises:
        InputError: the picture is grey, or of floating point, where light has no full scale.
    """
    pixels = image.pixels
    if pixels.ndim != 3 or pixels.dtype == np.float32:
        raise InputError(f"{image.source or 'the picture'} has no colour to tell stains by", "give an RGB picture")
    shares = np.maximum(np.arange(int(image.maximum) + 1), 0.5) / image.maximum
    levels = np.minimum(pixels, int(image.maximum))
    planes = [
        np.maximum(-np.log10(shares / whole), 0).astype(np.float32)[levels[..., channel]]
        for channel, whole in enumerate(light)
    ]
    return np.stack(planes)


def light_of(pixels: NDArray[np.floating[Any]]) -> Light:
    """What light there is where nothing is in its way: the brightest of (N, 3) pixels, but for a few.

    Microscopes are rarely balanced to white, and a tint of the glass would count as stain. Each colour is held between
    `DIMMEST` and full scale, so that a picture without glass is not taken for one in the dark.

    Args:
        pixels: RGB as shares of full scale, of pictures taken alike.
    """
    red, green, blue = np.clip(np.percentile(pixels, BRIGHT, axis=0), DIMMEST, 1.0)
    return float(red), float(green), float(blue)


def ruifrok() -> NDArray[np.float64]:
    """(2, 3) optical density of a unit of haematoxylin and of eosin, as published; of length 1."""
    return _unit(np.array(STAINS[:2]))


def macenko(densities: Values) -> NDArray[np.float64]:
    """(2, 3) optical density of a unit of haematoxylin and of eosin, of length 1, as stained pixels show them.

    Pixels with two stains lie in the plane of both colours, between the two: the plane is that of the two greatest
    eigenvectors of their densities, and the colours are its extreme directions but for 1 % on either side (Macenko et
    al. 2009, A method for normalizing histology slides for quantitative analysis, ISBI, doi:10.1109/ISBI.2009.5193250).
    Haematoxylin is the one that takes away more red.

    Args:
        densities: (3, N) from `density`; pixels with less than `LEAST_DENSITY` in a colour are left out.

    Raises:
        InputError: fewer than `LEAST_PIXELS` pixels are stained, or all have one colour.
    """
    seen = densities[:, (densities >= LEAST_DENSITY).all(axis=0)].astype(np.float64)
    if seen.shape[1] < LEAST_PIXELS:
        raise InputError(
            f"only {seen.shape[1]:,} pixels are stained: no colour of a stain is found",
            "leave pictures of bare glass out, or take the published colours (ruifrok)",
        )
    _, vectors = np.linalg.eigh(np.cov(seen))
    plane = vectors[:, ::-1][:, :2]
    # Directions are told from the middle of all pixels, where no angle wraps around.
    plane[:, 0] *= np.sign(plane[:, 0].sum()) or 1.0
    first, second = np.einsum("ck,cn->kn", plane, seen)
    angles = np.arctan2(second, first)
    low, high = np.percentile(angles, EXTREMES)
    found = np.array([math.cos(angle) * plane[:, 0] + math.sin(angle) * plane[:, 1] for angle in (low, high)])
    if math.degrees(high - low) < LEAST_ANGLE:
        raise InputError(
            f"all stained pixels have one colour, {math.degrees(high - low):.1f} degrees wide: two stains cannot be "
            "told apart",
            "is it stained with haematoxylin and eosin? or take the published colours (ruifrok)",
        )
    found = _unit(np.maximum(found, 0))
    return found if found[0, 0] > found[1, 0] else found[::-1].copy()


def amounts(densities: Values, vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """(2, …) how much of each of two stains there is, by least squares, of densities (3, …); at least 0.

    What neither stain explains, such as pigment or a pen, lies across their plane and is left over.
    """
    found: NDArray[np.float32] = np.einsum(
        "cs,c...->s...", np.linalg.pinv(vectors).astype(np.float32), densities.astype(np.float32)
    )
    return np.maximum(found, 0)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def _mixed(shares: Values, planes: Values) -> Values:
    """Three sums of planes (3, H, W); row c of `shares` says how much of plane c is in each."""
    # Not by a product of matrices: the library behind it has threads too, which get in the way of those that train.
    mixed: Values = np.einsum("cs,chw->shw", shares.astype(planes.dtype), planes)
    return mixed
