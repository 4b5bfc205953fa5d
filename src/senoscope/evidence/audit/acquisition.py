"""Facts of how a picture was made and stored, none of which needs its label or a look at the disease.

A model that can tell the label from these has learned the machine, the year or the export, and not the breast: shortcut
learning (Geirhos et al. 2020, doi:10.1038/s42256-020-00257-z).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.core.io import READERS
from senoscope.core.io.base import HEAD
from senoscope.core.preprocess.steps import Gray

Kind = Literal["recorded", "file", "levels", "background"]
"""Where a fact comes from: the publisher, the file and its size, all grey levels, those of the edge."""

FRAME = 0.05
"""Share of the shorter side that is the edge of a picture, seldom the lesion."""

DARK = 0.02
"""Share of full scale up to which a pixel is black."""

TITLES: dict[str, str] = {
    "width": "width in pixels",
    "height": "height in pixels",
    "aspect": "width by height",
    "file_bytes": "length of the file",
    "bytes_per_pixel": "bytes a pixel",
    "format": "kind of file, depth, colour",
    "mean": "mean level",
    "deviation": "spread of levels",
    "darkest": "darkest level",
    "brightest": "brightest level",
    "levels": "number of levels in use",
    "step": "least step between levels",
    "black_border": "share of black border",
    "saturated": "share of saturated pixels",
    "edge_mean": "mean level of the edge",
    "edge_deviation": "spread of levels of the edge",
    "burned_in": "burned-in marks",
    "year": "year",
    "machine": "machine",
    "site": "site",
    "magnification": "magnification",
    "protocol": "protocol",
    "position": "position",
    "visit": "visit",
    "view": "view",
    "laterality": "side",
    "slice_thickness": "slice thickness",
    "pixel_spacing": "pixel spacing",
}
"""Facts in words; those that the publisher states come last, from `year` on."""

RECORDED = tuple(TITLES)[tuple(TITLES).index("year") :]
"""Facts that the publisher states of how the picture was made."""

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("width", "height", "aspect", "file_bytes", "bytes_per_pixel", "format"), "file"),
    **dict.fromkeys(("mean", "deviation", "darkest", "brightest", "levels", "step", "saturated"), "levels"),
    **dict.fromkeys(("black_border", "edge_mean", "edge_deviation", "burned_in"), "background"),
    **dict.fromkeys(RECORDED, "recorded"),
}


def measured(image: Image, length: int) -> dict[str, float]:
    """Facts of a picture as numbers: sizes in pixels and bytes, levels as shares of full scale.

    Args:
        image: as read.
        length: of its file, in bytes.
    """
    height, width = image.pixels.shape[:2]
    grey = Gray().apply(image.pixels).astype(np.float32) / np.float32(image.maximum)
    frame = max(1, round(FRAME * min(height, width)))
    edge = np.concatenate(
        [
            part.ravel()
            for part in (grey[:frame], grey[-frame:], grey[frame:-frame, :frame], grey[frame:-frame, -frame:])
        ]
    )
    used = np.unique(image.pixels)
    return {
        "width": width,
        "height": height,
        "aspect": width / height,
        "file_bytes": length,
        "bytes_per_pixel": length / (width * height),
        "mean": float(grey.mean()),
        "deviation": float(grey.std()),
        "darkest": float(used[0]) / image.maximum,
        "brightest": float(used[-1]) / image.maximum,
        "levels": len(used),
        "step": _step(used) / image.maximum,
        "black_border": _black_border(grey),
        "saturated": float(np.mean(image.pixels >= image.maximum)),
        "edge_mean": float(edge.mean()),
        "edge_deviation": float(edge.std()),
    }


def _step(used: NDArray[np.generic]) -> float:
    """Smallest step between two levels in use; of measured values to six decimals, as float32 cannot hold more."""
    if len(used) < 2:
        return 0.0
    steps = np.round(np.diff(used.astype(np.float64)), 6)
    return float(steps[steps > 0].min(initial=np.inf)) if (steps > 0).any() else 0.0


def _black_border(grey: NDArray[np.float32]) -> float:
    """Share of the picture outside the smallest box that holds everything that is not black."""
    rows, columns = ((grey > DARK).any(axis=axis) for axis in (1, 0))
    if not rows.any():
        return 1.0
    height, width = (int(np.ptp(np.flatnonzero(lines))) + 1 for lines in (rows, columns))
    return 1.0 - height * width / grey.size


def stored_as(path: Path, image: Image) -> str:
    """Kind of file, depth and colour in words: "PNG, 8 bits, grey"."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = next((reader.name for reader in READERS if reader.accepts(head)), "other")
    depth = {np.dtype(np.uint8): "8 bits", np.dtype(np.uint16): "16 bits"}.get(image.pixels.dtype, "floating point")
    return f"{kind}, {depth}, {_channels(image.pixels)}"


def _channels(pixels: NDArray[np.generic]) -> str:
    if pixels.ndim == 2:
        return "grey"
    same = all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2))
    return "grey in three channels" if same else "colour"


def recorded(facts: Mapping[str, str], *, view: str = "", laterality: str = "") -> dict[str, str]:
    """What the publisher states of how a picture was made, by the names of `RECORDED`."""
    stated = {**facts, "view": view, "laterality": laterality}
    return {name: stated[name] for name in RECORDED if stated.get(name)}
