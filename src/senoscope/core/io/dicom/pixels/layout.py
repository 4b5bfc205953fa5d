"""How pixels are laid out, as a header says it (DICOM PS3.3 C.7.6.3); checked before a byte of them is read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senoscope.core.errors import UnreadableImageError
from senoscope.core.io.base import Limits, check_size, unsupported
from senoscope.core.io.dicom.guard import COPY_AGAIN
from senoscope.core.io.dicom.values import needed, numbers, text, whole

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

GREY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
YCBCR = ("YBR_FULL", "YBR_FULL_422")
WAVELET = ("YBR_ICT", "YBR_RCT")
"""Colour models that JPEG 2000 undoes while decoding."""

_COLOURS = ("RGB", *YCBCR, *WAVELET)
_ALLOCATED = (1, 8, 16, 32)


@dataclass(frozen=True)
class Layout:
    """How pixels are laid out.

    Args:
        rows: of a frame.
        columns: of a frame.
        samples: 1, or 3 for colour.
        allocated: bits that a number takes: 1, 8, 16 or 32.
        stored: bits of them that count.
        signed: whether numbers are two's complement.
        planar: whether colours lie in planes, one after the other, where nothing is compressed.
        photometric: DICOM's word for what numbers mean.
        frames: how many, 1 or more.
    """

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    signed: bool
    planar: bool
    photometric: str
    frames: int

    @property
    def numbers(self) -> int:
        """How many numbers a frame has."""
        return self.rows * self.columns * self.samples


def layout_of(header: "Dataset", limits: Limits) -> Layout:
    """Read and check how pixels are laid out.

    Raises:
        UnreadableImageError: what reading needs is not said, or contradicts itself.
        ImageTooLargeError: a frame has more pixels than the bound.
        UnsupportedImageError: of a kind that is not taken.
    """
    columns, rows = needed(header, "Columns", "width"), needed(header, "Rows", "height")
    check_size(columns, rows, limits)
    allocated = needed(header, "BitsAllocated", "bits a number takes")
    if allocated not in _ALLOCATED:
        raise unsupported(f"DICOM with numbers of {allocated} bits")
    stored = whole(header, "BitsStored")
    if stored is not None and not 1 <= stored <= allocated:
        raise UnreadableImageError(f"the DICOM file says that {stored} of {allocated} bits count", COPY_AGAIN)
    samples, photometric = whole(header, "SamplesPerPixel") or 1, text(header, "PhotometricInterpretation").upper()
    if samples != (3 if photometric in _COLOURS else 1) or photometric not in (*GREY, PALETTE, *_COLOURS):
        raise unsupported(f"DICOM with {samples} numbers a pixel of {photometric or 'no'} colour model")
    return Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        allocated=allocated,
        stored=stored or allocated,
        signed=whole(header, "PixelRepresentation") == 1,
        planar=whole(header, "PlanarConfiguration") == 1,
        photometric=photometric,
        frames=frames_of(header),
    )


def frames_of(header: "Dataset") -> int:
    """Return how many frames there are, 1 where that is not said; raises `UnreadableImageError` where it is none."""
    if not text(header, "NumberOfFrames"):
        return 1
    found = numbers(header, "NumberOfFrames")
    if len(found) != 1 or found[0] < 1 or not found[0].is_integer():
        said = text(header, "NumberOfFrames")[:20]
        raise UnreadableImageError(f"the DICOM file says it has {said!r} frames (NumberOfFrames)", COPY_AGAIN)
    return int(found[0])
