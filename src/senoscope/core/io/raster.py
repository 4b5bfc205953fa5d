"""PNG, JPEG and BMP.

PNG goes through imagecodecs, which keeps 16-bit colour (Pillow cuts it to 8) and is the faster of the two. JPEG and BMP
go through Pillow's own readers, asked directly: no guessing of the kind, no global bound that warns.
"""

import struct
from io import BytesIO

import imagecodecs
import numpy as np
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile

from senoscope.core.errors import InputError
from senoscope.core.io.base import DECODER_ERRORS, Decoded, Limits, Reader, animated, broken, check_size, unsupported
from senoscope.core.io.exif import TURNED, orientation, upright

NO_ALPHA = "transparency dropped"


def decode_png(data: bytes, limits: Limits) -> Decoded:
    """PNG: 1 to 8 bits become uint8 with full scale 255, as the standard says; 16 bits uint16; a palette RGB."""
    try:
        width, height, depth = struct.unpack_from(">IIB", data, 16)
        animation, exif = _png_chunks(data)
    except struct.error as error:
        raise broken("PNG") from error
    check_size(width, height, limits)
    if animation:
        raise animated("PNG")
    try:
        pixels = imagecodecs.png_decode(data)
    except DECODER_ERRORS as error:
        raise broken("PNG") from error
    notes: tuple[str, ...] = ()
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels = np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 2 else pixels[..., :3])
        notes = (NO_ALPHA,)
    turn = orientation(exif)
    if turn != 1:
        pixels, notes = upright(pixels, turn), (*notes, TURNED)
    return Decoded(pixels, 65535.0 if depth == 16 else 255.0, notes)


def _png_chunks(data: bytes) -> tuple[bool, bytes]:
    """Walk the chunks before the pixels: whether the picture moves, and its Exif block."""
    animation, exif, offset = False, b"", 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, offset)
        if kind in (b"IDAT", b"IEND"):
            return animation, exif
        animation = animation or kind == b"acTL"
        if kind == b"eXIf":
            exif = data[offset + 8 : offset + 8 + length]
        offset += 12 + length


def decode_jpeg(data: bytes, limits: Limits) -> Decoded:
    """JPEG, 8 bits, grey or colour; turned upright as its Exif says."""
    picture = _opened(JpegImageFile, data, "JPEG", limits)
    if picture.mode not in ("L", "RGB"):
        raise unsupported("a CMYK picture" if picture.mode == "CMYK" else f"a JPEG of mode {picture.mode}")
    pixels = _loaded(picture, "JPEG")
    turn = orientation(picture.info.get("exif", b""))
    if turn == 1:
        return Decoded(pixels, 255.0)
    return Decoded(upright(pixels, turn), 255.0, (TURNED,))


def decode_bmp(data: bytes, limits: Limits) -> Decoded:
    """BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, as 8-bit grey or RGB."""
    picture = _opened(BmpImageFile, data, "BMP", limits)
    notes = (NO_ALPHA,) if picture.mode == "RGBA" else ()
    picture.info.pop("transparency", None)
    if picture.mode not in ("1", "L", "P", "RGB", "RGBA"):
        raise unsupported(f"a BMP of mode {picture.mode}")
    return Decoded(_loaded(picture, "BMP", {"1": "L", "P": "RGB", "RGBA": "RGB"}.get(picture.mode, "")), 255.0, notes)


def _opened(kind: type[ImageFile.ImageFile], data: bytes, name: str, limits: Limits) -> ImageFile.ImageFile:
    try:
        picture = kind(BytesIO(data))
    except DECODER_ERRORS as error:
        raise _reason(error, name) from error
    check_size(picture.width, picture.height, limits)
    return picture


def _loaded(picture: ImageFile.ImageFile, name: str, mode: str = "") -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    try:
        return np.asarray(picture.convert(mode) if mode else picture)
    except DECODER_ERRORS as error:
        raise broken(name) from error


def _reason(error: Exception, name: str) -> InputError:
    """Tell a kind that Pillow does not take (12-bit JPEG, a rare BMP header) from a broken file."""
    text = str(error).lower()
    if "unsupported" in text or "cannot handle" in text:
        return unsupported(f"this kind of {name}")
    return broken(name)


READERS = (
    Reader("PNG", (b"\x89PNG\r\n\x1a\n",), (".png",), decode_png),
    Reader("JPEG", (b"\xff\xd8\xff",), (".jpg", ".jpeg", ".jpe"), decode_jpeg),
    Reader("BMP", (b"BM",), (".bmp", ".dib"), decode_bmp),
)
