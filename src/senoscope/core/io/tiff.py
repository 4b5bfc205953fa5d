"""TIFF, by tifffile: one picture, grey, palette or RGB, 1 to 16 bits."""

import logging
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import InputError, UnsupportedImageError
from senoscope.core.io.base import (
    DECODER_ERRORS,
    SAVE_AGAIN,
    Decoded,
    Limits,
    Reader,
    animated,
    broken,
    check_size,
    unsupported,
)
from senoscope.core.io.exif import TURNED, upright

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR = 0, 1, 2, 3, 5, 6
_MOST_PAGES = 8
"""A still may carry a thumbnail, a mask and a few reduced copies; more is a stack."""

_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_LOSSLESS = (1, 2, 3, 4, 5, 8, 32773, 32946)
"""None, CCITT, LZW, Deflate, PackBits: what tifffile decodes into a buffer of the size the header promised."""

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # its remarks on odd files are not for users


def decode_tiff(data: bytes, limits: Limits) -> Decoded:
    """One picture; levels as stored, with full scale 2^bits − 1; "white is zero" is turned so that black is zero."""
    from tifffile import TiffFile

    try:
        with TiffFile(BytesIO(data)) as file:
            page = _only_page(file)
            _check(page, limits)
            _check_segments(page, len(data))
            return _picture(page)
    except InputError:
        raise
    except DECODER_ERRORS as error:
        raise broken("TIFF") from error


def _only_page(file: "TiffFile") -> "TiffPage":
    pages = [page.aspage() for page in islice(file.pages, _MOST_PAGES)]
    stills = [page for page in pages if not (page.is_reduced or page.is_mask)]
    if not stills:
        raise broken("TIFF")
    images = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej else 1
    if len(stills) > 1 or len(pages) == _MOST_PAGES or images > 1:
        raise animated("TIFF")
    return stills[0]


def _check(page: "TiffPage", limits: Limits) -> None:
    """Refuse by the header alone what is too large or of a kind we do not take."""
    check_size(page.imagewidth, page.imagelength, limits)
    if page.is_tiled:
        check_size(page.tilewidth, page.tilelength, limits)
    if page.imagedepth != 1:
        raise animated("TIFF")
    if page.photometric == SEPARATED:
        raise unsupported("a CMYK picture")
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE):
        raise unsupported("a TIFF of this colour model")
    if page.compression not in _LOSSLESS:
        raise unsupported("a TIFF with this compression")
    colours = 3 if page.photometric == RGB else 1
    if page.samplesperpixel not in (colours, colours + 1):
        raise unsupported(f"a TIFF with {page.samplesperpixel} channels")
    if page.sampleformat == _FLOAT:
        raise _float_error(page)
    if page.sampleformat != _UNSIGNED or not 1 <= page.bitspersample <= 16:
        raise unsupported(f"a TIFF of {page.bitspersample}-bit {'signed ' * (page.sampleformat == _SIGNED)}numbers")


def _check_segments(page: "TiffPage", length: int) -> None:
    """Refuse a file that ends before its pixels do, or leaves some out; the decoders would fill them with zeros."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not segments or any(count < 1 or offset + count > length for offset, count in segments):
        raise broken("TIFF")


def _float_error(page: "TiffPage") -> UnsupportedImageError:
    said = "" if np.isfinite(page.asarray()).all() else " and holds values that are not numbers"
    return UnsupportedImageError(f"the TIFF is of floating point, which declares no full scale{said}", SAVE_AGAIN)


def _picture(page: "TiffPage") -> Decoded:
    pixels, notes = _channels_last(page), []
    colours = 3 if page.photometric == RGB else 1
    if pixels.ndim == 3:
        if pixels.shape[2] > colours:
            notes.append("transparency dropped")
        pixels = pixels[..., :3] if colours == 3 else pixels[..., 0]
    maximum = 2**page.bitspersample - 1
    pixels = pixels.astype(np.uint8 if maximum < 256 else np.uint16)
    if page.photometric == PALETTE:
        pixels, maximum = np.asarray(page.colormap, np.uint16).T[pixels], 65535
    elif page.photometric == WHITE_IS_ZERO:
        pixels = pixels.dtype.type(maximum) - pixels
    if maximum == 1:
        pixels, maximum = pixels * np.uint8(255), 255
    turn = page.tags.valueof("Orientation", 1)
    if turn in range(2, 9):
        pixels = upright(pixels, turn)
        notes.append(TURNED)
    return Decoded(np.ascontiguousarray(pixels), float(maximum), tuple(notes))


def _channels_last(page: "TiffPage") -> Pixels:
    values = page.asarray()
    if page.axes not in ("YX", "YXS", "SYX"):
        raise unsupported(f"a TIFF with axes {page.axes}")
    return np.moveaxis(values, 0, -1) if page.axes == "SYX" else values


READERS = (Reader("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), (".tif", ".tiff"), decode_tiff),)
