"""Colours: palettes, and luma with chroma (DICOM PS3.3 C.7.6.3.1.2, C.7.9)."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import UnreadableImageError
from senoscope.core.io.base import unsupported
from senoscope.core.io.dicom.guard import COPY_AGAIN, header_errors
from senoscope.core.io.dicom.pixels.layout import Layout
from senoscope.core.io.dicom.values import numbers

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def from_ycbcr(values: Pixels) -> Pixels:
    """Turn (H, W, 3) of luma and chroma, 8 bits, full range, into red, green and blue (ITU-R BT.601 as in JFIF)."""
    if values.dtype != np.uint8:
        raise unsupported("DICOM with luma and chroma of more than 8 bits")
    return np.asarray(Pil.fromarray(np.ascontiguousarray(values), "YCbCr").convert("RGB"))


def palette_of(header: "Dataset", layout: Layout) -> tuple[NDArray[np.uint16], int]:
    """Return the colour of every number that a pixel can hold.

    Args:
        header: with the palette, plain or in segments.
        layout: of the pixels.

    Returns:
        (256 or 65536, 3) colours, and their full scale. Numbers below the first entry have its colour, those above the
        last one its (PS3.3 C.7.6.3.1.5).

    Raises:
        UnreadableImageError: there is no palette, or it is damaged.
    """
    from pydicom.pixels.processing import apply_color_lut

    if layout.allocated > 16:
        raise unsupported(f"DICOM with a palette of {layout.allocated}-bit numbers")
    codes = np.arange(2 ** max(8, layout.allocated), dtype=np.uint8 if layout.allocated <= 8 else np.uint16)
    try:
        bits = int(numbers(header, "RedPaletteColorLookupTableDescriptor")[2])
        table = apply_color_lut(codes, header)
    except header_errors() as error:
        raise UnreadableImageError("the palette of the DICOM file is missing or damaged", COPY_AGAIN) from error
    if table.shape != (codes.size, 3) or bits not in (8, 16):
        raise UnreadableImageError("the palette of the DICOM file is missing or damaged", COPY_AGAIN)
    return table.astype(np.uint16), 2**bits - 1
