"""What is written of a slide's mask: codes as OME-TIFF, regions of every label as GeoJSON, and an overlay."""

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.io.slide import Rgb
from senoscope.runtime.outputs.outlines import colour, outline_png
from senoscope.runtime.slides.masks import Map
from senoscope.runtime.slides.measure import Region, SlideSummary
from senoscope.runtime.slides.plan import Grid
from senoscope.runtime.slides.saving import whole, write_bytes
from senoscope.runtime.slides.tiles import Question
from senoscope.runtime.slides.writing import (
    MAP,
    NAMES,
    OVERLAY,
    OVERLAY_SIDE,
    REGIONS,
    SUMMARY,
    feature,
    json_bytes,
    spot_features,
    write_overlay,
)

CODES = "labels.ome.tiff"

_TILE = 256
_SMALLEST = 64


def files_of(question: Question) -> tuple[str, ...]:
    """Names of what is written, in that order; of a map of one label they are those of a map of numbers."""
    return (CODES if question.labels else MAP, REGIONS, OVERLAY, SUMMARY)


def write_codes(path: Path, found: Map, question: Question, digest: str) -> None:
    """Write a map as pyramidal OME-TIFF of 8 bits, tile by tile: 0 is no answer, else 1 + the code, or 1 + 254 p.

    Args:
        path: of the file.
        found: the map.
        question: says what codes mean.
        digest: of the slide, from which the file's own identity is made.

    Raises:
        RunError: the disk is full, or the place cannot be written.
    """
    from tifffile import TiffWriter

    grid = found.grid
    names = ", ".join(f"{code} {label}" for code, label in enumerate(question.labels, 1))
    metadata = {
        "axes": "YX",
        "Name": f"Labels: 0 no answer, {names}" if names else f"Probability of {question.positive}: 0 none, 1 + 254 p",
        "UUID": f"urn:uuid:{uuid.uuid5(NAMES, f'{digest} mask')}",
        **{f"PhysicalSize{axis}": grid.microns for axis in "XY"},
        **{f"PhysicalSize{axis}Unit": "µm" for axis in "XY"},
    }
    count = max(1, int(np.ceil(np.log2(max(max(found.codes.shape) / _SMALLEST, 1)))) + 1)
    with whole(path) as temporary, TiffWriter(temporary, ome=True, bigtiff=found.codes.size > 2**31) as file:
        for number in range(count):
            # Codes have no mean: a smaller level is every second pixel of the one before.
            level = found.codes[:: 2**number, :: 2**number]
            file.write(
                _tiles(level),
                shape=level.shape,
                dtype=np.uint8,
                subifds=0 if number else count - 1,
                subfiletype=1 if number else 0,
                tile=(_TILE, _TILE),
                compression="zlib",
                photometric="minisblack",
                resolution=(1e4 / grid.microns / 2**number,) * 2,
                resolutionunit="CENTIMETER",
                metadata=None if number else metadata,
            )


def _tiles(level: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for top in range(0, level.shape[0], _TILE):
        for left in range(0, level.shape[1], _TILE):
            part = level[top : top + _TILE, left : left + _TILE]
            tile = np.zeros((_TILE, _TILE), np.uint8)
            tile[: part.shape[0], : part.shape[1]] = part + np.uint8(1)  # no answer, 255, becomes 0
            yield tile


def write_labelled(path: Path, found: Mapping[str, list[Region]], summary: SlideSummary) -> None:
    """Write regions of labels as GeoJSON that QuPath opens; coordinates are pixels of level 0."""
    several = bool(summary.question.labels)
    features = [
        feature(
            summary.digest,
            f"{label} {number}",
            {"type": "Polygon", "coordinates": [[list(corner) for corner in ring] for ring in region.rings]},
            (label, colour(summary.question.labels.index(label) if several else 1)),
            {"Area mm^2": region.area_mm2}
            if several
            else {
                "Area mm^2": region.area_mm2,
                "Mean probability": region.mean,
                "Highest probability": region.highest,
            },
        )
        for label, regions in found.items()
        for number, region in enumerate(regions, 1)
    ]
    write_bytes(path, json_bytes({"type": "FeatureCollection", "features": features + spot_features(summary)}))


def write_mask_overlay(path: Path, picture: Rgb, found: Map, question: Question) -> None:
    """Write a small picture of the slide with the map over it, or the outlines of its labels but the first."""
    if not question.labels:
        write_overlay(path, picture, found.chances(), found.coarse)
        return
    scale = min(1.0, OVERLAY_SIDE / max(picture.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    shown = np.asarray(Pil.fromarray(picture).resize((width, height), Pil.Resampling.BOX), np.uint8)
    codes = found.small[np.ix_(*_places(found.coarse, found.small.shape, (height, width)))]
    write_bytes(path, outline_png(Image(shown, 255.0), np.where(codes == 255, 0, codes).astype(np.uint8)))


def _places(grid: Grid, shape: tuple[int, ...], size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which rows and columns of a map lie beneath the pixels of a small picture of the slide."""
    rows = (np.arange(size[0]) + 0.5) * grid.whole.height / size[0] // grid.step.height
    columns = (np.arange(size[1]) + 0.5) * grid.whole.width / size[1] // grid.step.width
    return np.minimum(rows, shape[0] - 1).astype(np.intp), np.minimum(columns, shape[1] - 1).astype(np.intp)
