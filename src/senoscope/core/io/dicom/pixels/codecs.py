"""Compressed frames to numbers, by libraries under permissive licences (DICOM PS3.5 A.4).

JPEG of 8, 12 and 16 bits, lossy and lossless, and run lengths by imagecodecs (libjpeg-turbo); JPEG-LS by pyjpegls
(CharLS); JPEG 2000 and its high-throughput kin by pylibjpeg-openjpeg (OpenJPEG); deflated frames by zlib. What a
codestream says of its size is held against the header before it is decoded: the decoders would take memory for whatever
it says.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import InputError, UnreadableImageError, UnsupportedImageError, printable
from senoscope.core.io.base import DECODER_ERRORS
from senoscope.core.io.dicom.guard import COPY_AGAIN, damaged
from senoscope.core.io.dicom.pixels.layout import YCBCR, Layout

MOST_SCANS = 200
"""Of one progressive JPEG; every scan goes over the whole picture."""

_DECODE_FIRST = "decompress it first, for instance with dcmdjpeg, dcmdjpls or gdcmconv"
_JPEG, _WAVELET = b"\xff\xd8", b"\xff\x4f\xff\x51"
_FRAME_HEADERS = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA})
_PROGRESSIVE = (0xC2, 0xCA)
_LOSSLESS, _LS, _SCAN, _END = 0xC3, 0xF7, 0xDA, b"\xff\xd9"
_APP0, _APP14 = 0xE0, 0xEE
_STANDALONE = (0x01, *range(0xD0, 0xD8))


@dataclass(frozen=True)
class Codestream:
    """What a decoded frame is.

    Args:
        values: (H, W) or (H, W, 3); unsigned, as decoded.
        bits: of a number, as the codestream says it.
        rgb: whether colours are red, green and blue already.
    """

    values: Pixels
    bits: int
    rgb: bool


@dataclass(frozen=True)
class _JpegHeader:
    kind: int
    bits: int
    shape: tuple[int, int, int]
    names: bytes
    jfif: bool
    adobe: int | None

    def ycbcr(self, photometric: str) -> bool:
        """Whether colours are luma and chroma: by the component names, the JFIF or Adobe block, last by the header.

        In the order that libjpeg asks them; what is written inside the picture was written with it.
        """
        if self.names in (b"RGB", b"rgb"):
            return False
        if self.jfif or self.adobe is not None:
            return self.jfif or self.adobe == 1
        return photometric in YCBCR


def decode(syntax: str, data: bytes, layout: Layout) -> Codestream:
    """Decode one compressed frame.

    Args:
        syntax: UID of the transfer syntax.
        data: the frame.
        layout: what the header says of it.

    Raises:
        UnsupportedImageError: nobody decodes it here.
        UnreadableImageError: it is damaged, cut short, or not what the header says.
    """
    codec = _CODECS.get(syntax)
    if codec is None:
        raise UnsupportedImageError(f"DICOM compressed as {name_of(syntax)} is not supported", _DECODE_FIRST)
    try:
        return codec(data, layout)
    except InputError:
        raise
    except DECODER_ERRORS as error:
        raise damaged(f"its pixels do not decode as {name_of(syntax)}") from error


def name_of(syntax: str) -> str:
    """Return how people call a transfer syntax or a kind of object; the UID itself where nobody does."""
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    uid = UID(syntax, validation_mode=IGNORE)
    return str(uid.name) if uid.is_valid else printable(syntax[:64])


def _jpeg(data: bytes, layout: Layout) -> Codestream:
    from imagecodecs import JPEG8, jpeg8_decode

    header = _jpeg_header(data)
    if header.kind == _LS:
        raise damaged("its pixels are JPEG-LS, not the JPEG it says")
    _check(header.shape, layout)
    if layout.samples == 1:
        return Codestream(jpeg8_decode(data), header.bits, rgb=False)
    ycbcr = header.ycbcr(layout.photometric)
    stored = JPEG8.CS.YCbCr if ycbcr else JPEG8.CS.RGB
    # The lossless process changes no colours, in either direction.
    shown = stored if header.kind == _LOSSLESS else JPEG8.CS.RGB
    values = jpeg8_decode(data, colorspace=stored, outcolorspace=shown)
    return Codestream(values, header.bits, rgb=shown == JPEG8.CS.RGB)


def _jpeg_ls(data: bytes, layout: Layout) -> Codestream:
    from jpeg_ls import decode_pixel_data

    header = _jpeg_header(data)
    if header.kind != _LS:
        raise damaged("its pixels are JPEG, not the JPEG-LS it says")
    _check(header.shape, layout)
    buffer, said = decode_pixel_data(data)
    values = np.frombuffer(buffer, np.uint8 if header.bits <= 8 else np.uint16)
    by_plane = said["interleave_mode"] == 0 and layout.samples > 1
    return Codestream(_shaped(values, layout, by_plane), header.bits, rgb=False)


def _jpeg_2000(data: bytes, layout: Layout) -> Codestream:
    from openjpeg.utils import decode_pixel_data

    start = data.find(_WAVELET, 0, 4096)
    if start < 0:
        raise damaged("its pixels are not the JPEG 2000 it says")
    _, _, right, bottom, left, top = struct.unpack_from(">HHIIII", data, start + 4)
    (samples,) = struct.unpack_from(">H", data, start + 40)
    _check((bottom - top, right - left, samples), layout)
    depths = set(data[start + 42 : start + 42 + 3 * samples : 3])
    if len(depths) != 1:
        raise UnsupportedImageError("JPEG 2000 with colours of different depths is not supported", _DECODE_FIRST)
    bits = (depths.pop() & 0x7F) + 1
    if bits > 16:
        raise UnsupportedImageError(f"JPEG 2000 of {bits} bits is not supported", _DECODE_FIRST)
    # Without the JP2 box around it: the decoder would remark on it.
    buffer = decode_pixel_data(data[start:], version=2)
    values = np.frombuffer(buffer, np.uint8 if bits <= 8 else np.uint16)
    return Codestream(_shaped(values, layout, by_plane=False), bits, rgb=layout.photometric not in YCBCR)


def _run_lengths(data: bytes, layout: Layout) -> Codestream:
    """Decode PS3.5 annex G: a segment for every byte of a number; into memory of the size that the header says."""
    from imagecodecs import dicomrle_decode

    if layout.allocated == 1:
        return _unpacked(np.asarray(dicomrle_decode(data, "u1", out=bytearray((layout.numbers + 7) // 8))), layout)
    kind = np.dtype(f"<u{layout.allocated // 8}")
    found = np.asarray(dicomrle_decode(data, kind.str, out=bytearray(layout.numbers * kind.itemsize)))
    if found.size < layout.numbers * kind.itemsize:
        raise damaged("its pixels end before the picture does")
    return Codestream(_shaped(found.view(kind), layout, by_plane=layout.samples > 1), layout.stored, rgb=False)


def _deflated(data: bytes, layout: Layout) -> Codestream:
    count = layout.numbers * layout.allocated
    found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, (count + 7) // 8)
    if 8 * len(found) < count:
        raise damaged("its pixels end before the picture does")
    if layout.allocated == 1:
        return _unpacked(np.frombuffer(found, np.uint8), layout)
    values = np.frombuffer(found, f"<u{layout.allocated // 8}")
    return Codestream(_shaped(values, layout, layout.planar), layout.stored, rgb=False)


def _unpacked(packed: Pixels, layout: Layout) -> Codestream:
    bits = np.unpackbits(packed, bitorder="little")
    return Codestream(_shaped(bits, layout, by_plane=False), 1, rgb=False)


def _shaped(values: Pixels, layout: Layout, by_plane: bool) -> Pixels:
    if values.size < layout.numbers:
        raise damaged("its pixels end before the picture does")
    values = values[: layout.numbers]
    if layout.samples == 1:
        return values.reshape(layout.rows, layout.columns)
    if by_plane:
        return np.moveaxis(values.reshape(layout.samples, layout.rows, layout.columns), 0, -1)
    return values.reshape(layout.rows, layout.columns, layout.samples)


def _check(shape: tuple[int, int, int], layout: Layout) -> None:
    """Refuse a codestream whose rows, columns and colours are not the header's."""
    if shape != (layout.rows, layout.columns, layout.samples):
        inside = f"{shape[1]}×{shape[0]} pixels of {shape[2]}"
        said = f"{layout.columns}×{layout.rows} of {layout.samples}"
        raise UnreadableImageError(f"the DICOM file says {said} numbers, and its picture is {inside}", COPY_AGAIN)


def _jpeg_header(data: bytes) -> _JpegHeader:
    """Read the segments of a JPEG or JPEG-LS before its first scan, and check that it is whole."""
    if not data.startswith(_JPEG):
        raise damaged("its pixels are not the JPEG it says")
    found, jfif, adobe = None, False, None
    for kind, segment in _segments(data):
        if kind in _FRAME_HEADERS or kind == _LS:
            found = kind, *struct.unpack_from(">BHHB", segment), segment[6::3]
        jfif = jfif or (kind == _APP0 and segment.startswith(b"JFIF\0"))
        if kind == _APP14 and segment.startswith(b"Adobe") and len(segment) >= 12:
            adobe = segment[11]
    if found is None:
        raise UnsupportedImageError("JPEG of a hierarchical process is not supported", _DECODE_FIRST)
    kind, bits, rows, columns, samples, names = found
    if kind in _PROGRESSIVE and data.count(b"\xff\xda") > MOST_SCANS:
        raise damaged(f"its JPEG has more than {MOST_SCANS} scans")
    return _JpegHeader(kind, bits, (rows, columns, samples), names, jfif, adobe)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of the segments before the first scan; raises where the picture ends within a scan."""
    position = 2
    while True:
        mark, kind, length = struct.unpack_from(">BBH", data, position)
        if mark != 0xFF:
            raise damaged("its JPEG does not parse")
        if kind == _SCAN:
            break
        if kind == 0xFF or kind in _STANDALONE:
            position += 1 if kind == 0xFF else 2
            continue
        yield kind, data[position + 4 : position + 2 + length]
        position += 2 + length
    # Decoders fill what is missing with grey and say nothing. Within a scan these two bytes cannot stand.
    if data.rfind(_END) < position:
        raise damaged("its JPEG is cut short")


_CODECS: dict[str, Callable[[bytes, Layout], Codestream]] = {
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 57, 70)), _jpeg),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (80, 81)), _jpeg_ls),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203)), _jpeg_2000),
    "1.2.840.10008.1.2.5": _run_lengths,
    "1.2.840.10008.1.2.8.1": _deflated,
}
"""By the UID of the transfer syntax, PS3.6 annex A."""
