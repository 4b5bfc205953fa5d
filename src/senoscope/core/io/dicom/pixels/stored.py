"""The numbers of a frame as the file stores them."""

import numpy as np

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import UsageError
from senoscope.core.io.base import unsupported
from senoscope.core.io.dicom.guard import damaged
from senoscope.core.io.dicom.parsing import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, Parsed
from senoscope.core.io.dicom.pixels.codecs import Codestream, decode
from senoscope.core.io.dicom.pixels.colour import from_ycbcr
from senoscope.core.io.dicom.pixels.frames import encoded_frame, native_frame
from senoscope.core.io.dicom.pixels.layout import YCBCR, Layout

_NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)


def stored_frame(parsed: Parsed, layout: Layout, frame: int = 0) -> Pixels:
    """Return the numbers of a frame, colours as red, green and blue.

    Args:
        parsed: the file.
        layout: of its pixels.
        frame: from 0.

    Returns:
        (H, W) or (H, W, 3); unsigned or, where the header says so, signed; 8, 16 or 32 bits.

    Raises:
        UnreadableImageError: it is damaged, cut short, or not what the header says.
        UnsupportedImageError: its compression or colour model is not taken.
        UsageError: there is no such frame.
    """
    if not 0 <= frame < layout.frames:
        raise UsageError(f"there is no frame {frame} of {layout.frames}", f"0 to {layout.frames - 1}")
    native = parsed.syntax in _NATIVE
    decoded = _native(parsed, layout, frame) if native else _encoded(parsed, layout, frame)
    values = decoded.values
    if decoded.bits > layout.allocated:
        raise damaged(f"its pixels have {decoded.bits} bits, and it says {layout.allocated}")
    if layout.samples == 1:
        return _signed(values, decoded.bits, layout.signed)
    if layout.signed:
        raise unsupported("DICOM with colours below zero")
    return values if decoded.rgb or layout.photometric not in YCBCR else from_ycbcr(values)


def _encoded(parsed: Parsed, layout: Layout, frame: int) -> Codestream:
    return decode(parsed.syntax, encoded_frame(parsed, layout, frame), layout)


def _native(parsed: Parsed, layout: Layout, frame: int) -> Codestream:
    data, skipped = native_frame(parsed, layout, frame)
    if layout.allocated == 1:
        bits = np.unpackbits(data, bitorder="little")[skipped : skipped + layout.numbers]
        return Codestream(bits.reshape(layout.rows, layout.columns), 1, rgb=False)
    written: Pixels = data.view(f"{'<' if parsed.little else '>'}u{layout.allocated // 8}")
    values = written.astype(written.dtype.newbyteorder("="), copy=False)
    if layout.photometric == "YBR_FULL_422":
        return Codestream(_doubled(values, layout), layout.stored, rgb=False)
    if layout.samples > 1 and layout.planar:
        planes = values.reshape(layout.samples, layout.rows, layout.columns)
        return Codestream(np.moveaxis(planes, 0, -1), layout.stored, rgb=False)
    shape = (layout.rows, layout.columns, layout.samples)[: 2 if layout.samples == 1 else 3]
    return Codestream(values.reshape(shape), layout.stored, rgb=False)


def _signed(values: Pixels, bits: int, signed: bool) -> Pixels:
    """Keep the bits that count, and read them as two's complement where they are (PS3.5 8.1.1)."""
    size = values.dtype.itemsize
    unsigned = values.view(f"u{size}")
    if not signed and int(unsigned.max()) < 2**bits:
        return unsigned
    # Moved to the top and back, two's complement brings its sign along, and what lies above the bits is gone.
    spare = unsigned.dtype.type(8 * size - bits)
    top = np.left_shift(unsigned, spare)
    found: Pixels = top.view(f"i{size}") >> spare.astype(f"i{size}") if signed else top >> spare
    return found


def _doubled(values: Pixels, layout: Layout) -> Pixels:
    """Give both of two pixels the colour that they share (PS3.3 C.7.6.3.1.2, YBR_FULL_422)."""
    pairs = values.reshape(-1, 4)
    full = pairs[:, (0, 2, 3, 1, 2, 3)]
    return full.reshape(layout.rows, layout.columns, 3)
