"""From a path or bytes to an `Image`, and from folders to the pictures in them."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from senoscope.core.domain.image import Image
from senoscope.core.errors import UnreadableImageError, UnsupportedImageError
from senoscope.core.io import pnm, raster, thermal, tiff
from senoscope.core.io.base import HEAD, LOCAL, SAVE_AGAIN, Limits, Reader, check_bytes, named
from senoscope.core.io.contents import contents
from senoscope.core.io.dicom import reading as dicom
from senoscope.core.io.listing import files_below

READERS: tuple[Reader, ...] = (
    *dicom.READERS,
    *(*raster.READERS, *tiff.READERS, *pnm.READERS, *thermal.READERS),
)
"""Every kind of file that is read; a new kind is a new file in this folder and a name here.

DICOM comes first: its preamble may be the start of a TIFF, for programs that know no better (PS3.10 7.1).
"""

SUFFIXES = frozenset(suffix for reader in READERS for suffix in reader.suffixes)

_FOREIGN = (
    (0, b"GIF8", "a GIF"),
    (8, b"WEBP", "a WebP picture"),
    (4, b"ftyp", "a HEIC or AVIF picture, or a film,"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"P7\n", "a PAM picture"),
)


def read(path: str | Path, limits: Limits = LOCAL) -> Image:
    """Read one still picture.

    PNG, JPEG, BMP, TIFF, PGM and PPM; grey or RGB; 8 or 16 bits. Grey levels are as stored, never rescaled. Alpha is
    dropped, and a JPEG is turned upright as its Exif says; `Image.notes` tells of both. A text of temperatures, a
    line a row, is read as °C; see `thermal`. DICOM is read as the modality meant it; see `dicom`.

    Args:
        path: a file of any name; its kind is told by its contents.
        limits: bounds on its bytes and pixels.

    Raises:
        MissingFileError: there is no such file.
        UnreadableImageError: it is not a picture, is damaged, or may not be read.
        UnsupportedImageError: a picture of a kind that is not taken: CMYK, floating point, several pictures in one.
        ImageTooLargeError: more bytes or pixels than the bound.
    """
    return read_bytes(contents(path, limits), str(path), limits)


def read_bytes(data: bytes, source: str, limits: Limits = LOCAL) -> Image:
    """Read one still picture from the bytes of its file, as `read` does.

    Args:
        data: the whole file.
        source: name to call it by in messages.
        limits: bounds on its bytes and pixels.
    """
    with named(source):
        check_bytes(len(data), limits)
        decoded = _reader(data[:HEAD]).decode(data, limits)
    return Image(decoded.pixels, decoded.maximum, source, hashlib.sha256(data).hexdigest(), decoded.notes)


def find_images(paths: Iterable[Path]) -> list[Path]:
    """List the pictures meant by paths.

    A folder means the pictures in it and below it, by their contents or their extension (so that a damaged one is met
    with an error rather than passed over), sorted, hidden ones left out; a folder behind two links is visited once. A
    path to a file is returned as it is, whether it exists or not, and so is a folder that may not be listed.
    """
    found: list[Path] = []
    for path in paths:
        # Unlike Path.is_dir, this is False for a name too long, or in a folder that may not be entered.
        found.extend(_within(path) if os.path.isdir(path) else [path])
    return found


def _reader(head: bytes) -> Reader:
    for reader in READERS:
        if reader.accepts(head):
            return reader
    for offset, signature, name in _FOREIGN:
        if head[offset:].startswith(signature):
            raise UnsupportedImageError(f"{name} is not supported", SAVE_AGAIN)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        raise UnreadableImageError("holds a web page, not a picture", "download the picture itself")
    if start.startswith((b"<svg", b"<?xml")):
        raise UnsupportedImageError("an SVG or XML file is not supported", SAVE_AGAIN)
    raise UnreadableImageError("not a picture of any known kind", SAVE_AGAIN)


def _within(folder: Path) -> list[Path]:
    files, unlisted = files_below(folder)
    return sorted(unlisted + [path for path in files if path.suffix.lower() in SUFFIXES or _looks_like_picture(path)])


def _looks_like_picture(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return any(reader.accepts(head) for reader in READERS)
