"""Grey levels as the modality meant them: one level for every number that a pixel can hold.

The chain of DICOM PS3.4 N.2 and PS3.3 C.11, and what wins where a header says two things:

- Modality: the table of ModalityLUTSequence (C.11.1.1), else RescaleSlope and RescaleIntercept (C.11.1), else nothing.
  The standard forbids both; a table is the more exact.
- Value of interest: the first table of VOILUTSequence (C.11.2.1.1), else the first WindowCenter and WindowWidth
  (C.11.2.1.2) by their VOILUTFunction, else nothing. Where both are there they are alternatives; the table is the
  maker's own curve, of which a window is the likeness for displays that know no tables.
- Presentation: white and black change places where PhotometricInterpretation is MONOCHROME1 (C.7.6.3.1.2) or
  PresentationLUTShape is INVERSE (C.11.6), once: headers of mammograms say both and mean one.
- Numbers that PixelPaddingValue and PixelPaddingRangeLimit name (C.7.5.1.1.2) were never measured and are black.

Where nothing says what is of interest, the whole range that the numbers could have is taken, as C.11.2.1.2 has it for
the identity: never the range that they happen to have.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import UnreadableImageError
from senoscope.core.io.base import unsupported
from senoscope.core.io.dicom.guard import COPY_AGAIN, header_errors
from senoscope.core.io.dicom.pixels.layout import Layout
from senoscope.core.io.dicom.values import group, item, number, numbers, text, whole

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

RAW = "raw numbers for processing, not the picture that is read"
WHOLE_RANGE = "no window in the file: the whole range of {} bits is shown"
NO_WINDOW = "the window in the file makes no sense: the whole range is shown"

Numbers = NDArray[np.float64]
_ROWS = 16


@dataclass(frozen=True, eq=False)
class Levels:
    """A grey level for every number.

    Args:
        table: (256,) or (65536,); by the number's bits, so that −1 is the last.
        maximum: full scale.
        notes: what a reader should know.
    """

    table: Pixels
    maximum: int
    notes: tuple[str, ...] = ()

    def of(self, stored: Pixels) -> Pixels:
        """Return the levels of (H, W) numbers, of as many bits as the header says or fewer."""
        size = 1 if len(self.table) == 256 else 2
        shown = np.empty(stored.shape + self.table.shape[1:], self.table.dtype)
        for top in range(0, len(stored), _ROWS):
            # A few rows at a time: numpy makes every code eight bytes long before it looks it up.
            codes = stored[top : top + _ROWS].astype(f"{stored.dtype.kind}{size}").view(f"u{size}")
            np.take(self.table, codes, axis=0, out=shown[top : top + _ROWS], mode="wrap")
        return shown


@dataclass(frozen=True, eq=False)
class _Shares:
    """Shares of white, 0 to 1, and the full scale that they are told apart by."""

    values: Numbers
    maximum: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Table:
    """A table of DICOM's: its entries, the number of the first, and the bits of an entry."""

    entries: Numbers
    first: int
    bits: int

    def of(self, values: Numbers) -> Numbers:
        """Look numbers up; those before the first entry are given that, those behind the last one that."""
        places = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1).astype(np.intp)
        entries: Numbers = self.entries[places]
        return entries


def levels_of(header: "Dataset", layout: Layout, frame: int) -> Levels:
    """Return the grey level of every number that a pixel can hold.

    Args:
        header: of the file.
        layout: of its pixels.
        frame: from 0.

    Returns:
        Levels with full scale 2^b − 1: of a table its own bits, of a window 8 or 16, else those that are stored.

    Raises:
        UnreadableImageError: a table is damaged.
        UnsupportedImageError: numbers are wider than 16 bits.
    """
    width = max(8, layout.allocated)
    if width > 16:
        raise unsupported(f"DICOM with grey levels of {width} bits")
    codes = np.arange(2**width, dtype=np.uint16).astype(f"u{width // 8}")
    numbers_of = codes.view(f"i{width // 8}") if layout.signed else codes
    low, high = (
        (-(2 ** (layout.stored - 1)), 2 ** (layout.stored - 1) - 1) if layout.signed else (0, 2**layout.stored - 1)
    )
    shares = _shares(header, layout, frame, np.clip(numbers_of.astype(np.float64), low, high), (low, high))
    white = 1 - shares.values if _inverse(header, layout) else shares.values
    white = np.where(_padding(header, numbers_of), 0, white)
    table = np.rint(white * shares.maximum).astype(np.uint8 if shares.maximum < 256 else np.uint16)
    raw = (RAW,) if text(header, "PresentationIntentType").upper() == "FOR PROCESSING" else ()
    return Levels(table, shares.maximum, (*raw, *shares.notes))


def _shares(header: "Dataset", layout: Layout, frame: int, values: Numbers, ends: tuple[float, float]) -> _Shares:
    modality = group(header, "PixelValueTransformationSequence", frame)
    interest = group(header, "FrameVOILUTSequence", frame)
    table = _table(header, "ModalityLUTSequence", layout)
    slope, intercept = number(modality, "RescaleSlope"), number(modality, "RescaleIntercept") or 0.0
    if table:
        values, ends, stored = table.of(values), (0, 2**table.bits - 1), table.bits
    else:
        slope = 1.0 if slope in (None, 0.0) else slope
        values, stored = values * slope + intercept, layout.stored
        first, last = (end * slope + intercept for end in ends)
        ends = min(first, last), max(first, last)
    if voi := _table(interest, "VOILUTSequence", layout, below_zero=ends[0] < 0):
        return _Shares(voi.of(values) / (2**voi.bits - 1), 2**voi.bits - 1)
    centers, widths = numbers(interest, "WindowCenter"), numbers(interest, "WindowWidth")
    function = text(interest, "VOILUTFunction").upper() or "LINEAR"
    if centers and widths and (shares := _windowed(values, centers[0], widths[0], function)) is not None:
        return _Shares(shares, 255 if stored <= 8 else 65535)
    said = NO_WINDOW if centers or widths else WHOLE_RANGE.format(stored)
    # A single bit is white or black, as in every other kind of file.
    maximum = 255 if stored == 1 else 2**stored - 1
    return _Shares((values - ends[0]) / (ends[1] - ends[0]), maximum, (said,) if stored > 8 or centers else ())


def _windowed(values: Numbers, center: float, width: float, function: str) -> Numbers | None:
    """Return shares of white by a window (PS3.3 C.11.2.1.2 and 3); None for one that the standard does not allow."""
    if function == "SIGMOID" and width > 0:
        return 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
    if function == "LINEAR_EXACT" and width > 0:
        return np.clip((values - center) / width + 0.5, 0, 1)
    if function == "LINEAR" and width > 1:
        return np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    if function == "LINEAR" and width == 1:
        return (values > center - 0.5).astype(np.float64)
    return None


def _inverse(header: "Dataset", layout: Layout) -> bool:
    return layout.photometric == "MONOCHROME1" or text(header, "PresentationLUTShape").upper() == "INVERSE"


def _padding(header: "Dataset", stored: Pixels) -> NDArray[np.bool_]:
    """Which numbers were never measured; the limit of a range may lie on either side."""
    one = whole(header, "PixelPaddingValue")
    if one is None:
        return np.zeros(stored.shape, bool)
    other = whole(header, "PixelPaddingRangeLimit")
    low, high = sorted((one, one if other is None else other))
    if stored.dtype.kind == "i" and low > np.iinfo(stored.dtype).max:
        # Written as unsigned, as writers do that read the representation of the element and not of the pixels.
        low, high = low - 2 ** (8 * stored.dtype.itemsize), high - 2 ** (8 * stored.dtype.itemsize)
    return (stored >= low) & (stored <= high)


def _table(header: "Dataset", keyword: str, layout: Layout, *, below_zero: bool = False) -> _Table | None:
    """Read the first table of a sequence; None where there is none (PS3.3 C.11.1.1.1, C.11.2.1.1)."""
    one = item(header, keyword)
    if one is None:
        return None
    described = numbers(one, "LUTDescriptor")
    if len(described) != 3:
        raise _bad_table(keyword)
    count, first, bits = (int(value) for value in described)
    count = count % 65536 or 65536
    if first >= 32768 and (below_zero or (keyword == "ModalityLUTSequence" and layout.signed)):
        first -= 65536
    entries = _entries(one, count, bits)
    if entries is None or not 1 <= bits <= 16 or entries.max() > 2**bits - 1:
        raise _bad_table(keyword)
    return _Table(entries, first, bits)


def _entries(one: "Dataset", count: int, bits: int) -> Numbers | None:
    """Read the entries, whose numbers may be a list or bytes, of 16 bits each or two of 8 in every 16."""
    try:
        content = one.get("LUTData")
        little = one.original_encoding[1] is not False
    except header_errors():
        return None
    if isinstance(content, bytes):
        words = np.frombuffer(content[: len(content) // 2 * 2], "<u2" if little else ">u2")
    else:
        words = np.array([int(value) & 0xFFFF for value in numbers(one, "LUTData")], np.uint16)
    if len(words) >= count:
        return words[:count].astype(np.float64)
    if bits <= 8 and 2 * len(words) >= count:
        return words.astype("<u2").view(np.uint8)[:count].astype(np.float64)
    return None


def _bad_table(keyword: str) -> UnreadableImageError:
    return UnreadableImageError(f"the table of grey levels of the DICOM file ({keyword}) is damaged", COPY_AGAIN)
