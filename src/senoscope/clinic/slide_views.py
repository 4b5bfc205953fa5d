"""Slides for the page: deep-zoom tiles, the probability map, and the files a run has written."""

import io
import json
import math
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.clinic.images import ImageStore
from senoscope.core.domain.geometry import Box
from senoscope.core.errors import NotFoundError, SenoscopeError
from senoscope.core.io.slide import Rgb, SlideReader, open_slide
from senoscope.runtime.outputs.overlay import heat_png
from senoscope.runtime.slides.writing import MAP, STEPS, SUMMARY

TILE, OVERLAP = 254, 1
"""Side of deep-zoom tiles, and what they share with each neighbour."""

OPEN = 3
"""Slides held open: each keeps up to 128 MB of decoded tiles."""

SMALL = 2048
"""Pixels along the longer side up to which zooms are cut from one picture: a slide without a pyramid is read once."""

QUALITY = 85
SMALLEST_MAP, LARGEST_MAP = 960, 2048
"""Pixels along the longer side of the map as it is drawn."""


def named(error: SenoscopeError, path: Path, filename: str) -> SenoscopeError:
    """The same error about the upload by its own name: where it lies on this machine is nobody's business."""
    return type(error)(error.message.replace(str(path), filename), error.hint.replace(str(path), filename))


class _Opened:
    """A slide that is open, how many requests read it, and its small zooms once they were asked for."""

    def __init__(self, path: Path) -> None:
        self.reader: SlideReader = open_slide(path)
        self.readers = 0
        self._small: Rgb | None = None
        self._lock = threading.Lock()

    def tile(self, zoom: int, column: int, row: int) -> Rgb:
        reader = self.reader
        if 0 <= zoom < reader.zooms and max(vars(reader.zoom_size(zoom)).values()) <= SMALL:
            return self._cut(zoom, column, row)
        return reader.zoom_tile(zoom, column, row, TILE, OVERLAP)

    def _cut(self, zoom: int, column: int, row: int) -> Rgb:
        size = self.reader.zoom_size(zoom)
        if not (0 <= column * TILE < size.width and 0 <= row * TILE < size.height):
            raise NotFoundError(f"there is no tile {column}, {row} at zoom {zoom}", f"the zoom is {size}")
        with self._lock:
            if self._small is None:
                self._small = _whole(self.reader)
            small = self._small
        if (small.shape[1], small.shape[0]) != (size.width, size.height):
            scaled = Pil.fromarray(small).resize((size.width, size.height), Pil.Resampling.BOX)
            small = np.asarray(scaled, np.uint8)
        left, top = max(0, column * TILE - OVERLAP), max(0, row * TILE - OVERLAP)
        return small[top : (row + 1) * TILE + OVERLAP, left : (column + 1) * TILE + OVERLAP]


def _whole(reader: SlideReader) -> Rgb:
    """The slide at the largest of its small zooms."""
    zoom = max(zoom for zoom in range(reader.zooms) if max(vars(reader.zoom_size(zoom)).values()) <= SMALL)
    scale, size = 2.0 ** (reader.zooms - 1 - zoom), reader.zoom_size(zoom)
    level = reader.level_for(scale)
    across, down = reader.levels[level].downsample
    return reader.scaled(level, Box(0, 0, size.width, size.height), (scale / across, scale / down))


class SlideViews:
    """Reads slides and their results for requests, which come in several threads.

    Args:
        images: where the uploads are.
        folder: of the results, a folder a slide.
    """

    def __init__(self, images: ImageStore, folder: Path) -> None:
        self.folder = folder
        self._images = images
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, _Opened] = OrderedDict()

    def tile(self, digest: str, filename: str, zoom: int, column: int, row: int) -> bytes:
        """Draw a deep-zoom tile as JPEG.

        Raises:
            InputError: there is no such tile, or the slide is damaged there.
        """
        try:
            with self._reading(digest) as opened:
                pixels = opened.tile(zoom, column, row)
        except SenoscopeError as error:
            raise named(error, self._images.path(digest), filename) from error
        buffer = io.BytesIO()
        Pil.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
        return buffer.getvalue()

    def map(self, evidence: dict[str, Any], extent: tuple[float, float]) -> bytes:
        """Draw the probability map as PNG, transparent where there is no answer and where it is close to nothing.

        Small maps have several pixels a cell, so that cells keep their edges where a browser enlarges them. A pixel is
        as wide as it is high on the slide, whatever the shape of a cell.

        Args:
            evidence: of the prediction.
            extent: width and height of the map in pixels of the slide; see `map_extent`.
        """
        cells = read_map(self.file(evidence, MAP), LARGEST_MAP)
        ratio = extent[1] / extent[0]
        # No row of cells may be left out.
        times = max(1, SMALLEST_MAP // max(cells.shape), math.ceil(cells.shape[0] / (cells.shape[1] * ratio)))
        width = cells.shape[1] * times
        height = max(cells.shape[0], round(width * ratio))
        rows, columns = (
            np.arange(side) * count // side for side, count in zip((height, width), cells.shape, strict=True)
        )
        return heat_png(cells[np.ix_(rows, columns)])

    def summary(self, evidence: dict[str, Any], filename: str) -> dict[str, Any]:
        """Return the summary as it was written, of the upload by its own name."""
        content: dict[str, Any] = json.loads(self.file(evidence, SUMMARY).read_bytes())
        return {**content, "source": filename}

    def file(self, evidence: dict[str, Any], name: str) -> Path:
        """Where a file of results lies; raises `NotFoundError` where it no longer does."""
        folder = str(evidence.get("folder", ""))
        path = self.folder / folder / name
        if not re.fullmatch(r"[\w-]+", folder) or not path.is_file():
            raise NotFoundError("the results of this slide are no longer there", "upload it again")
        return path

    def close(self) -> None:
        """Let go of every slide."""
        with self._lock:
            for opened in self._opened.values():
                opened.reader.close()
            self._opened.clear()

    @contextmanager
    def _reading(self, digest: str) -> Iterator[_Opened]:
        with self._lock:
            opened = self._opened.get(digest)
            if opened is None:
                opened = self._opened[digest] = _Opened(self._images.path(digest))
            self._opened.move_to_end(digest)
            opened.readers += 1
        try:
            yield opened
        finally:
            with self._lock:
                opened.readers -= 1
                # The longest unread goes first; one that is being read stays until it is not.
                for key in [key for key, one in self._opened.items() if not one.readers]:
                    if len(self._opened) <= OPEN:
                        break
                    self._opened.pop(key).reader.close()


def read_map(path: Path, side: int) -> NDArray[np.float32]:
    """(rows, columns) probabilities of a map that `write_map` wrote, 0 where there is no answer.

    Args:
        path: of the file.
        side: pixels along the longer side, at most; the finest level that is as small is taken.
    """
    from tifffile import TiffFile

    with TiffFile(path) as file:
        levels = file.series[0].levels
        level = next((one for one in levels if max(one.shape) <= side), levels[-1])
        values = np.asarray(level.asarray(), np.float32)
    return np.where(values > 0, (values - 1) / np.float32(STEPS), 0).astype(np.float32)


def map_extent(folder: Path, microns: tuple[float, float]) -> tuple[float, float]:
    """Width and height of a slide's map in pixels of the slide, whose µm per pixel these are."""
    from tifffile import TiffFile

    with TiffFile(folder / MAP) as file:
        rows, columns = file.series[0].shape
        cells = [float(size) for size in re.findall(r'PhysicalSize[XY]="([\d.eE+-]+)"', file.ome_metadata or "")]
    return columns * cells[0] / microns[0], rows * cells[1] / microns[1]
