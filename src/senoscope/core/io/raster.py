"""PNG, JPEG and BMP.

PNG goes through imagecodecs, which keeps 16-bit colour (Pillow cuts it to 8) and is the faster of the two; JPEG and BMP
through Pillow's own readers, asked directly: no guessing of the kind, no global bound that warns. Blocks that describe
rather than hold the picture are kept from both, as both remark on broken ones.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from imagecodecs import png_decode
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import InputError
from senoscope.core.io.base import DECODER_ERRORS, Decoded, Limits, Reader, animated, broken, check_size, unsupported
from senoscope.core.io.exif import TURNED, orientation, upright

NO_ALPHA = "transparency dropped"

_PLAIN_MODE = {"L": "L", "RGB": "RGB", "1": "L", "P": "RGB", "LA": "L", "RGBA": "RGB"}
"""Pillow's modes that are taken, and the one they become."""

_PALETTE = 3
_SCAN, _APP1, _FILL = 0xDA, 0xE1, 0xFF


def decode_png(data: bytes, limits: Limits) -> Decoded:
    """PNG: 1 to 8 bits become uint8 with full scale 255, as the standard says; 16 bits uint16; a palette RGB."""
    try:
        length, kind, width, height, depth, colours = struct.unpack_from(">I4sIIBB", data, 8)
        if (length, kind) != (13, b"IHDR"):  # else what is checked here is not what is decoded
            raise broken("PNG")
        check_size(width, height, limits)
        chunks = _png_chunks(data)
    except struct.error as error:
        raise broken("PNG") from error
    if b"acTL" in chunks:
        raise animated("PNG")
    kept = (b"IHDR", b"PLTE", b"IDAT", b"IEND") if colours == _PALETTE else (b"IHDR", b"IDAT", b"IEND")
    try:
        pixels = png_decode(b"".join((data[:8], *(part for kind in kept for part in chunks.get(kind, ())))))
    except DECODER_ERRORS as error:
        raise broken("PNG") from error
    clear = b"tRNS" in chunks
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels, clear = np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 2 else pixels[..., :3]), True
    decoded = Decoded(pixels, 65535.0 if depth == 16 else 255.0, (NO_ALPHA,) if clear else ())
    return _upright(decoded, b"".join(chunks.get(b"eXIf", ()))[8:])


def _png_chunks(data: bytes) -> dict[bytes, list[bytes]]:
    """Split a PNG into chunks by kind, whole, in the order of the file; those of the picture have a right checksum."""
    chunks: dict[bytes, list[bytes]] = {}
    offset, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, offset)
        chunk = data[offset : offset + 12 + length]
        if kind in (b"IHDR", b"PLTE", b"IDAT"):
            (checksum,) = struct.unpack_from(">I", chunk, 8 + length)
            if zlib.crc32(memoryview(chunk)[4:-4]) != checksum:
                raise broken("PNG")
        chunks.setdefault(kind, []).append(chunk)
        offset += 12 + length
    return chunks


def decode_jpeg(data: bytes, limits: Limits) -> Decoded:
    """JPEG, 8 bits, grey or colour; turned upright as its Exif says."""
    try:
        plain, exif = _without_exif(data)
    except struct.error as error:
        raise broken("JPEG") from error
    return _upright(_by_pillow(JpegImageFile, plain, "JPEG", limits), exif)


def _without_exif(data: bytes) -> tuple[bytes, bytes]:
    """Cut the first APP1 blocks (Exif, XMP) out of a JPEG; returns what is left and the Exif block."""
    kept, exif, offset = [data[:2]], b"", 2
    while True:
        mark, marker, length = struct.unpack_from(">BBH", data, offset)
        if mark == marker == _FILL:
            offset += 1
            continue
        if mark != _FILL or length < 2:
            raise broken("JPEG")
        if marker == _SCAN:
            return b"".join((*kept, data[offset:])), exif
        segment = data[offset : offset + 2 + length]
        if marker != _APP1:
            kept.append(segment)
        elif segment[4:10] == b"Exif\0\0":
            exif = exif or segment[4:]
        offset += 2 + length


def decode_bmp(data: bytes, limits: Limits) -> Decoded:
    """BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, as 8-bit grey or RGB."""
    return _by_pillow(BmpImageFile, data, "BMP", limits)


def _by_pillow(kind: type[ImageFile.ImageFile], data: bytes, name: str, limits: Limits) -> Decoded:
    try:
        picture = kind(BytesIO(data))
    except DECODER_ERRORS as error:
        raise _refusal(error, name) from error
    check_size(picture.width, picture.height, limits)
    if picture.mode not in _PLAIN_MODE:
        raise unsupported("a CMYK picture" if picture.mode == "CMYK" else f"a {name} of mode {picture.mode}")
    try:
        picture.load()
        clear = picture.mode in ("LA", "RGBA") or picture.info.pop("transparency", None) is not None
        mode = _PLAIN_MODE[picture.mode]
        pixels: Pixels = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    except DECODER_ERRORS as error:
        raise broken(name) from error
    return Decoded(pixels, 255.0, (NO_ALPHA,) if clear else ())


def _refusal(error: Exception, name: str) -> InputError:
    """Tell a kind that Pillow does not take (12-bit JPEG, a rare BMP header) from a broken file."""
    text = str(error).lower()
    if "unsupported" in text or "cannot handle" in text:
        return unsupported(f"this kind of {name}")
    return broken(name)


def _upright(decoded: Decoded, exif: bytes) -> Decoded:
    turn = orientation(exif)
    if turn == 1:
        return decoded
    return Decoded(upright(decoded.pixels, turn), decoded.maximum, (*decoded.notes, TURNED))


READERS = (
    Reader("PNG", (b"\x89PNG\r\n\x1a\n",), (".png",), decode_png),
    Reader("JPEG", (b"\xff\xd8\xff",), (".jpg", ".jpeg", ".jpe"), decode_jpeg),
    Reader("BMP", (b"BM",), (".bmp", ".dib"), decode_bmp),
)
