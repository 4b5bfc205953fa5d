"""DICOM as one still picture: what the rest of the house takes it for."""

import hashlib
from pathlib import Path

import numpy as np

from senoscope.core.domain.image import Image, Pixels
from senoscope.core.errors import UnreadableImageError, UnsupportedImageError
from senoscope.core.io.base import (
    HEAD,
    LOCAL,
    SAVE_AGAIN,
    Decoded,
    Limits,
    Reader,
    named,
    unsupported,
)
from senoscope.core.io.contents import contents
from senoscope.core.io.dicom.guard import damaged, header_errors, quiet
from senoscope.core.io.dicom.parsing import Parsed, is_dicom, parse
from senoscope.core.io.dicom.pixels.codecs import name_of
from senoscope.core.io.dicom.pixels.colour import palette_of
from senoscope.core.io.dicom.pixels.grey import Levels, levels_of
from senoscope.core.io.dicom.pixels.layout import GREY, PALETTE, Layout, layout_of
from senoscope.core.io.dicom.pixels.stored import stored_frame

SUFFIXES = (".dcm", ".dicom")

_ONE_FRAME = "ask for one frame of it, or export the one that the question is about as a still"


def decode_dicom(data: bytes, limits: Limits) -> Decoded:
    """One picture, as the modality meant it; see `pixels.grey` for what that is.

    Grey becomes levels of black to white, colours red, green and blue. Full scale is that of the last step: a table's
    own bits, 8 or 16 of a window, else the bits that are stored.
    """
    return _decoded(data, limits, None)


def read_frame(path: str | Path, frame: int, limits: Limits = LOCAL) -> Image:
    """Read one frame of a DICOM file.

    Args:
        path: of the file.
        frame: from 0.
        limits: bounds on its bytes and on the pixels of a frame.

    Raises:
        UsageError: there is no such frame.
        InputError: as `senoscope.core.io.read` does, but for files of several frames.
    """
    data = contents(path, limits)
    with named(str(path)):
        if not is_dicom(data[:HEAD]):
            raise UnreadableImageError("this is not DICOM", "read it as a still")
        decoded = _decoded(data, limits, frame)
    digest = hashlib.sha256(data).hexdigest()
    return Image(decoded.pixels, decoded.maximum, str(path), digest, decoded.notes)


def _decoded(data: bytes, limits: Limits, frame: int | None) -> Decoded:
    try:
        with quiet():
            parsed = parse(data)
            layout, shown = _described(parsed, limits, frame)
        stored = stored_frame(parsed, layout, frame or 0)
        return _picture(stored, layout, shown)
    except header_errors() as error:
        raise damaged() from error


def _described(parsed: Parsed, limits: Limits, frame: int | None) -> tuple[Layout, Levels | None]:
    """Return all that is needed of the header: how pixels lie, and what numbers show where they are no colours."""
    if parsed.pixels is None:
        raise UnsupportedImageError(
            f"the DICOM file holds no picture{_kind(parsed.sop_class)}", "name a picture's file"
        )
    if parsed.pixels.keyword != "PixelData":
        raise unsupported("DICOM of floating point, which declares no full scale,")
    layout = layout_of(parsed.header, limits)
    if frame is None and layout.frames > 1:
        raise UnsupportedImageError(f"the DICOM file holds {layout.frames} frames{_kind(parsed.sop_class)}", _ONE_FRAME)
    if layout.photometric in GREY:
        return layout, levels_of(parsed.header, layout, frame or 0)
    if layout.photometric == PALETTE:
        return layout, Levels(*palette_of(parsed.header, layout))
    if layout.allocated > 16:
        raise UnsupportedImageError(f"DICOM with colours of {layout.allocated} bits is not supported", SAVE_AGAIN)
    return layout, None


def _picture(stored: Pixels, layout: Layout, shown: Levels | None) -> Decoded:
    if shown is not None:
        return Decoded(shown.of(stored), float(shown.maximum), shown.notes)
    maximum = 2**layout.stored - 1
    pixels = stored.astype(np.uint8 if maximum < 256 else np.uint16, copy=False)
    return Decoded(np.ascontiguousarray(pixels), float(maximum))


def _kind(sop_class: str) -> str:
    return f" ({name_of(sop_class)})" if sop_class else ""


READERS = (Reader("DICOM", (), SUFFIXES, decode_dicom, is_dicom),)
