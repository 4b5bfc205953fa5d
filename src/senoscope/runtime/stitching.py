"""Large pictures answered tile by tile, and the tiles' maps joined without seams; memory holds one row of tiles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.domain.image import Pixels

FAINT, FAINTEST = 1e-6, 1e-12
"""Weights of what lies so near a tile's edge that the network could not see around it: the first where that ends, the
second at the edge. They count where nothing else does, at the picture's own edges and beside tiles not asked about."""

_OUTER, _MIDDLE = 3 / 8, 1 / 4
"""Shares of the overlap: along a tile's edge, where it is faint, and beside that, where one tile fades into the next.
A network that sees no further than the first gives the very map it would give untiled."""

Answered = Callable[[list[Pixels]], NDArray[np.float32]]
"""Tiles of one size → (N, K, h, w) probabilities of their pixels."""


@dataclass(frozen=True)
class Tiling:
    """How a picture is cut into overlapping tiles.

    Args:
        tile: width and height of a tile in pixels.
        parts: tiles start this many times a tile's side; 2 or more, else they would not overlap.
    """

    tile: Size
    parts: int = 2

    def fits(self, size: Size) -> bool:
        """Whether a picture has more pixels than one tile, and at least as many on either side."""
        return size != self.tile and size.width >= self.tile.width and size.height >= self.tile.height


def window(tile: Size, parts: int) -> NDArray[np.float32]:
    """(h, w) weight of a tile's pixels: faint along the edges, 1 inside, or everywhere where tiles do not overlap."""
    if parts == 1:
        return np.ones((tile.height, tile.width), np.float32)
    down, across = (_ramp(side, parts, True, True) for side in (tile.height, tile.width))
    return np.outer(down, across).astype(np.float32)


def _ramp(side: int, parts: int, before: bool, after: bool) -> NDArray[np.float64]:
    """Weights along one side of a tile, which fall to the edges that have something of the picture beyond them."""
    ends = np.arange(side) + 0.5, side - np.arange(side) - 0.5
    inward = np.minimum(
        *(end if beyond else np.full(side, np.inf) for end, beyond in zip(ends, (before, after), strict=True))
    )
    overlap = side - side // parts
    outer, middle = _OUTER * overlap, _MIDDLE * overlap
    faint = FAINTEST * (FAINT / FAINTEST) ** np.minimum(inward / outer, 1)
    weights: NDArray[np.float64] = np.clip((inward - outer) / middle, faint, 1)
    return weights


def _ramps(places: list[int], side: int, parts: int, length: int) -> dict[int, NDArray[np.float64]]:
    """Weights along one side of the picture, by where a tile starts."""
    return {place: _ramp(side, parts, place > 0, place + side < length) for place in places}


def starts(length: int, side: int, parts: int) -> list[int]:
    """Where tiles start along one side of a picture; the last ends with it."""
    step = max(1, side // parts)
    found = list(range(0, max(1, length - side), step))
    return found if length <= side or found[-1] == length - side else [*found, length - side]


def stitched(pixels: Pixels, tiling: Tiling, answer: Answered, *, batch: int = 4) -> Iterator[NDArray[np.float32]]:
    """Answer a picture tile by tile.

    Args:
        pixels: (H, W) or (H, W, C), no smaller than a tile.
        tiling: how it is cut.
        answer: asked for up to `batch` tiles at once.
        batch: tiles.

    Yields:
        (K, rows, W) probabilities, the rows of the picture from the top down, each once.
    """
    tile, width = tiling.tile, pixels.shape[1]
    tops = starts(pixels.shape[0], tile.height, tiling.parts)
    lefts = starts(width, tile.width, tiling.parts)
    down = _ramps(tops, tile.height, tiling.parts, pixels.shape[0])
    across = _ramps(lefts, tile.width, tiling.parts, width)
    sums: NDArray[np.float32] | None = None
    weights = np.zeros((tile.height, width), np.float32)
    for top, after in zip(tops, [*tops[1:], pixels.shape[0]], strict=True):
        for at in range(0, len(lefts), batch):
            group = lefts[at : at + batch]
            maps = answer([pixels[top : top + tile.height, left : left + tile.width] for left in group])
            if sums is None:
                sums = np.zeros((maps.shape[1], tile.height, width), np.float32)
            for left, found in zip(group, maps, strict=True):
                weight = np.outer(down[top], across[left]).astype(np.float32)
                sums[:, :, left : left + tile.width] += found * weight
                weights[:, left : left + tile.width] += weight
        assert sums is not None
        done = after - top
        yield sums[:, :done] / weights[:done]
        for band in (sums, weights[None]):
            band[:, : tile.height - done] = band[:, done:].copy()
            band[:, tile.height - done :] = 0
