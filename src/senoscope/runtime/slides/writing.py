"""What is written of a slide: the map as OME-TIFF, regions as GeoJSON, the summary as JSON, and an overlay."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.io.slide import Rgb
from senoscope.runtime.outputs.json import RESEARCH_USE
from senoscope.runtime.outputs.overlay import overlaid, png
from senoscope.runtime.slides.measure import Region, SlideSummary
from senoscope.runtime.slides.plan import Grid
from senoscope.runtime.slides.saving import whole, write_bytes

MAP, REGIONS, SUMMARY, OVERLAY = "probability.ome.tiff", "regions.geojson", "summary.json", "overlay.png"
FILES = (MAP, REGIONS, OVERLAY, SUMMARY)
"""In the order they are written; the summary, last, says that all are there."""

STEPS = 254
"""The map's 8 bits: 0 is no answer, 1 + 254 p a probability p."""

_SMALLEST = 64
"""Pixels of the longer side of the map's smallest level."""

OVERLAY_SIDE = 1600
NAMES = uuid.UUID("6f1c3f0e-9a34-5a63-8c4e-2f3c8a0f7d11")
"""Names of QuPath's objects are made from the slide's digest within this space, so that a second run gives the same."""


def write_map(path: Path, cells: NDArray[np.float32], grid: Grid, digest: str, title: str) -> None:
    """Write a map as pyramidal OME-TIFF of 8 bits; see `STEPS`.

    Args:
        path: of the file.
        cells: the map, NaN where there is no answer.
        grid: says how large a cell is.
        digest: of the slide, from which the file's own identity is made.
        title: what its values are.
    """
    from tifffile import TiffWriter

    levels = _pyramid(coded(cells))
    size = {"PhysicalSizeX": grid.step.width * grid.microns, "PhysicalSizeY": grid.step.height * grid.microns}
    units = {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    name = uuid.uuid5(NAMES, f"{digest} map")
    metadata = {"axes": "YX", "Name": title, "UUID": f"urn:uuid:{name}", **size, **units}
    resolution = [1e4 / size["PhysicalSizeX"], 1e4 / size["PhysicalSizeY"]]
    with whole(path) as temporary, TiffWriter(temporary, ome=True) as file:
        for number, level in enumerate(levels):
            file.write(
                level,
                subifds=0 if number else len(levels) - 1,
                subfiletype=1 if number else 0,
                tile=(256, 256),
                compression="zlib",
                photometric="minisblack",
                resolution=(resolution[0] / 2**number, resolution[1] / 2**number),
                resolutionunit="CENTIMETER",
                metadata=None if number else metadata,
            )


def coded(cells: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A map in 8 bits: 0 where there is no answer, else 1 + `STEPS` × probability, rounded."""
    values = np.where(np.isnan(cells), 0, 1 + np.rint(np.clip(np.nan_to_num(cells), 0, 1) * STEPS))
    return values.astype(np.uint8)


def _pyramid(values: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The map, and halves of it: each pixel the mean of the answers among the four it stands for."""
    levels = [values]
    while max(levels[-1].shape) > _SMALLEST:
        height, width = (side + side % 2 for side in levels[-1].shape)
        even = np.zeros((height, width), np.uint16)
        even[: levels[-1].shape[0], : levels[-1].shape[1]] = levels[-1]
        four = even.reshape(height // 2, 2, width // 2, 2)
        counts = (four > 0).sum(axis=(1, 3))
        levels.append(np.rint(four.sum(axis=(1, 3)) / np.maximum(counts, 1)).astype(np.uint8))
    return levels


def write_regions(path: Path, found: list[Region], summary: SlideSummary) -> None:
    """Write regions and hot spots as GeoJSON that QuPath opens; coordinates are pixels of level 0."""
    label = summary.question.positive
    features = [
        feature(
            summary.digest,
            f"{label} {number}",
            {"type": "Polygon", "coordinates": [[list(corner) for corner in ring] for ring in region.rings]},
            (label, (200, 0, 0)),
            {"Area mm^2": region.area_mm2, "Mean probability": region.mean, "Highest probability": region.highest},
        )
        for number, region in enumerate(found, 1)
    ]
    features += spot_features(summary)
    write_bytes(path, json_bytes({"type": "FeatureCollection", "features": features}))


def spot_features(summary: SlideSummary) -> list[dict[str, Any]]:
    """Hot spots as features of GeoJSON."""
    return [
        feature(
            summary.digest,
            f"Hot spot {number}",
            {"type": "Point", "coordinates": [spot.x, spot.y]},
            ("Hot spot", (255, 200, 0)),
            {"Probability": spot.probability},
        )
        for number, spot in enumerate(summary.hot_spots, 1)
    ]


def feature(
    digest: str,
    name: str,
    geometry: Mapping[str, object],
    kind: tuple[str, tuple[int, ...]],
    measurements: Mapping[str, float],
) -> dict[str, Any]:
    """One annotation of QuPath: `kind` is its class and that one's colour."""
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(NAMES, f"{digest} {name}")),
        "geometry": geometry,
        "properties": {
            "objectType": "annotation",
            "name": name,
            "classification": {"name": kind[0], "color": list(kind[1])},
            "measurements": {key: round(value, 6) for key, value in measurements.items()},
        },
    }


def write_overlay(path: Path, picture: Rgb, cells: NDArray[np.float32], grid: Grid) -> None:
    """Write a small picture of the slide with the map laid over it."""
    height, width = picture.shape[:2]
    scale = min(1.0, OVERLAY_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Pil.fromarray(picture).resize(size, Pil.Resampling.BOX), np.uint8)
    rows = (np.arange(size[1]) + 0.5) * grid.whole.height / size[1] // grid.step.height
    columns = (np.arange(size[0]) + 0.5) * grid.whole.width / size[0] // grid.step.width
    inside = np.minimum(rows, cells.shape[0] - 1).astype(int), np.minimum(columns, cells.shape[1] - 1).astype(int)
    write_bytes(path, png(overlaid(Image(small, 255.0), np.nan_to_num(cells[np.ix_(*inside)])), quick=True))


def write_summary(path: Path, summary: SlideSummary) -> None:
    """Write the summary."""
    write_bytes(path, json_bytes({**asdict(summary), "notice": RESEARCH_USE}))


def json_bytes(content: Mapping[str, object]) -> bytes:
    """JSON as the files of a slide hold it."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    return (text + "\n").encode("utf-8", "backslashreplace")
