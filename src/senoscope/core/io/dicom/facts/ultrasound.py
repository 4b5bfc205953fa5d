"""Regions of an ultrasound picture, and how it was made (DICOM PS3.3 C.8.5.5, C.8.5.6, C.7.6.16.2.24)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from senoscope.core.domain.geometry import Box
from senoscope.core.io.dicom.values import group, items, number, text, whole, words

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Mode = Literal["b-mode", "m-mode", "doppler", "elastography"]

MOST_REGIONS = 64

_SPATIAL = {1: "2-D", 2: "M-mode", 3: "spectral", 4: "wave form", 5: "graphics"}
_DATA = {
    1: "tissue",
    2: "colour flow",
    3: "PW spectral Doppler",
    4: "CW spectral Doppler",
    5: "Doppler mean trace",
    6: "Doppler mode trace",
    7: "Doppler max trace",
    8: "volume trace",
    9: "change of volume trace",
    10: "ECG trace",
    11: "pulse trace",
    12: "phonocardiogram trace",
    13: "grey bar",
    14: "colour bar",
    15: "integrated backscatter",
    16: "area trace",
    17: "change of area trace",
    18: "other input",
}
_DOPPLER = frozenset(_DATA[code] for code in range(2, 8))
_CENTIMETRES = 3
_PLAUSIBLE_MM = (0.001, 10.0)

_BITS: tuple[tuple[int, Mode], ...] = ((0x01, "b-mode"), (0x22, "m-mode"), (0x13C, "doppler"))
"""Bits of the fourth value of ImageType (C.8.5.6.1.1)."""

_TYPES: dict[str, Mode] = {
    "TISSUE_INTENSITY": "b-mode",
    "ELASTICITY": "elastography",
    **dict.fromkeys(("TISSUE_VELOCITY", "FLOW_VELOCITY", "FLOW_POWER", "DIRECTION_POWER", "FLOW_VARIANCE"), "doppler"),
}
_ELASTOGRAPHY = re.compile(r"ELASTO|SHEAR ?WAVE|\bSWE\b|\bSTRAIN\b")


@dataclass(frozen=True)
class UltrasoundRegion:
    """Part of the picture that shows one thing.

    Args:
        box: where, in pixels.
        spatial: how it is laid out: 2-D, M-mode, spectral, wave form, graphics; "" where that is not said.
        data: what it shows: tissue, colour flow, …; "" where that is not said.
        mm: size of a pixel across and down; None where it is not calibrated in length.
    """

    box: Box
    spatial: str
    data: str
    mm: tuple[float, float] | None


def regions_of(header: "Dataset") -> tuple[UltrasoundRegion, ...]:
    """Read the regions, those without an extent left out."""
    found = (_region(one) for one in items(header, "SequenceOfUltrasoundRegions")[:MOST_REGIONS])
    return tuple(region for region in found if region is not None)


def modes_of(header: "Dataset", regions: tuple[UltrasoundRegion, ...], frame: int = 0) -> frozenset[Mode]:
    """Return how an ultrasound picture was made, by its regions, ImageType, the frame's data type and descriptions.

    Empty for what is not ultrasound, and where nothing says it.
    """
    return frozenset(_modes(header, regions, frame)) if text(header, "Modality") in ("US", "IVUS") else frozenset()


def _modes(header: "Dataset", regions: tuple[UltrasoundRegion, ...], frame: int) -> Iterator[Mode]:
    for region in regions:
        if region.data in _DOPPLER or region.spatial == "spectral":
            yield "doppler"
        elif region.spatial == "M-mode":
            yield "m-mode"
        elif (region.spatial, region.data) == ("2-D", "tissue"):
            yield "b-mode"
    kind = (*words(header, "ImageType"), "", "", "", "")
    if re.fullmatch("[0-9A-Fa-f]{1,4}", kind[3]):
        yield from (mode for bits, mode in _BITS if int(kind[3], 16) & bits)
    typed = group(header, "ImageDataTypeSequence", frame)
    if (word := text(typed, "DataType")) in _TYPES:
        yield _TYPES[word]
    said = " ".join((*kind, text(header, "SeriesDescription"), text(header, "ProtocolName")))
    if _ELASTOGRAPHY.search(said.upper()):
        yield "elastography"


def _region(one: "Dataset") -> UltrasoundRegion | None:
    edges = [whole(one, f"RegionLocation{end}") for end in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    left, top, right, bottom = edges
    if left is None or top is None or right is None or bottom is None or left > right or top > bottom:
        return None
    spatial, data = whole(one, "RegionSpatialFormat") or 0, whole(one, "RegionDataType") or 0
    box = Box(left, top, right - left + 1, bottom - top + 1)
    return UltrasoundRegion(box, _SPATIAL.get(spatial, ""), _DATA.get(data, ""), _millimetres(one))


def _millimetres(one: "Dataset") -> tuple[float, float] | None:
    if any(whole(one, f"PhysicalUnits{axis}Direction") != _CENTIMETRES for axis in "XY"):
        return None
    across, down = (abs(number(one, f"PhysicalDelta{axis}") or 0) * 10 for axis in "XY")
    low, high = _PLAUSIBLE_MM
    return (across, down) if low <= across <= high and low <= down <= high else None
