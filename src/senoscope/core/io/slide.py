"""From a path to a whole slide, and from folders to the slides in them."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import InputError, MissingExtraError, MissingFileError, UnreadableImageError, UsageError
from senoscope.core.io.base import DECODER_ERRORS, LOCAL
from senoscope.core.io.slide_base import PLAUSIBLE_MICRONS, Level, Rgb, SlideReader
from senoscope.core.io.slide_openslide import OpenSlideReader
from senoscope.core.io.slide_tiff import TiffReader

__all__ = ["Level", "Rgb", "SlideReader", "find_slides", "is_slide", "open_slide"]

SUFFIXES = frozenset((".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".svslide", ".vms", ".vmu"))
"""Extensions that only slides have, so that a damaged one is met with an error rather than passed over."""

_PLAIN = ("generic-tiff", "aperio")
"""Of OpenSlide's names, the makers of pyramids without overlaps or gaps between tiles."""

_LOOK = 64
"""Side of the square, in pixels, that two readers are compared by."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
"""DICOM's VL Whole Slide Microscopy Image Storage."""


def open_slide(path: str | Path, microns: float | None = None) -> SlideReader:
    """Open a whole slide: by OpenSlide where it is installed and knows the kind, else by tifffile.

    Plain pyramids that both read to the same pixels are read by tifffile, which takes half the time.

    Args:
        path: the slide's file.
        microns: µm per pixel of level 0, where the file does not say it.

    Raises:
        MissingFileError: there is no such file.
        UnreadableImageError: it is damaged, cut short, or may not be read.
        UnsupportedImageError: not a slide of a kind that is taken.
        MissingExtraError: only OpenSlide would read it, and it is not installed.
        UsageError: no slide has pixels of that many µm.
    """
    low, high = PLAUSIBLE_MICRONS
    if microns is not None and not (math.isfinite(microns) and low <= microns <= high):
        raise UsageError(
            f"{microns:g} µm per pixel is no slide's", f"between {low:g} and {high:g}; 0.25 is usual at 40×"
        )
    _check_file(path)
    reader = _opened(str(path))
    if microns is not None and reader.microns is None:
        reader.microns = (microns, microns)
    return reader


def _opened(path: str) -> SlideReader:
    try:
        return _sooner(path, OpenSlideReader(path))
    except (InputError, MissingExtraError) as refused:
        if not _starts(path).startswith(_TIFF):
            # Where OpenSlide is absent and this is no TIFF, the missing extra is what there is to say.
            raise
        try:
            return TiffReader(path)
        except InputError as error:
            raise error if isinstance(refused, MissingExtraError) else refused from error


def _sooner(path: str, known: OpenSlideReader) -> SlideReader:
    """The quicker of two readers of a slide, where they agree on what it is and on pixels of it."""
    if known.maker not in _PLAIN:
        return known
    try:
        quick = TiffReader(path)
    except InputError:
        return known
    try:
        if quick.plain and quick.levels == known.levels and _alike(quick, known):
            quick.microns, quick.maker = known.microns, known.maker
            known.close()
            return quick
    except InputError:
        pass  # what is damaged there is told of by the reader that knows the kind
    quick.close()
    return known


def _alike(one: SlideReader, other: SlideReader) -> bool:
    """Whether two readers read the same from the middle of the smallest level, where a tile is decoded soonest."""
    last = len(one.levels) - 1
    size = one.levels[last].size
    width, height = min(_LOOK, size.width), min(_LOOK, size.height)
    box = Box((size.width - width) // 2, (size.height - height) // 2, width, height)
    return np.array_equal(one.region(last, box), other.region(last, box))


def is_slide(path: str | Path) -> bool:
    """Whether a file is a whole slide, or by its extension should be one.

    A TIFF is one where it is a pyramid, says how many µm its pixels are and is tiled, or is too large for a still;
    a DICOM file where it says that it is of whole slide microscopy.
    """
    if Path(path).suffix.lower() in SUFFIXES:
        return os.path.isfile(path)
    try:
        head = _starts(path)
    except OSError:
        return False
    if head.startswith(_TIFF):
        return _is_slide_tiff(str(path))
    return head[128:132] == b"DICM" and _series(path) is not None


def find_slides(paths: Iterable[Path]) -> list[Path]:
    """List the slides meant by paths.

    A folder means the slides in it and below it, sorted, hidden ones left out; a file that is no slide is left out. Of
    the files of one DICOM series, which are the levels of one slide, the first stands for all.
    """
    found: list[Path] = []
    for path in paths:
        found.extend(_within(path) if os.path.isdir(path) else [path] if is_slide(path) else [])
    return found


def _within(folder: Path) -> list[Path]:
    found, seen, series = [], set(), set()
    for root, folders, files in os.walk(folder, followlinks=True):
        identity = os.stat(root)
        if (identity.st_dev, identity.st_ino) in seen:
            folders.clear()
            continue
        seen.add((identity.st_dev, identity.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root) / name
            if name.startswith(".") or not is_slide(path):
                continue
            one = _series(path)
            if one is None or one not in series:
                found.append(path)
            series.add(one)
    return sorted(found)


def _check_file(path: str | Path) -> None:
    if not os.path.exists(path):
        raise MissingFileError(f"{path}: there is no such file", "check the spelling")
    if not os.path.isfile(path):
        raise UnreadableImageError(f"{path}: this is not a file", "name a slide's file")
    try:
        if not _starts(path):
            raise UnreadableImageError(f"{path}: the file is empty", "copy or export the slide again")
    except OSError as error:
        why = (error.strerror or "cannot be read").lower()
        raise UnreadableImageError(f"{path}: {why}", "copy it and try again") from error


def _starts(path: str | Path) -> bytes:
    if not os.path.isfile(path):
        return b""
    with open(path, "rb") as file:
        return file.read(132)


def _is_slide_tiff(path: str) -> bool:
    try:
        with TiffReader(path) as reader:
            large = reader.size.width * reader.size.height > LOCAL.pixels
            tiled = reader.levels[0].tile.width < reader.size.width
            return large or (tiled and (len(reader.levels) > 1 or reader.microns is not None))
    except InputError:
        return False


def _series(path: str | Path) -> str | None:
    """The series a file of DICOM whole slide microscopy belongs to; None for every other file."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    errors: tuple[type[Exception], ...] = (*DECODER_ERRORS, InvalidDicomError, NotImplementedError)
    try:
        if _starts(path)[128:132] != b"DICM":
            return None
        tags = ["SOPClassUID", "SeriesInstanceUID"]
        found = dcmread(path, stop_before_pixels=True, specific_tags=tags)
        return str(found.get("SeriesInstanceUID", path)) if found.get("SOPClassUID") == _WHOLE_SLIDE else None
    except errors:
        return None
