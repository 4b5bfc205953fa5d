"""Pictures larger than those a bundle was trained on, marked tile by tile at the bundle's own resolution."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.geometry import Placement, Size
from senoscope.core.domain.image import Image, Pixels
from senoscope.core.domain.outline import stored
from senoscope.core.domain.outline_bundle import OutlineManifest, score
from senoscope.core.errors import BundleError
from senoscope.core.preprocess.postprocess import coded
from senoscope.core.preprocess.steps import Resize
from senoscope.core.tasks import Task
from senoscope.runtime.reading import Ready, Source
from senoscope.runtime.stitching import Tiling, stitched

Chances = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Prepared pictures (N, C, H, W) → probabilities (N, K, H, W) and embeddings (N, D)."""


@dataclass(frozen=True, eq=False)
class Large(Ready):
    """A picture that waits to be marked tile by tile; a path is read again then, so that no pixels are kept.

    Args:
        original: the picture or its path.
    """

    original: Source


@dataclass(frozen=True, eq=False)
class Marks:
    """What a network marks in a picture.

    Args:
        codes: (H, W) label of each pixel of the stored picture.
        maps: (K, H, W) probability of each label at the pixels that have it; K = 1 of two labels.
        heat: (h, w) probability of the positive label on a small grid.
        score: how surely there is such a region at all; see `outline_bundle.score`. Of many tiles the surest one's.
        embeddings: (N, D), one a tile.
        placements: how the small grid lies in the stored picture.
    """

    codes: NDArray[np.uint8]
    maps: NDArray[np.float32]
    heat: NDArray[np.float32]
    score: float
    embeddings: NDArray[np.float32]
    placements: tuple[Placement, ...]


def tile_of(task: Task, manifest: OutlineManifest) -> Size | None:
    """What a bundle is asked about at once, in pixels of the task's size; None where these have no size.

    Where every pixel has one of several labels it is the square that the network was trained on, else the task's patch.
    """
    if task.kind != "segment" or task.patch is None:
        return None
    side = manifest.recipe.input.size
    return Size(side, side) if task.by_pixel else Size(*task.patch)


def tiling_of(task: Task, manifest: OutlineManifest) -> Tiling | None:
    """How large pictures are cut: into tiles of `tile_of` where there are such, else not."""
    tile = tile_of(task, manifest)
    return Tiling(tile) if tile else None


def over_the_whole(size: Size, tile: Size) -> Placement:
    """Where a small map lies that stands for the whole of a large picture."""
    return Resize(tile.height, tile.width, "stretch").place(size)


def mark_tiles(image: Image, tiling: Tiling, manifest: OutlineManifest, chances: Chances) -> Marks:
    """Mark a picture tile by tile.

    Args:
        image: no smaller than a tile, of as many µm a pixel as the task's patches.
        tiling: how it is cut.
        manifest: of the bundle.
        chances: its network.

    Raises:
        BundleError: what the network says is no number.
    """
    known: list[NDArray[np.float32]] = []
    surest: list[float] = []

    def answer(tiles: list[Pixels]) -> NDArray[np.float32]:
        laid = [manifest.pipeline.apply(Image(np.ascontiguousarray(tile), image.maximum)) for tile in tiles]
        found, embeddings = chances(np.stack([one.array for one in laid]))
        if not (np.isfinite(found).all() and np.isfinite(embeddings).all()):
            raise BundleError("the network's answer to this picture is not a number", "verify the bundle")
        known.append(embeddings)
        surest.extend(score(one[0], manifest.smallest) for one in found if len(one) == 1)
        return np.stack(
            [np.stack([stored(each, one.placements) for each in maps]) for maps, one in zip(found, laid, strict=True)]
        )

    place = 0 if len(manifest.labels) == 2 else manifest.labels.index(manifest.positive)
    shape = image.pixels.shape[:2]
    codes, likeliest, positive = np.zeros(shape, np.uint8), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    top = 0
    # Of many labels all maps of a large picture would fill the memory: of each pixel the likeliest one is kept.
    for band in stitched(image.pixels, tiling, answer):
        rows = slice(top, top + band.shape[1])
        codes[rows], likeliest[rows], positive[rows] = band.argmax(axis=0), band.max(axis=0), band[place]
        top += band.shape[1]
    maps = np.broadcast_to(likeliest, (1 if len(manifest.labels) == 2 else len(manifest.labels), *shape))
    if len(manifest.labels) == 2:
        share = tiling.tile.width * tiling.tile.height / positive.size
        codes = coded(maps, manifest.threshold, manifest.smallest * share)
    size = (tiling.tile.width, tiling.tile.height)
    heat = np.asarray(Pil.fromarray(positive).resize(size, Pil.Resampling.BOX), np.float32)
    whole = over_the_whole(image.size, tiling.tile)
    return Marks(codes, maps, heat, max(surest, default=0.0), np.concatenate(known), (whole,))
