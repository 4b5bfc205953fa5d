"""The tiles of a slide, read ahead in threads, answered in batches, gathered as they come."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box
from senoscope.core.io.ahead import batches
from senoscope.core.io.slide import SlideReader
from senoscope.runtime.slides.plan import Grid, Seen
from senoscope.runtime.slides.tiles import Masks, Numbers, TileModel
from senoscope.runtime.slides.tissue import SHARPNESS, detail, sharpness_of

BATCH = 16
"""Tiles a run of the network takes by default: larger batches leave the processor's caches, and are no quicker."""

KEEP_EVERY = 2.0
"""Seconds between two times that what is finished is kept on disk."""

_DONE = (Seen.ANSWERED, Seen.WITHHELD, Seen.BLURRED)
"""What a tile that waited may have become."""

Progress = Callable[[int, int], None]
"""Is told how many tiles are done, and of how many."""

Tile = tuple[int, int]


class Sheet(Protocol):
    """Where answers go; see `sheet.NumberSheet`."""

    seen: NDArray[np.uint8]
    rows: int

    def reject(self, tiles: Sequence[Tile], why: Seen) -> None:
        """Say that tiles are not asked about after all."""

    def place(self, tiles: Sequence[Tile], found: Numbers | Masks) -> None:
        """Take the answers to tiles."""

    def finish(self, rows: int) -> None:
        """All tiles of the first `rows` rows are answered or rejected; keep them."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Tiles that were read together: those to be answered with their arrays, and those that are blurred."""

    top: int
    tiles: list[Tile]
    arrays: list[NDArray[np.float32]]
    blurred: list[Tile]


def ask(
    reader: SlideReader,
    grid: Grid,
    model: TileModel,
    sheet: Sheet,
    *,
    batch: int = BATCH,
    workers: int = 2,
    progress: Progress | None = None,
) -> None:
    """Answer every tile of a slide that is waiting, from the row on where the sheet stopped.

    Memory holds four blocks, whatever the slide. Batches do not reach beyond a row of blocks, so that a run which
    stopped and went on gives the network the same batches as one that did not.

    Args:
        reader: the slide.
        grid: how it is cut.
        model: what answers.
        sheet: which tiles are waiting, and where answers go.
        batch: tiles a run of the network takes.
        workers: threads that read and prepare blocks ahead of the network.
        progress: told at first, after every batch and at the end; what an earlier run had done counts.

    Raises:
        InputError: the slide is damaged.
        RunError: what is finished cannot be kept.
    """
    waiting = sheet.seen == Seen.WAITING
    waiting[: sheet.rows] = False
    tell = progress or (lambda done, total: None)
    total = int(waiting.sum() + np.isin(sheet.seen[: sheet.rows], _DONE).sum())
    done, top, kept = total - int(waiting.sum()), sheet.rows, time.monotonic()
    held: _Block = _Block(top, [], [], [])
    tell(done, total)

    def read(block: tuple[int, list[Tile]]) -> _Block:
        return _prepared(reader, grid, model, *block)

    for (block,) in batches(read, grid.blocks(waiting, sheet.rows), batch=1, workers=workers):
        if block.top != top:
            done += _answered(model, sheet, held, batch, whole=True)
            top = block.top
            if time.monotonic() - kept >= KEEP_EVERY:
                sheet.finish(top)
                kept = time.monotonic()
        sheet.reject(block.blurred, Seen.BLURRED)
        done += len(block.blurred)
        held.tiles.extend(block.tiles)
        held.arrays.extend(block.arrays)
        done += _answered(model, sheet, held, batch, whole=False)
        tell(done, total)
    _answered(model, sheet, held, batch, whole=True)
    sheet.finish(grid.shape[0])
    tell(total, total)


def _prepared(reader: SlideReader, grid: Grid, model: TileModel, top: int, tiles: list[Tile]) -> _Block:
    boxes = [grid.box(row, column) for row, column in tiles]
    left, upper = min(box.left for box in boxes), min(box.top for box in boxes)
    right, lower = max(box.edges[2] for box in boxes), max(box.edges[3] for box in boxes)
    pixels = reader.scaled(grid.level, Box(left, upper, right - left, lower - upper), grid.scale)
    found = _Block(top, [], [], [])
    grey, energy = detail(pixels)
    for tile, box in zip(tiles, boxes, strict=True):
        x, y, width, height = box.left - left, box.top - upper, box.width, box.height
        part = slice(y, y + height), slice(x, x + width)
        if sharpness_of(grey[part], energy[y : y + height - 2, x : x + width - 2]) < SHARPNESS:
            found.blurred.append(tile)
        else:
            found.tiles.append(tile)
            found.arrays.append(model.prepare(np.ascontiguousarray(pixels[part])))
    return found


def _answered(model: TileModel, sheet: Sheet, held: _Block, batch: int, *, whole: bool) -> int:
    """Answer what is held in full batches, and the rest too where `whole`; returns how many tiles."""
    count = 0
    while held.tiles and (whole or len(held.tiles) >= batch):
        tiles, arrays = held.tiles[:batch], held.arrays[:batch]
        del held.tiles[:batch], held.arrays[:batch]
        sheet.place(tiles, model.answer(np.stack(arrays)))
        count += len(tiles)
    return count
