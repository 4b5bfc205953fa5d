"""Slides by tifffile: pyramids in TIFF, SVS and OME-TIFF, and plain TIFF too large for a still."""

import math
import os
import re
import threading
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.errors import InputError
from senoscope.core.io.base import DECODER_ERRORS
from senoscope.core.io.slide_base import MOST_LEVELS, Level, Rgb, SlideReader, damaged, not_a_slide, plausible
from senoscope.core.io.tiff import BLACK_IS_ZERO, RGB, YCBCR

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

CACHE = 128 * 2**20
"""Bytes of decoded tiles that are kept, so that what two regions share is decoded once."""

_JPEG = (6, 7)
_END = b"\xff\xd9"
_PADDING = 16
"""Zeros that may follow a JPEG's end; more of them stand where the rest of a tile was lost."""

_PLAIN = (1, 5, 7, 8, 32946)
"""TIFF's numbers of no compression, LZW, JPEG and Deflate."""

_SHAPE = 0.02
"""Sides of a level may miss the slide's shape by this share, and two pixels: levels are rounded."""

_LONGEST_TEXT = 200_000
_UNITS = {2: 25_400.0, 3: 10_000.0}
"""TIFF's ResolutionUnit → µm."""


class TiffReader(SlideReader):
    """A slide that tifffile reads.

    Args:
        path: the slide's file.

    Raises:
        UnsupportedImageError: not a TIFF, or not one of 8-bit grey or RGB.
        UnreadableImageError: a TIFF that is damaged or cut short.
    """

    def __init__(self, path: str) -> None:
        from tifffile import TiffFile, TiffFileError

        self._kept: OrderedDict[tuple[int, int], Rgb] = OrderedDict()
        self._bytes, self._lock = 0, threading.Lock()
        try:
            self._file = TiffFile(path)
        except TiffFileError as error:
            raise not_a_slide(path, "not a slide of any known kind, or damaged at its start") from error
        except DECODER_ERRORS as error:
            raise damaged(path) from error
        try:
            self._pages = _pyramid(self._file)
            for page in self._pages:
                _check(path, page)
            levels, microns = _levels(self._pages), _microns(self._pages[0])
            super().__init__(path, levels, microns, "aperio" if self._file.is_svs else "tiff")
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._length = os.fstat(self._descriptor).st_size
        except InputError:
            self._file.close()
            raise
        except DECODER_ERRORS as error:
            self._file.close()
            raise damaged(path) from error

    @property
    def plain(self) -> bool:
        """Whether every tile is there and all are of compressions that decode to one picture, whoever decodes them."""
        return all(page.compression in _PLAIN and min(page.databytecounts) > 0 for page in self._pages)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._file.close()
        self._kept.clear()

    def _read(self, level: int, box: Box) -> Rgb:
        tile = self.levels[level].tile
        across = math.ceil(self.levels[level].size.width / tile.width)
        left, top, right, bottom = box.edges
        whole = np.empty((box.height, box.width, 3), np.uint8)
        for row in range(top // tile.height, -(-bottom // tile.height)):
            for column in range(left // tile.width, -(-right // tile.width)):
                pixels = self._tile(level, row * across + column)
                x, y = column * tile.width, row * tile.height
                x0, y0 = max(left, x), max(top, y)
                x1, y1 = min(right, x + tile.width), min(bottom, y + tile.height)
                whole[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0 - y : y1 - y, x0 - x : x1 - x]
        return whole

    def _tile(self, level: int, index: int) -> Rgb:
        with self._lock:
            found = self._kept.get((level, index))
            if found is not None:
                self._kept.move_to_end((level, index))
                return found
        pixels = self._decoded(level, index)
        with self._lock:
            if (level, index) not in self._kept:
                self._kept[level, index] = pixels
                self._bytes += pixels.nbytes
            while self._bytes > CACHE and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return pixels

    def _decoded(self, level: int, index: int) -> Rgb:
        page, tile = self._pages[level], self.levels[level].tile
        broken = damaged(self.path, f" at tile {index} of level {level}")
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if count == 0:  # scanners leave out tiles of bare glass
            return np.full((tile.height, tile.width, 3), 255, np.uint8)
        if count < 0 or offset < 0 or offset + count > self._length:
            raise broken
        try:
            raw = os.pread(self._descriptor, count, offset)
        except OSError as error:
            raise broken from error
        if len(raw) < count or (page.compression in _JPEG and not _ends(raw)):
            raise broken
        try:
            segment = page.decode(raw, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader)[0]
        except DECODER_ERRORS as error:
            raise broken from error
        if segment is None or segment.ndim != 4 or segment.dtype != np.uint8 or segment.shape[0] != 1:
            raise broken
        return _filled(segment[0], tile)


def _ends(raw: bytes) -> bool:
    """Whether a JPEG ends where it should: the decoders fill one that stops early with grey and say nothing."""
    content = raw.rstrip(b"\0")
    return content.endswith(_END) and len(raw) - len(content) <= _PADDING


def _filled(pixels: Rgb, tile: Size) -> Rgb:
    """Three channels; at the edges of a strip that is cut short, white."""
    colours = np.repeat(pixels, 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]
    if colours.shape[:2] == (tile.height, tile.width):
        return np.ascontiguousarray(colours)
    whole = np.full((tile.height, tile.width, 3), 255, np.uint8)
    part = colours[: tile.height, : tile.width]
    whole[: part.shape[0], : part.shape[1]] = part
    return whole


def _pyramid(file: "TiffFile") -> "list[TiffPage]":
    """The first page and those that show all of it smaller, be they pages of their own or below it."""
    first = file.pages.first
    below = [page.aspage() for page in islice(first.pages, MOST_LEVELS)] if first.pages is not None else []
    beside = [page.aspage() for page in islice(file.pages, 1, 4 * MOST_LEVELS)] if not below else []
    levels = [first]
    for page in below or beside:
        smaller = page.imagewidth < levels[-1].imagewidth and page.imagelength < levels[-1].imagelength
        # Thumbnails, labels and photographs of the glass lie beside the levels; a pyramid of tiles has levels of tiles.
        if smaller and page.is_tiled == first.is_tiled and _same_shape(first, page):
            levels.append(page)
    return levels[:MOST_LEVELS]


def _same_shape(first: "TiffPage", page: "TiffPage") -> bool:
    if not page.imagewidth or not page.imagelength or not first.imagelength:
        return False
    width = page.imagelength * first.imagewidth / first.imagelength
    return abs(width - page.imagewidth) <= 2 + _SHAPE * page.imagewidth


def _check(path: str, page: "TiffPage") -> None:
    if page.photometric not in (BLACK_IS_ZERO, RGB, YCBCR):
        raise not_a_slide(path, "a TIFF of this colour model is not supported")
    if page.bitspersample != 8 or page.sampleformat != 1 or page.imagedepth != 1:
        raise not_a_slide(path, f"a slide of {page.bitspersample}-bit numbers is not supported")
    colours = 1 if page.photometric == BLACK_IS_ZERO else 3
    if page.samplesperpixel not in (colours, colours + 1) or (colours == 3 and page.planarconfig != 1):
        raise not_a_slide(
            path, f"a slide with {page.samplesperpixel} channels, or with each by itself, is not supported"
        )


def _levels(pages: "list[TiffPage]") -> tuple[Level, ...]:
    whole = Size(pages[0].imagewidth, pages[0].imagelength)
    levels = []
    for page in pages:
        size = Size(page.imagewidth, page.imagelength)
        # Strips are tiles of the whole width.
        tile = (
            Size(page.tilewidth, page.tilelength)
            if page.is_tiled
            else Size(size.width, min(page.rowsperstrip, size.height))
        )
        count = math.ceil(size.width / max(1, tile.width)) * math.ceil(size.height / max(1, tile.height))
        if len(page.dataoffsets) < count or len(page.databytecounts) < count:
            raise ValueError("tiles are missing")
        scale = (whole.width / max(1, size.width), whole.height / max(1, size.height))
        levels.append(Level(size, scale, tile))
    return tuple(levels)


def _microns(page: "TiffPage") -> tuple[float, float] | None:
    """µm per pixel by Aperio's or OME's description, else by the resolution."""
    text = page.description[:_LONGEST_TEXT]
    aperio = re.search(r"\|\s*MPP\s*=\s*([\d.]{1,12})", text)
    if aperio:
        return plausible(_number(aperio[1]), _number(aperio[1]))
    sides = [re.search(rf'PhysicalSize{axis}="([\d.eE+-]{{1,24}})"', text) for axis in "XY"]
    units = re.findall(r'PhysicalSize[XY]Unit="([^"]{1,8})"', text)
    if sides[0] and sides[1] and all(unit in ("µm", "um", "&#181;m") for unit in units):
        return plausible(_number(sides[0][1]), _number(sides[1][1]))
    unit = _UNITS.get(int(page.tags.valueof("ResolutionUnit", 0)))
    found = [page.tags.valueof(f"{axis}Resolution", None) for axis in "XY"]
    if unit is None or any(not isinstance(one, tuple) or len(one) != 2 or not all(one) for one in found):
        return None
    across, down = (unit * one[1] / one[0] for one in found)
    return plausible(across, down)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
