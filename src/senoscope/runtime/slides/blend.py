"""A mask a tile, blended where tiles overlap into one map of the slide on disk; memory holds one row of tiles.

A slide so wide that a row of its tiles would not fit is answered stripe by stripe, each from the top down.
"""

import glob
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from senoscope.core.errors import UnsupportedImageError
from senoscope.core.io.slide import SlideReader
from senoscope.runtime.slides.loop import BATCH, Progress, ask
from senoscope.runtime.slides.plan import Grid, Seen
from senoscope.runtime.slides.saving import unwritten, write_bytes
from senoscope.runtime.slides.tiles import Masks, Numbers, TileModel
from senoscope.runtime.stitching import window

LARGEST_BAND = 800_000_000
"""Bytes of a row of tiles: of 21 classes and tiles of 224 pixels a stripe of 40,500 pixels across."""

NONE = 255
"""Code where no tile was answered."""


class MaskSheet:
    """Masks of tiles, added up with weights that fall to the tiles' edges, so that no seam is left.

    The map has one byte a pixel of the question: of one class its probability in steps of 1/254, of several the code of
    the likeliest; `NONE` where nothing was answered. Rows that no later tile reaches are written and forgotten, so a
    slide takes the time of its tiles and the memory of one row of them.

    Args:
        grid: of the slide or of a stripe of it, read row by row (see `by_rows`); tiles overlap where its `parts` are
            above 1.
        seen: (rows, columns) of `Seen`, as judged before any tile was read.
        classes: of the masks.
        path: file of the map, height × width bytes of the slide; how far it came is said in a file beside it, one a
            stripe.
        identity: of slide, bundle and settings; a map of another is begun anew, by the first stripe.

    Raises:
        RunError: there is no room for the map.
    """

    def __init__(self, grid: Grid, seen: NDArray[np.uint8], classes: int, path: Path, identity: str) -> None:
        self.seen = seen.copy()
        self.rows = 0
        self._grid, self._classes, self._path, self._identity = grid, classes, path, identity
        self._state = path.with_name(f".{path.name}.{grid.left}.json")
        step, context = grid.step.width, grid.parts - 1 if grid.left else 0
        last = grid.left + grid.shape[1] == grid.columns
        # Columns of the map that are this stripe's own; what lies to their left is there for the blending alone.
        self._own = slice(context * step, None if last else grid.shape[1] * step)
        height, width = grid.patch.height, grid.cells[1] * step
        # The band's first row is that of tile row `_first`; rows of the map above `_kept` are on disk.
        self._sums = np.zeros((classes, height, width), np.float32)
        self._weights = np.zeros((height, width), np.float32)
        self._window = window(grid.patch, grid.parts)
        self._first, self._kept = 0, 0
        self._open()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the map."""
        return self._grid.whole.height, self._grid.whole.width

    def reject(self, tiles: Sequence[tuple[int, int]], why: Seen) -> None:
        """Say that tiles are not asked about after all."""
        for row, column in tiles:
            self.seen[row, column] = why

    def place(self, tiles: Sequence[tuple[int, int]], found: Numbers | Masks) -> None:
        """Add the masks of tiles; their rows never go back."""
        assert isinstance(found, Masks)
        step, patch = self._grid.step, self._grid.patch
        for (row, column), shares, withheld in zip(tiles, found.shares, found.withheld, strict=True):
            self._advance(row)
            if withheld:
                self.seen[row, column] = Seen.WITHHELD
                continue
            self.seen[row, column] = Seen.ANSWERED
            there = slice(column * step.width, column * step.width + patch.width)
            self._sums[:, :, there] += shares * self._window
            self._weights[:, there] += self._window

    def finish(self, rows: int) -> None:
        """All tiles of the first `rows` rows are answered or rejected; keep what no later tile reaches."""
        self._advance(rows if rows < self._grid.shape[0] else self._grid.cells[0])
        self.rows = rows
        said = {"identity": self._identity, "rows": rows, "seen": self.seen[:rows].tobytes().hex()}
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritten(self._path, error) from error
        write_bytes(self._state, json.dumps(said).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.close()
        else:  # whatever stopped it, a second run may go on where this one was
            self._file.close()

    def close(self) -> None:
        """Let go of the map's file."""
        self._file.close()

    def _open(self) -> None:
        """Make room for the whole map at once, so that a full disk is met before the work and not after it."""
        length = self.shape[0] * self.shape[1]
        try:
            done = self._resumed(length)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            begun = bool(done or self._grid.left)
            if not begun:
                forget(self._path)
            self._file = open(self._path, "r+b" if begun else "w+b")  # noqa: SIM115 # closed by close
            if not begun:
                self._make_room(length)
        except OSError as error:
            raise unwritten(self._path, error) from error
        if done == self._grid.shape[0]:
            self.rows = self._first = done
            self._kept = self.shape[0]
            return
        # Tiles above the first unfinished row reach below it, and are asked again for what they cover there.
        self.rows = max(0, done - self._grid.parts + 1)
        self._first, self._kept = self.rows, done * self._grid.step.height

    def _make_room(self, length: int) -> None:
        try:
            os.posix_fallocate(self._file.fileno(), 0, length)
        except OSError:
            self._file.close()
            self._path.unlink(missing_ok=True)
            raise

    def _resumed(self, length: int) -> int:
        """Rows of tiles that an earlier run finished; 0 where it was another's, or what it left is damaged."""
        try:
            said = json.loads(self._state.read_bytes())
            rows, seen = int(said["rows"]), bytes.fromhex(said["seen"])
            same = said["identity"] == self._identity and self._path.stat().st_size == length
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        if not same or not 0 < rows <= self._grid.shape[0] or len(seen) != rows * self._grid.shape[1]:
            return 0
        self.seen[:rows] = np.frombuffer(seen, np.uint8).reshape(rows, -1)
        if rows == self._grid.shape[0]:
            return rows
        again = slice(max(0, rows - self._grid.parts + 1), rows)
        # What was asked there is waiting once more.
        asked = np.isin(self.seen[again], (Seen.ANSWERED, Seen.WITHHELD))
        self.seen[again] = np.where(asked, Seen.WAITING, self.seen[again])
        return rows

    def _advance(self, row: int) -> None:
        """Write what lies above a row of tiles, and let the band begin there."""
        while self._first < row:
            step = self._grid.step.height
            self._write(self._first * step, self._coded(step))
            for plane in (*self._sums, self._weights):  # one by one: numpy copies what overlaps
                plane[:-step] = plane[step:]
                plane[-step:] = 0
            self._first += 1

    def _coded(self, rows: int) -> NDArray[np.uint8]:
        beyond = self.shape[1] - self._grid.left * self._grid.step.width
        own = slice(self._own.start, min(beyond, self._own.stop or beyond))
        sums, weights = self._sums[:, :rows, own], self._weights[:rows, own]
        if self._classes > 1:
            codes = sums.argmax(axis=0).astype(np.uint8)
        else:
            codes = np.rint(254 * np.clip(sums[0] / np.where(weights > 0, weights, 1), 0, 1)).astype(np.uint8)
        return np.where(weights > 0, codes, np.uint8(NONE))

    def _write(self, top: int, codes: NDArray[np.uint8]) -> None:
        start, end = max(top, self._kept), min(top + len(codes), self.shape[0])
        if start >= end:
            return
        left = self._grid.left * self._grid.step.width + self._own.start
        part = codes[start - top : end - top]
        whole = part.shape[1] == self.shape[1]
        pieces = [part.tobytes()] if whole else [row.tobytes() for row in part]
        try:
            for number, piece in enumerate(pieces):
                self._put(piece, (start + number) * self.shape[1] + left)
        except OSError as error:
            raise unwritten(self._path, error) from error

    def _put(self, piece: bytes, at: int) -> None:
        content = memoryview(piece)
        while content:
            count = os.pwrite(self._file.fileno(), content, at)
            content, at = content[count:], at + count


def forget(path: Path) -> None:
    """Remove what says how far a map came: it is finished, or begun anew."""
    for state in path.parent.glob(f".{glob.escape(path.name)}.*.json"):
        state.unlink(missing_ok=True)


def stripes(grid: Grid, classes: int) -> list[Grid]:
    """Cut a grid into stripes whose rows of tiles fit into `LARGEST_BAND`; mostly there is one.

    A stripe begins `parts` − 1 columns before the columns of the map that it writes: these reach into them.

    Raises:
        UnsupportedImageError: what fits would not be wider than what stripes share.
    """
    context, columns = grid.parts - 1, grid.shape[1]
    fit = LARGEST_BAND // (4 * (classes + 1) * grid.patch.height * grid.step.width)
    whole = grid.cells[1] <= fit
    own = columns if whole else fit - 2 * context
    # Two stripes must not begin at the same column.
    if not whole and own <= context:
        raise UnsupportedImageError(
            f"tiles of {grid.patch} pixels are too large for {classes} labels", "take a bundle of smaller squares"
        )
    found = []
    for first in range(0, columns, own):
        left, end = max(0, first - context), min(columns, first + own)
        found.append(replace(grid, shape=(grid.shape[0], end - left), left=left))
    return found


def by_rows(grid: Grid) -> Grid:
    """The same grid read row of tiles by row of tiles, as a `MaskSheet` needs it."""
    return replace(grid, block=(1, grid.block[1]))


def fill(
    reader: SlideReader,
    grid: Grid,
    model: TileModel,
    classes: int,
    seen: NDArray[np.uint8],
    path: Path,
    identity: str,
    *,
    batch: int = BATCH,
    workers: int = 2,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """Ask about every tile of a slide, and write its map, stripe by stripe where it is wide.

    What says how far it came stays until `forget`: a map that is whole is not begun anew either.

    Args:
        reader: the slide.
        grid: of all of it; see `by_rows`.
        model: gives masks.
        classes: of the masks.
        seen: (rows, columns) of `Seen`, as judged before any tile was read.
        path: file of the map.
        identity: of slide, bundle and settings.
        batch: tiles a run of the network takes.
        workers: threads that read ahead.
        progress: told of the tiles; those where stripes meet count twice.

    Returns:
        (rows, columns) of `Seen`: what became of the tiles.

    Raises:
        InputError: the slide is damaged.
        UnsupportedImageError: not even a column of its tiles would fit into memory.
        RunError: there is no room for the map.
    """
    parts, found = stripes(grid, classes), seen.copy()
    columns = [slice(part.left, part.left + part.shape[1]) for part in parts]
    ends = np.cumsum([int((seen[:, each] == Seen.WAITING).sum()) for each in columns])
    for part, each, end in zip(parts, columns, ends, strict=True):

        def told(done: int, total: int, end: int = int(end)) -> None:
            if progress:
                progress(end - total + done, int(ends[-1]))

        with MaskSheet(part, seen[:, each], classes, path, identity) as sheet:
            ask(reader, part, model, sheet, batch=batch, workers=workers, progress=told)
            found[:, each] = sheet.seen
    return found
