"""Large regions with a label at every pixel, cut into the squares that a network sees.

Squares are cut once and kept, so that a region of many megapixels is decoded once and not at every epoch.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.domain.image import Pixels
from senoscope.core.errors import DatasetError, InputError
from senoscope.core.io import read
from senoscope.evidence.datasets.codes import UNNAMED, named_pixels
from senoscope.evidence.index.samples import Dropped, Index, Sample, file_hash

MICRONS = "microns_per_pixel"
"""Fact that says how large a pixel of a picture is."""


@dataclass(frozen=True, eq=False)
class Tiles:
    """Squares, and the regions they were cut from.

    Args:
        index: a sample a square; its mask holds positions among the task's labels, `UNNAMED` where there is none.
        regions: what was cut.
        owner: (N,) position of each square's region.
    """

    index: Index
    regions: Index
    owner: NDArray[np.int64]


def side_of(sample: Sample, side: int, microns: float | None) -> int:
    """Side in pixels of a picture of the squares that become `side` pixels of the task's size.

    Args:
        sample: of the picture; its fact `microns_per_pixel` says how large its pixels are, the task's where missing.
        side: in pixels of `microns`.
        microns: of the task's pixels; None where these have no size.

    Raises:
        DatasetError: the fact is no number above 0.
    """
    said = sample.facts.get(MICRONS, "")
    if microns is None or not said:
        return side
    try:
        own = float(said)
    except ValueError:
        own = 0.0
    if not 0.01 <= own <= 100:
        raise DatasetError(f"{sample.sample_id}: {said!r} µm per pixel", "mend the file's name or the table")
    return max(1, round(side * microns / own))


def squares(size: Size, side: int) -> Iterator[tuple[Box, Box]]:
    """Squares that cover a picture, row by row, and of each the part that no earlier one has.

    Where a side is no multiple of the square's, squares overlap a little rather than reach beyond the picture; a
    picture smaller than a square is one box.
    """
    across, down = _starts(size.width, side), _starts(size.height, side)
    width, height = min(side, size.width), min(side, size.height)
    bottom = 0
    for top in down:
        right = 0
        for left in across:
            own = Box(
                max(left, right), max(top, bottom), left + width - max(left, right), top + height - max(top, bottom)
            )
            yield Box(left, top, width, height), own
            right = left + width
        bottom = top + height


def _starts(length: int, side: int) -> list[int]:
    count = max(1, -(-length // side))
    return [round(float(place)) for place in np.linspace(0, max(0, length - side), count)]


def cut(
    regions: Index,
    table: NDArray[np.uint8],
    side: int,
    microns: float | None,
    kept: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tiles:
    """Cut regions into squares, and keep these as files; what is there already is not cut again.

    A pixel has its label in one square only. Squares without a label are left out.

    Args:
        regions: samples with one mask of numbers each.
        table: from `datasets.codes.numbering`.
        side: of a square, in pixels of `microns`.
        microns: size of the task's pixels; see `side_of`.
        kept: folder of the squares.
        progress: told of each region.

    Raises:
        DatasetError: no region has a mask that can be used, or the folder cannot be written.
    """
    tiles: list[Sample] = []
    owner: list[int] = []
    used: list[Sample] = []
    dropped: list[Dropped] = []
    for number, sample in enumerate(regions.samples):
        progress(number, len(regions))
        try:
            found = _region(regions.root, sample, table, side_of(sample, side, microns), kept)
        except (DatasetError, InputError) as error:
            dropped.append(Dropped(sample.path, error.message))
            continue
        except OSError as error:
            raise DatasetError(f"{kept} cannot be written: {error.strerror}", "give SENOSCOPE_CACHE a place") from error
        tiles += found
        owner += [len(used)] * len(found)
        used.append(sample)
    if not tiles:
        reason = dropped[0].reason if dropped else "no pixel of a mask has a label"
        raise DatasetError(f"{regions.dataset} has no mask to learn from: {reason}", "are the masks there?")
    note = (f"left out, as their masks cannot be used: {len(dropped):,} regions",) if dropped else ()
    whole = replace(regions, samples=tuple(used), dropped=(*regions.dropped, *dropped), notes=regions.notes + note)
    return Tiles(
        Index(regions.dataset, kept, tuple(tiles), whole.dropped, whole.notes), whole, np.array(owner, np.int64)
    )


def _region(root: Path, sample: Sample, table: NDArray[np.uint8], side: int, kept: Path) -> list[Sample]:
    if len(sample.masks) != 1:
        raise DatasetError(f"{sample.path}: {len(sample.masks)} masks, where one of numbers is needed")
    mask = root / sample.masks[0]
    marks = (file_hash(root / sample.path), file_hash(mask), str(side), table.tobytes().hex())
    name = hashlib.sha256(" ".join(marks).encode()).hexdigest()[:32]
    if not (kept / name).is_dir():
        _write(root / sample.path, mask, table, side, kept, name)
    return [
        replace(
            sample,
            sample_id=f"{sample.sample_id}_{path.stem}",
            path=f"{name}/{path.name}",
            masks=(f"{name}/{path.stem}.codes.png",),
        )
        for path in sorted((kept / name).glob("x*_y*.png"))
        if not path.name.endswith(".codes.png")
    ]


def _write(picture: Path, mask: Path, table: NDArray[np.uint8], side: int, kept: Path, name: str) -> None:
    """Cut one region into a folder that gets its name when it is whole."""
    image = read(picture)
    if image.pixels.dtype != np.uint8:
        raise DatasetError(f"{picture.name}: squares are cut from pictures of 8 bits", "save it with 8 bits a colour")
    codes = named_pixels(mask, image.size, table)
    kept.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="cutting-", dir=kept) as folder:
        begun = Path(folder) / "squares"
        begun.mkdir()
        for box, own in squares(image.size, side):
            _save(image.pixels, codes, box, own, begun)
        try:
            begun.rename(kept / name)
        except OSError:
            # Another run may have cut it in the meantime.
            if not (kept / name).is_dir():
                raise


def _save(pixels: Pixels, codes: NDArray[np.uint8], box: Box, own: Box, folder: Path) -> None:
    """Save one square and the numbers of its own part, where that has any."""
    left, top, right, bottom = own.edges
    named = np.full((box.height, box.width), UNNAMED, np.uint8)
    named[top - box.top : bottom - box.top, left - box.left : right - box.left] = codes[top:bottom, left:right]
    if (named == UNNAMED).all():
        return
    left, top, right, bottom = box.edges
    stem = folder / f"x{left:06d}_y{top:06d}"
    Pil.fromarray(pixels[top:bottom, left:right]).save(f"{stem}.png", compress_level=1)
    Pil.fromarray(named).save(f"{stem}.codes.png", compress_level=1)
