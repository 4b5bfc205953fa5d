"""Contours of lesions in a property list, as OsiriX writes them and INbreast ships them; hostile until read."""

import math
import plistlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import UnreadableImageError

LARGEST_DRAWING = 16 * 2**20
MOST_REGIONS = 20_000
LONGEST_NAME = 60
POINT = re.compile(r"\s*\(\s*(-?\d{1,6}(?:\.\d{1,12})?)\s*,\s*(-?\d{1,6}(?:\.\d{1,12})?)\s*\)\s*")


@dataclass(frozen=True)
class Contours:
    """What a drawing marks.

    Args:
        boxes: smallest box around each contour of three points or more, within the image.
        names: what the regions are called, each once, in alphabetical order.
        points: regions of one or two points, such as single calcifications, which have no extent.
    """

    boxes: tuple[Box, ...]
    names: tuple[str, ...]
    points: int


def read_contours(path: Path, width: int, height: int) -> Contours:
    """Read the regions of a drawing's first image.

    Entities are refused (by `plistlib`), and so are files larger than `LARGEST_DRAWING`.

    Args:
        path: an XML property list with `Images`, `ROIs`, `Name` and `Point_px` ("(x, y)" in pixels).
        width: columns of the image.
        height: rows of the image.

    Raises:
        UnreadableImageError: it is not such a file.
    """
    try:
        if path.stat().st_size > LARGEST_DRAWING:
            raise ValueError(f"more than {LARGEST_DRAWING // 2**20} MiB")
        drawing = plistlib.loads(path.read_bytes(), fmt=plistlib.FMT_XML)
        regions = _regions(drawing)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, ExpatError) as error:
        raise UnreadableImageError(f"{path}: not a drawing of contours ({str(error)[:120]})") from error
    except OSError as error:
        raise UnreadableImageError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    boxes = [_box(points, width, height) for _, points in regions if len(points) >= 3]
    names = sorted({name for name, points in regions if points})
    few = sum(0 < len(points) < 3 for _, points in regions)
    return Contours(tuple(box for box in boxes if box), tuple(names), few)


def _regions(drawing: Any) -> list[tuple[str, list[tuple[float, float]]]]:
    images = drawing["Images"]
    regions = images[0]["ROIs"] if images else []
    if not isinstance(regions, list) or len(regions) > MOST_REGIONS:
        raise ValueError(f"no list of regions, or more than {MOST_REGIONS:,}")
    return [(_name(region.get("Name", "")), [_point(point) for point in region["Point_px"]]) for region in regions]


def _name(said: object) -> str:
    line = " ".join(str(said).split())
    return "".join(sign for sign in line if sign.isprintable())[:LONGEST_NAME]


def _point(said: str) -> tuple[float, float]:
    match = POINT.fullmatch(said)
    if match is None:
        raise ValueError(f"{said[:40]!r} is not a point")
    return float(match[1]), float(match[2])


def _box(points: list[tuple[float, float]], width: int, height: int) -> Box | None:
    left, top = (max(0, math.floor(min(values))) for values in zip(*points, strict=True))
    right, bottom = (math.ceil(max(values)) + 1 for values in zip(*points, strict=True))
    right, bottom = min(right, width), min(bottom, height)
    return Box(left, top, right - left, bottom - top) if left < right and top < bottom else None
