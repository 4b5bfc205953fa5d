"""Where a slide's answers are gathered: a value a tile in memory, kept on disk so that a run may stop and go on."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.runtime.slides.plan import Grid, Seen
from senoscope.runtime.slides.saving import write_bytes
from senoscope.runtime.slides.tiles import Masks, Numbers

_LARGEST = 1_000_000_000


class NumberSheet:
    """A number a tile.

    Args:
        grid: of the slide.
        seen: (rows, columns) of `Seen`, as judged before any tile was read.
        kept: file that the numbers are kept in; None where nothing is kept.
        identity: of slide, bundle and settings; what was kept for another is not gone on with.
    """

    def __init__(self, grid: Grid, seen: NDArray[np.uint8], kept: Path | None, identity: str) -> None:
        self.seen = seen.copy()
        self.values = np.full(grid.shape, np.nan, np.float32)
        self.rows = 0
        self._grid, self._kept, self._identity = grid, kept, identity
        if kept is not None:
            self._resume(kept)

    def reject(self, tiles: Sequence[tuple[int, int]], why: Seen) -> None:
        """Say that tiles are not asked about after all."""
        for row, column in tiles:
            self.seen[row, column] = why

    def place(self, tiles: Sequence[tuple[int, int]], found: Numbers | Masks) -> None:
        """Take the answers to tiles."""
        assert isinstance(found, Numbers)
        for (row, column), value, withheld in zip(tiles, found.values, found.withheld, strict=True):
            self.seen[row, column] = Seen.WITHHELD if withheld else Seen.ANSWERED
            self.values[row, column] = np.nan if withheld else value

    def finish(self, rows: int) -> None:
        """All tiles of the first `rows` rows are answered or rejected; keep them."""
        self.rows = rows
        if self._kept is None:
            return
        buffer = io.BytesIO()
        said = np.frombuffer(self._identity.encode(), np.uint8)
        np.savez(buffer, identity=said, rows=np.int64(rows), values=self.values[:rows], seen=self.seen[:rows])
        write_bytes(self._kept, buffer.getvalue())

    def _resume(self, kept: Path) -> None:
        """Go on with what was kept; what is damaged, or of something else, is begun anew."""
        try:
            if not 0 < kept.stat().st_size <= _LARGEST:
                return
            with kept.open("rb") as file, np.load(file, allow_pickle=False) as found:
                rows, values, seen = int(found["rows"]), found["values"], found["seen"]
                same = found["identity"].tobytes() == self._identity.encode()
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return
        shape = (rows, self._grid.shape[1])
        if same and values.shape == seen.shape == shape and 0 <= rows <= self._grid.shape[0]:
            self.values[:rows], self.seen[:rows], self.rows = values, seen, rows

    def cells(self) -> NDArray[np.float32]:
        """(rows, columns) of the map: the mean over the answered tiles that cover a cell, NaN where there is none."""
        parts, shape = self._grid.parts, self.values.shape
        answered = ~np.isnan(self.values)
        values = np.where(answered, self.values, 0).astype(np.float64)
        sums, counts = np.zeros(self._grid.cells), np.zeros(self._grid.cells)
        for down in range(parts):
            for across in range(parts):
                there = (slice(down, down + shape[0]), slice(across, across + shape[1]))
                sums[there] += values
                counts[there] += answered
        with np.errstate(invalid="ignore"):
            return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)
