"""What every reader of whole slides shares: levels, bounds, thumbnails and deep-zoom tiles made from regions."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.errors import ImageTooLargeError, InputError, UnreadableImageError, UnsupportedImageError

Rgb = NDArray[np.uint8]
"""(H, W, 3), 8 bits."""

LONGEST_SIDE = 2_000_000
"""Pixels; half a metre of glass at 0.25 µm per pixel."""

MOST_LEVELS = 32
MOST_TILES = 20_000_000
"""Of one level; their places in the file are kept in memory."""

LARGEST_TILE = 64_000_000
"""Pixels of one tile or strip of the file, which can only be decoded as a whole."""

LARGEST_REGION = 64_000_000
"""Pixels read at once."""

PLAUSIBLE_MICRONS = (0.02, 100.0)
"""µm per pixel of a slide; the 72 dpi that programs write without knowing would be 353."""

SAVE_SLIDE = "export the slide again as SVS or as pyramidal TIFF, 8-bit RGB"
_BLOCK = 4096
"""Side of the squares that a large level is scaled down by."""


@dataclass(frozen=True)
class Level:
    """One resolution of a slide.

    Args:
        size: of the level, in its own pixels.
        downsample: width and height of one of its pixels in pixels of level 0, 1 or more.
        tile: the file's own tiles at this level, to whose edges reads are best aligned.
    """

    size: Size
    downsample: tuple[float, float]
    tile: Size


class SlideReader(ABC):
    """A whole slide that is open; implement `_read` and `close` to add a kind of file.

    Regions may be asked for by several threads at once.

    Args:
        path: for messages.
        levels: finest first.
        microns: µm per pixel of level 0 across and down; None where the file does not say it, or says what no slide is.
        maker: which scanner or program wrote it, as the reading library calls it.
    """

    def __init__(self, path: str, levels: tuple[Level, ...], microns: tuple[float, float] | None, maker: str) -> None:
        self.path = path
        self.levels = levels
        self.microns = microns
        self.maker = maker
        _check_levels(path, levels)

    @property
    def size(self) -> Size:
        """Of level 0, in pixels."""
        return self.levels[0].size

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    @abstractmethod
    def _read(self, level: int, box: Box) -> Rgb:
        """Read a box that lies within the level; whatever it raises other than an `InputError` is a fault of ours."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def region(self, level: int, box: Box) -> Rgb:
        """Read part of a level.

        Args:
            level: 0 is the finest.
            box: in pixels of that level; what lies outside of it is white.

        Returns:
            (box.height, box.width, 3) uint8.

        Raises:
            ImageTooLargeError: more than `LARGEST_REGION` pixels.
            UnreadableImageError: the file is damaged there.
        """
        if box.width < 1 or box.height < 1 or box.width * box.height > LARGEST_REGION:
            raise ImageTooLargeError(f"{self.path}: a region of {box.size} pixels cannot be read at once", "read parts")
        size = self.levels[level].size
        left, top, right, bottom = box.edges
        inside = (max(0, left), max(0, top), min(size.width, right), min(size.height, bottom))
        if inside == box.edges:
            return self._read(level, box)
        whole = np.full((box.height, box.width, 3), 255, np.uint8)
        x0, y0, x1, y1 = inside
        if x0 < x1 and y0 < y1:
            whole[y0 - top : y1 - top, x0 - left : x1 - left] = self._read(level, Box(x0, y0, x1 - x0, y1 - y0))
        return whole

    def thumbnail(self, side: int) -> Rgb:
        """The slide with `side` pixels along its longer side, or all of it where it is smaller; read block by block."""
        wanted = _within(self.size, side)
        fine = [place for place, level in enumerate(self.levels) if level.size.width >= wanted.width]
        level = fine[-1] if fine else 0
        size = self.levels[level].size
        whole = Box(0, 0, wanted.width, wanted.height)
        return self.scaled(level, whole, (size.width / wanted.width, size.height / wanted.height))

    def scaled(self, level: int, part: Box, scale: tuple[float, float]) -> Rgb:
        """Read part of the slide scaled down, by the mean of the pixels that are covered, block by block.

        Args:
            level: to read from.
            part: in pixels of the result's resolution; what lies outside of the slide is white.
            scale: width and height of such a pixel in pixels of the level.

        Returns:
            (part.height, part.width, 3) uint8.
        """
        steps = [max(1, int(_BLOCK / one)) for one in scale]
        if part.width <= steps[0] and part.height <= steps[1]:
            return self._block(level, part, scale)
        whole = np.empty((part.height, part.width, 3), np.uint8)
        for top in range(0, part.height, steps[1]):
            for left in range(0, part.width, steps[0]):
                width, height = min(steps[0], part.width - left), min(steps[1], part.height - top)
                block = Box(part.left + left, part.top + top, width, height)
                whole[top : top + height, left : left + width] = self._block(level, block, scale)
        return whole

    def _block(self, level: int, part: Box, scale: tuple[float, float]) -> Rgb:
        left, top, right, bottom = part.edges
        exact = (left * scale[0], top * scale[1], right * scale[0], bottom * scale[1])
        x0, y0, x1, y1 = math.floor(exact[0]), math.floor(exact[1]), math.ceil(exact[2]), math.ceil(exact[3])
        pixels = self.region(level, Box(x0, y0, max(1, x1 - x0), max(1, y1 - y0)))
        return _reduced(pixels, part.size, (exact[0] - x0, exact[1] - y0, exact[2] - x0, exact[3] - y0))

    @property
    def zooms(self) -> int:
        """Levels of a deep-zoom pyramid: each half as large as the next, from one pixel to the whole slide."""
        return math.ceil(math.log2(max(self.size.width, self.size.height, 1))) + 1

    def zoom_size(self, zoom: int) -> Size:
        """Width and height of the slide at a zoom, 0 being the smallest."""
        scale = 2 ** (self.zooms - 1 - zoom)
        return Size(math.ceil(self.size.width / scale), math.ceil(self.size.height / scale))

    def zoom_tile(self, zoom: int, column: int, row: int, side: int = 254, overlap: int = 1) -> Rgb:
        """One tile of a deep-zoom pyramid, as OpenSeadragon asks for it.

        Args:
            zoom: 0 is the smallest picture, `zooms` − 1 the whole slide.
            column: of the tile, from the left.
            row: of the tile, from the top.
            side: pixels of a tile without its overlap.
            overlap: pixels it shares with each neighbour.

        Raises:
            InputError: there is no such tile.
        """
        if not 0 <= zoom < self.zooms or not 1 <= side <= 2048 or not 0 <= overlap <= 64:
            raise InputError(f"{self.path}: there is no zoom {zoom} in tiles of {side}", f"0 to {self.zooms - 1}")
        whole = self.zoom_size(zoom)
        left, top = max(0, column * side - overlap), max(0, row * side - overlap)
        right, bottom = min(whole.width, (column + 1) * side + overlap), min(whole.height, (row + 1) * side + overlap)
        if column < 0 or row < 0 or column * side >= whole.width or row * side >= whole.height:
            raise InputError(f"{self.path}: there is no tile {column}, {row} at zoom {zoom}", f"the zoom is {whole}")
        scale = 2.0 ** (self.zooms - 1 - zoom)
        level = self.level_for(scale)
        across, down = self.levels[level].downsample
        return self.scaled(level, Box(left, top, right - left, bottom - top), (scale / across, scale / down))

    def level_for(self, downsample: float, tolerance: float = 1.01) -> int:
        """The coarsest level that is still as fine as `downsample`, up to a tolerance; 0 where none is."""
        fine = [place for place, level in enumerate(self.levels) if max(level.downsample) <= downsample * tolerance]
        return fine[-1] if fine else 0


def plausible(across: float | None, down: float | None) -> tuple[float, float] | None:
    """µm per pixel as given, or None where no slide has such pixels."""
    low, high = PLAUSIBLE_MICRONS
    if across is None or down is None or not (low <= across <= high and low <= down <= high):
        return None
    return (across, down) if 0.5 <= across / down <= 2 else None


def damaged(path: str, where: str = "") -> UnreadableImageError:
    """Return the error for a slide that does not decode."""
    return UnreadableImageError(f"{path}: the slide is damaged or cut short{where}", "copy or export the slide again")


def not_a_slide(path: str, why: str) -> UnsupportedImageError:
    """Return the error for a file that is fine in itself and no slide that is taken."""
    return UnsupportedImageError(f"{path}: {why}", SAVE_SLIDE)


def _check_levels(path: str, levels: tuple[Level, ...]) -> None:
    if not 1 <= len(levels) <= MOST_LEVELS:
        raise damaged(path, f": it says it has {len(levels)} levels")
    for level in levels:
        sides = (level.size.width, level.size.height, level.tile.width, level.tile.height)
        if min(sides) < 1 or max(level.size.width, level.size.height) > LONGEST_SIDE:
            raise damaged(path, f": it says a level has {level.size} pixels in tiles of {level.tile}")
        if level.tile.width * level.tile.height > LARGEST_TILE:
            raise ImageTooLargeError(
                f"{path}: its tiles are of {level.tile} pixels", "export it in tiles of 256 or 512"
            )
        tiles = math.ceil(level.size.width / level.tile.width) * math.ceil(level.size.height / level.tile.height)
        if tiles > MOST_TILES:
            raise ImageTooLargeError(f"{path}: a level has {tiles:,} tiles", "export it in larger tiles")


def _within(size: Size, side: int) -> Size:
    scale = min(1.0, side / max(size.width, size.height))
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


def _reduced(pixels: Rgb, size: Size, box: tuple[float, float, float, float]) -> Rgb:
    """Scale the part of a picture within `box` (left, top, right, bottom) to a size, by the mean of what is covered."""
    edges = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    if size == Size(pixels.shape[1], pixels.shape[0]) and box == edges:
        return pixels
    within = (max(0.0, box[0]), max(0.0, box[1]), min(edges[2], box[2]), min(edges[3], box[3]))
    small = Pil.fromarray(pixels).resize((size.width, size.height), Pil.Resampling.BOX, box=within)
    return np.asarray(small, np.uint8)
