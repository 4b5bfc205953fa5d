"""What a slide comes to: areas, fraction, hot spots, and what became of every tile."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.io.slide import SlideReader
from senoscope.runtime.slides.plan import Grid, Seen, cell_shares
from senoscope.runtime.slides.shapes import Ring, components, outlines
from senoscope.runtime.slides.tiles import Question
from senoscope.runtime.slides.tissue import Tissue

MOST_HOT_SPOTS = 5
APART = 1000.0
"""µm between the centres of two hot spots, at least."""

UNKNOWN_SHARE = 0.5
"""Share of the asked tiles above which a slide of mostly unknown tissue is called out."""


@dataclass(frozen=True)
class HotSpot:
    """A place of high probability: the centre of its cell in pixels of level 0, and the cell's probability."""

    x: int
    y: int
    probability: float


@dataclass(frozen=True)
class Region:
    """Cells that hang together, all at or above the threshold.

    Args:
        rings: closed lines in pixels of level 0, the outer one first, then the holes.
        area_mm2: of tissue and of what lies between it.
        mean: mean probability.
        highest: highest probability.
    """

    rings: tuple[tuple[tuple[int, int], ...], ...]
    area_mm2: float
    mean: float
    highest: float


@dataclass(frozen=True)
class SlideSummary:
    """What a slide comes to.

    Args:
        source: path of the slide.
        digest: SHA-256 over its length, first and last bytes, in hex.
        size: pixels of level 0.
        microns: µm per pixel of level 0, across and down.
        question: what was asked.
        tissue_mm2: of tissue.
        answered_mm2: of it, that answers cover.
        positive_mm2: of it, at or above the threshold.
        fraction: positive by answered; None where nothing was answered.
        mean: mean probability over the map; None likewise.
        highest: highest probability of the map; None likewise.
        tiles: how many tiles met which end.
        hot_spots: highest first.
        regions: how many patches there are at or above the threshold.
        warnings: one sentence each.
        label_mm2: of masks, mm² of tissue by label.
    """

    source: str
    digest: str
    size: Size
    microns: tuple[float, float]
    question: Question
    tissue_mm2: float
    answered_mm2: float
    positive_mm2: float
    fraction: float | None
    mean: float | None
    highest: float | None
    tiles: dict[str, int]
    hot_spots: tuple[HotSpot, ...]
    regions: int
    warnings: tuple[str, ...]
    label_mm2: dict[str, float] = field(default_factory=dict)


def summarise(
    reader: SlideReader,
    digest: str,
    question: Question,
    grid: Grid,
    tissue: Tissue,
    seen: NDArray[np.uint8],
    cells: NDArray[np.float32],
) -> SlideSummary:
    """Measure a map; areas count the tissue within cells alone.

    Args:
        reader: the slide.
        digest: of its file.
        question: what was asked.
        grid: how it was cut.
        tissue: what of it is tissue.
        seen: (rows, columns) of `Seen`.
        cells: the map, NaN where there is no answer.
    """
    assert reader.microns is not None
    areas = cell_shares(grid, tissue.tissue) * grid.cell_area
    there = ~np.isnan(cells)
    positive = there & (np.where(there, cells, 0) >= question.threshold)
    answered = float(areas[there].sum())
    slide = reader.size.width * reader.microns[0] * reader.size.height * reader.microns[1] / 1e6
    counts = {kind.name.lower(): int((seen == kind).sum()) for kind in Seen if kind != Seen.WAITING}
    return SlideSummary(
        source=reader.path,
        digest=digest,
        size=reader.size,
        microns=reader.microns,
        question=question,
        tissue_mm2=float(tissue.tissue.mean()) * slide,
        answered_mm2=answered,
        positive_mm2=float(areas[positive].sum()),
        fraction=float(areas[positive].sum()) / answered if answered > 0 else None,
        mean=float(cells[there].mean(dtype=np.float64)) if there.any() else None,
        highest=float(cells[there].max()) if there.any() else None,
        tiles=counts,
        hot_spots=hot_spots(reader, grid, cells),
        regions=components(positive)[1],
        warnings=warnings_of(tissue, counts),
    )


def warnings_of(tissue: Tissue, counts: dict[str, int]) -> tuple[str, ...]:
    """Sentences on a slide without tissue, or of tissue that could not be answered; `counts` are tiles by their end."""
    asked = counts["answered"] + counts["withheld"]
    found = []
    if not tissue.tissue.any():
        found.append("No tissue was found on the slide.")
    elif not asked:
        found.append("No tile of the slide could be asked about.")
    elif counts["withheld"] > UNKNOWN_SHARE * asked:
        found.append(f"{counts['withheld'] / asked:.0%} of the tiles look like nothing the model knows.")
    return tuple(found)


def hot_spots(reader: SlideReader, grid: Grid, cells: NDArray[np.float32]) -> tuple[HotSpot, ...]:
    """The highest cells, a distance apart, the first of equals."""
    left = np.where(np.isnan(cells), -1.0, cells)
    across, down = (max(1, int(APART / (side * grid.microns))) for side in (grid.step.width, grid.step.height))
    scale = _scale(reader, grid)
    found: list[HotSpot] = []
    while len(found) < MOST_HOT_SPOTS and left.max() > 0:
        row, column = (int(place) for place in np.unravel_index(int(left.argmax()), left.shape))
        x = min((column + 0.5) * grid.step.width * scale[0], reader.size.width - 1)
        y = min((row + 0.5) * grid.step.height * scale[1], reader.size.height - 1)
        found.append(HotSpot(int(x), int(y), float(left[row, column])))
        left[max(0, row - down) : row + down + 1, max(0, column - across) : column + across + 1] = -1
    return tuple(found)


def regions(
    reader: SlideReader, grid: Grid, cells: NDArray[np.float32], threshold: float, most: int | None = None
) -> list[Region]:
    """Patches of the map at or above a threshold, largest first, with their outlines; `most` of them, or all."""
    values = np.where(np.isnan(cells), -1.0, cells)
    labels, count = components(values >= threshold)
    parts = boxed(labels, count)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    found = []
    for place in np.argsort(-sizes, kind="stable")[:most].tolist():
        top, left, part = parts[place]
        mask = part == place + 1
        inside = values[top : top + part.shape[0], left : left + part.shape[1]][mask]
        rings = tuple(_placed(ring, top, left, reader, grid) for ring in outlines(mask))
        found.append(Region(rings, len(inside) * grid.cell_area, float(inside.mean()), float(inside.max())))
    return found


def boxed(labels: NDArray[np.int32], count: int) -> list[tuple[int, int, NDArray[np.int32]]]:
    """For each number the smallest box around its cells: its first row and column, and what it holds."""
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns] - 1
    edges = [np.full(count, labels.size), np.full(count, labels.size), np.zeros(count, int), np.zeros(count, int)]
    np.minimum.at(edges[0], numbers, rows)
    np.minimum.at(edges[1], numbers, columns)
    np.maximum.at(edges[2], numbers, rows)
    np.maximum.at(edges[3], numbers, columns)
    boxes = zip(*(edge.tolist() for edge in edges), strict=True)
    return [(top, left, labels[top : bottom + 1, left : right + 1]) for top, left, bottom, right in boxes]


def _placed(ring: Ring, top: int, left: int, reader: SlideReader, grid: Grid) -> tuple[tuple[int, int], ...]:
    across, down = _scale(reader, grid)
    return tuple(
        (
            min(reader.size.width, round((x + left) * grid.step.width * across)),
            min(reader.size.height, round((y + top) * grid.step.height * down)),
        )
        for x, y in ring
    )


def _scale(reader: SlideReader, grid: Grid) -> tuple[float, float]:
    """Width and height of a pixel of the question in pixels of level 0."""
    assert reader.microns is not None
    return grid.microns / reader.microns[0], grid.microns / reader.microns[1]
