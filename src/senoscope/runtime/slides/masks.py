"""A slide asked for a mask: a label or a probability for every pixel of its tissue, on disk as it grows."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.io.slide import SlideReader
from senoscope.runtime.slides.blend import NONE, by_rows, fill, forget
from senoscope.runtime.slides.loop import BATCH, Progress
from senoscope.runtime.slides.measure import HotSpot, Region, SlideSummary, hot_spots, regions, warnings_of
from senoscope.runtime.slides.plan import Grid, Seen, judge_tiles, make_grid
from senoscope.runtime.slides.tiles import Question, SlideModel
from senoscope.runtime.slides.tissue import Tissue

STEPS = 254
"""A probability p of a map of one label is kept as 254 p, rounded."""

OVERLAP = 2
"""Tiles start this many times a tile's side where no more is asked for: side by side their edges would show."""

LONGEST = 4096
"""Pixels along the longer side of the map that regions are drawn from; every so many are left out of a larger one."""

MOST_REGIONS = 2000
"""Of one label; the largest are kept."""


@dataclass(frozen=True, eq=False)
class Map:
    """A finished map of a slide.

    Args:
        codes: (H, W) of the question's pixels, on disk; see `blend.MaskSheet`.
        grid: how the slide was cut.
        coarse: a grid with a cell for every pixel of `small`.
        small: (h, w) every so many of the codes.
    """

    codes: NDArray[np.uint8]
    grid: Grid
    coarse: Grid
    small: NDArray[np.uint8]

    def chances(self) -> NDArray[np.float32]:
        """(h, w) of a map of one label: probabilities, NaN where there is no answer."""
        return np.where(self.small == NONE, np.nan, self.small / np.float32(STEPS)).astype(np.float32)


@contextmanager
def asked(
    reader: SlideReader,
    model: SlideModel,
    tissue: Tissue,
    *,
    parts: int,
    least: float,
    kept: Path | None,
    identity: str,
    batch: int = BATCH,
    workers: int = 2,
    progress: Progress | None = None,
) -> Iterator[tuple[Map, NDArray[np.uint8]]]:
    """Ask about every tile of a slide, and give its map and what became of the tiles; the map goes when this ends.

    Args:
        reader: the slide.
        model: gives masks.
        tissue: what of the slide is tissue.
        parts: tiles start this many times a tile's side; `OVERLAP` at least, where the tile can be divided so.
        least: share of a tile that must be tissue.
        kept: file of the map, so that a run that stops may go on; None for a temporary one.
        identity: of slide, bundle and settings.
        batch: tiles a run of the network takes.
        workers: threads that read ahead.
        progress: told of the tiles.

    Raises:
        InputError: the slide is damaged.
        UnsupportedImageError: not even a column of its tiles would fit into memory.
        RunError: there is no room for the map.
    """
    even = model.patch.width % OVERLAP == 0 and model.patch.height % OVERLAP == 0
    grid = by_rows(make_grid(reader, model.microns, model.patch, max(parts, OVERLAP if even else 1)))
    seen = judge_tiles(grid, tissue, least)
    with tempfile.TemporaryDirectory(prefix="senoscope-map-") as folder:
        path = kept or Path(folder) / "map"
        became = fill(
            reader, grid, model, model.classes, seen, path, identity, batch=batch, workers=workers, progress=progress
        )
        codes = np.memmap(path, np.uint8, "r", shape=(grid.whole.height, grid.whole.width))
        yield _map(codes, grid), became
        forget(path)
        path.unlink(missing_ok=True)


def _map(codes: NDArray[np.uint8], grid: Grid) -> Map:
    every = max(1, -(-max(codes.shape) // LONGEST))
    small = np.ascontiguousarray(codes[every // 2 :: every, every // 2 :: every])
    coarse = replace(grid, patch=Size(every, every), parts=1, shape=small.shape)
    return Map(codes, grid, coarse, small)


def measured(
    reader: SlideReader, digest: str, question: Question, tissue: Tissue, found: Map, seen: NDArray[np.uint8]
) -> SlideSummary:
    """Measure a map; areas count tissue alone.

    Args:
        reader: the slide.
        digest: of its file.
        question: what was asked.
        tissue: what of it is tissue.
        found: the map.
        seen: (rows, columns) of `Seen`.
    """
    assert reader.microns is not None
    counts = counted(found.codes, tissue.tissue)
    pixel = found.grid.microns**2 / 1e6
    answered = int(counts[:NONE].sum())
    if question.labels:
        areas = {label: float(count) * pixel for label, count in zip(question.labels, counts, strict=False)}
        positive = areas[question.positive]
        mean = highest = None
        spots: tuple[HotSpot, ...] = ()
    else:
        values = np.arange(NONE) / STEPS
        positive = float(counts[:NONE][values >= question.threshold].sum()) * pixel
        areas = {question.positive: positive}
        mean = float((counts[:NONE] * values).sum() / answered) if answered else None
        highest = float(values[np.flatnonzero(counts[:NONE]).max()]) if answered else None
        spots = hot_spots(reader, found.coarse, found.chances())
    tiles = {kind.name.lower(): int((seen == kind).sum()) for kind in Seen if kind != Seen.WAITING}
    slide = reader.size.width * reader.microns[0] * reader.size.height * reader.microns[1] / 1e6
    return SlideSummary(
        source=reader.path,
        digest=digest,
        size=reader.size,
        microns=reader.microns,
        question=question,
        tissue_mm2=float(tissue.tissue.mean()) * slide,
        answered_mm2=answered * pixel,
        positive_mm2=positive,
        fraction=positive / (answered * pixel) if answered else None,
        mean=mean,
        highest=highest,
        tiles=tiles,
        hot_spots=spots,
        regions=0,
        warnings=warnings_of(tissue, tiles),
        label_mm2=areas,
    )


def counted(codes: NDArray[np.uint8], tissue: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(256,) how many pixels of tissue have each code; a mask of the whole slide says what is tissue."""
    height, width = codes.shape
    columns = np.minimum((np.arange(width) + 0.5) * tissue.shape[1] / width, tissue.shape[1] - 1).astype(int)
    counts = np.zeros(256, np.int64)
    for top in range(0, height, 256):
        band = np.asarray(codes[top : top + 256])
        rows = (np.arange(top, top + len(band)) + 0.5) * tissue.shape[0] / height
        there = tissue[np.ix_(np.minimum(rows, tissue.shape[0] - 1).astype(int), columns)]
        counts += np.bincount(band[there], minlength=256)
    return counts


def labelled(reader: SlideReader, question: Question, found: Map, smallest: float) -> Mapping[str, list[Region]]:
    """Regions of every label but the first, or of the positive one, the largest first.

    Args:
        reader: the slide.
        question: what was asked.
        found: the map.
        smallest: mm² below which a region is left out.
    """

    def of_code(code: int) -> list[Region]:
        marked = np.where(found.small == code, np.float32(1), np.float32(np.nan))
        return regions(reader, found.coarse, marked, 0.5, MOST_REGIONS)

    if not question.labels:
        shown = {question.positive: regions(reader, found.coarse, found.chances(), question.threshold, MOST_REGIONS)}
    else:
        shown = {
            label: of_code(code) for code, label in enumerate(question.labels) if code and (found.small == code).any()
        }
    return {label: [one for one in every if one.area_mm2 >= smallest] for label, every in shown.items()}
