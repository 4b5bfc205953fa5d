"""Which tiles of a slide are asked about, from which level they are read, and in which blocks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.errors import InputError, UnsupportedImageError, UsageError
from senoscope.core.io.slide import SlideReader
from senoscope.runtime.slides.tissue import Tissue

LEAST_TISSUE = 0.25
"""Share of a tile that must be tissue for it to be asked about."""

MOST_INK = 0.1
"""Share of a tile above which a pen's ink would be taken for what it covers."""

FINER = 1.1
"""A level is still fine enough for a question if its pixels are this much larger than those of the question."""

COARSEST = 1.5
"""A slide whose finest pixels are this much larger than those of the question cannot be asked it."""

MOST_CELLS = 25_000_000
"""Tiles of a slide; each takes five bytes of memory."""

_BLOCK_SIDE, _BLOCK_TILES = 2048, 128
"""Pixels of the level along a block's side, and tiles of a block, about; both bound the memory."""


class Seen(IntEnum):
    """What became of a tile."""

    GLASS = 0
    WAITING = 1
    ANSWERED = 2
    PEN = 3
    BLURRED = 4
    WITHHELD = 5


@dataclass(frozen=True)
class Grid:
    """How a slide is cut into tiles.

    Args:
        level: that tiles are read from.
        scale: width and height of a pixel of the question in pixels of that level.
        microns: of a pixel of the question.
        whole: the slide in such pixels.
        patch: width and height of a tile in such pixels.
        parts: tiles start this many times a tile's side, so that each point is seen by parts × parts of them.
        shape: rows and columns of tiles.
        block: rows and columns of tiles that are read at once.
        left: column of the slide's tiles that is this grid's first; above 0 in a stripe of it.
    """

    level: int
    scale: tuple[float, float]
    microns: float
    whole: Size
    patch: Size
    parts: int
    shape: tuple[int, int]
    block: tuple[int, int]
    left: int = 0

    @property
    def step(self) -> Size:
        """From one tile to the next; also the size of a cell of the map."""
        return Size(self.patch.width // self.parts, self.patch.height // self.parts)

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return self.shape[0] + self.parts - 1, self.shape[1] + self.parts - 1

    @property
    def columns(self) -> int:
        """Columns of tiles of the whole slide, of which the grid may be a stripe."""
        return _count(self.whole.width, self.patch.width, self.step.width)

    @property
    def cell_area(self) -> float:
        """mm² of a cell of the map."""
        return self.step.width * self.step.height * self.microns**2 / 1e6

    def box(self, row: int, column: int) -> Box:
        """Where a tile lies, in pixels of the question; it may reach beyond the slide."""
        step = self.step
        return Box((self.left + column) * step.width, row * step.height, self.patch.width, self.patch.height)

    def blocks(self, waiting: NDArray[np.bool_], start: int = 0) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Tiles that are waiting, in blocks, row of blocks by row; each with the first row of tiles of its own."""
        rows, columns = self.block
        for top in range(start, self.shape[0], rows):
            for left in range(0, self.shape[1], columns):
                found = np.argwhere(waiting[top : top + rows, left : left + columns])
                if len(found):
                    yield top, [(top + int(row), left + int(column)) for row, column in found]


def make_grid(reader: SlideReader, microns: float, patch: Size, parts: int = 1) -> Grid:
    """Lay a grid over a slide.

    Args:
        reader: the slide.
        microns: per pixel of the question.
        patch: width and height of a tile in such pixels.
        parts: tiles start this many times a tile's side; it must divide both of them.

    Raises:
        InputError: the slide does not say how many µm its pixels are.
        UnsupportedImageError: its pixels are too coarse for the question, or it would be cut into too many tiles.
        UsageError: the tile cannot be divided so.
    """
    if parts < 1 or patch.width % parts or patch.height % parts:
        common = math.gcd(patch.width, patch.height)
        fits = ", ".join(str(one) for one in range(1, 11) if common % one == 0)
        raise UsageError(f"a tile of {patch} pixels cannot start {parts} times a side", f"one of {fits}")
    if reader.microns is None:
        raise InputError(
            f"{reader.path}: the slide does not say how many µm its pixels are",
            "say it with --mpp: about 0.25 where it was scanned at 40×, 0.5 at 20×",
        )
    fine = (microns / reader.microns[0], microns / reader.microns[1])
    if min(fine) * COARSEST < 1:
        seen = f"its pixels are {max(reader.microns):g} µm"
        raise UnsupportedImageError(f"{reader.path}: {seen}, and the question is about {microns:g}", "scan it finer")
    level = reader.level_for(min(fine), FINER)
    across, down = reader.levels[level].downsample
    scale = (fine[0] / across, fine[1] / down)
    whole = Size(max(1, math.ceil(reader.size.width / fine[0])), max(1, math.ceil(reader.size.height / fine[1])))
    step = Size(patch.width // parts, patch.height // parts)
    shape = _count(whole.height, patch.height, step.height), _count(whole.width, patch.width, step.width)
    if shape[0] * shape[1] > MOST_CELLS:
        raise UnsupportedImageError(f"{reader.path}: it would be {shape[0] * shape[1]:,} tiles", "is --mpp right?")
    block = _block(reader, level, (step.width * scale[0], step.height * scale[1]))
    return Grid(level, scale, microns, whole, patch, parts, shape, block)


def _count(length: int, side: int, step: int) -> int:
    return max(1, math.ceil((length - side) / step) + 1)


def _block(reader: SlideReader, level: int, step: tuple[float, float]) -> tuple[int, int]:
    """Rows and columns of tiles by which the fewest of the file's own tiles are read twice."""
    tile = reader.levels[level].tile
    most = math.isqrt(_BLOCK_TILES)
    down = _fitting(step[1], tile.height, most)
    return down, _fitting(step[0], tile.width, most)


def _fitting(step: float, tile: int, most: int) -> int:
    counts = range(1, max(2, min(most, int(_BLOCK_SIDE / step)) + 1))

    def read(count: int) -> float:
        """Pixels read for one that is needed, over a stretch of eight blocks."""
        edges = [(place * count * step, (place + 1) * count * step) for place in range(8)]
        covered = sum(math.ceil(end / tile) - math.floor(start / tile) for start, end in edges)
        return covered * tile / (8 * count * step)

    return min(counts, key=lambda count: (round(read(count), 3), -count))


def judge_tiles(grid: Grid, tissue: Tissue, least: float = LEAST_TISSUE) -> NDArray[np.uint8]:
    """(rows, columns) of `Seen`: which tiles are to be asked about, which are glass, and which are drawn over."""
    stained, inked = tile_shares(grid, tissue.tissue), tile_shares(grid, tissue.ink)
    seen = np.where(stained >= least, Seen.WAITING, Seen.GLASS)
    # Ink hides what is below it, so that a tile full of it is rejected whether or not tissue shows beside.
    return np.where((inked > MOST_INK) & (stained + inked >= least), Seen.PEN, seen).astype(np.uint8)


def tile_shares(grid: Grid, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(rows, columns) share of each tile that a mask of the whole slide covers; beyond the slide nothing is covered."""
    return _shares(grid, mask, grid.shape, grid.patch)


def cell_shares(grid: Grid, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(rows, columns) share of each cell of the map that a mask of the whole slide covers."""
    return _shares(grid, mask, grid.cells, grid.step)


def _shares(grid: Grid, mask: NDArray[np.bool_], shape: tuple[int, int], part: Size) -> NDArray[np.float32]:
    height, width = mask.shape
    # The sums of all that lies above and to the left, from which a box's own sum is four look-ups.
    sums = np.pad(np.cumsum(np.cumsum(mask, axis=0, dtype=np.int32), axis=1, dtype=np.int32), ((1, 0), (1, 0)))
    tops = _place(np.arange(shape[0]) * grid.step.height, grid.whole.height, height)
    bottoms = _place(np.arange(shape[0]) * grid.step.height + part.height, grid.whole.height, height)
    lefts = _place(np.arange(shape[1]) * grid.step.width, grid.whole.width, width)
    rights = _place(np.arange(shape[1]) * grid.step.width + part.width, grid.whole.width, width)
    found = _sum_at(sums, bottoms, rights) - _sum_at(sums, tops, rights)
    found -= _sum_at(sums, bottoms, lefts) - _sum_at(sums, tops, lefts)
    pixels = part.width * width / grid.whole.width * part.height * height / grid.whole.height
    shares: NDArray[np.float32] = np.clip(found / pixels, 0, 1).astype(np.float32)
    return shares


def _place(edges: NDArray[np.int64], whole: int, length: int) -> NDArray[np.float64]:
    return np.minimum(edges / whole, 1.0) * length


def _sum_at(sums: NDArray[np.int32], rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums at places between pixels, which lie on a plane between their neighbours."""
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, beside = np.minimum(top + 1, sums.shape[0] - 1), np.minimum(left + 1, sums.shape[1] - 1)
    down, across = (rows - top)[:, None], (columns - left)[None]
    upper = sums[np.ix_(top, left)] * (1 - across) + sums[np.ix_(top, beside)] * across
    lower = sums[np.ix_(below, left)] * (1 - across) + sums[np.ix_(below, beside)] * across
    found: NDArray[np.float64] = upper * (1 - down) + lower * down
    return found
