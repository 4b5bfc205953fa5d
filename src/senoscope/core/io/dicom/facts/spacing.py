"""How many millimetres a pixel is, and where that holds: in the patient, on the detector, on a film."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from senoscope.core.io.dicom.facts.ultrasound import UltrasoundRegion
from senoscope.core.io.dicom.values import group, number, numbers, text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Plane = Literal["patient", "calibrated", "object", "detector", "film", "ultrasound", "unclear"]
"""Where a distance holds.

- patient: anywhere, in slices.
- calibrated: at the depth of something of known size, or by the geometry (PixelSpacingCalibrationType).
- object: in the breast's middle, by the magnification that the device estimated.
- detector: at the detector; what lies above it is smaller by the magnification.
- film: on the film that was scanned.
- ultrasound: in the region of the scan.
- unclear: of a projection, without a word on which of these.
"""

_PLAUSIBLE = (0.0005, 50.0)
_MAGNIFICATION = (1.0, 5.0)
_SLICES = ("MR", "CT", "PT", "NM", "ST")


@dataclass(frozen=True)
class Spacing:
    """Size of a pixel.

    Args:
        down: mm from one row to the next.
        across: mm from one column to the next.
        plane: where that holds.
    """

    down: float
    across: float
    plane: Plane


def spacing_of(header: "Dataset", regions: tuple[UltrasoundRegion, ...], frame: int = 0) -> Spacing | None:
    """Read the size of a pixel; None where nothing says it, or it says what cannot be (PS3.3 10.7, C.8.5.5, C.8.11.3).

    Args:
        header: of the object.
        regions: of ultrasound; the first calibrated one of tissue counts.
        frame: from 0.
    """
    calibrated = [region.mm for region in regions if region.mm and region.spatial == "2-D"]
    if calibrated:
        across, down = calibrated[0]
        return Spacing(down, across, "ultrasound")
    said = _pair(group(header, "PixelMeasuresSequence", frame), "PixelSpacing") or _pair(header, "PixelSpacing")
    detector = _pair(header, "ImagerPixelSpacing")
    if said and text(header, "Modality") in _SLICES:
        return Spacing(*said, "patient")
    if said and text(header, "PixelSpacingCalibrationType").upper() in ("GEOMETRY", "FIDUCIAL"):
        return Spacing(*said, "calibrated")
    if detector and (said is None or _alike(said, detector)):
        return _below(detector, number(header, "EstimatedRadiographicMagnificationFactor"))
    if said:
        return Spacing(*said, "calibrated" if detector else "unclear")
    film = _pair(header, "NominalScannedPixelSpacing")
    return Spacing(*film, "film") if film else None


def _below(detector: tuple[float, float], magnification: float | None) -> Spacing:
    low, high = _MAGNIFICATION
    if magnification is None or not low <= magnification <= high:
        return Spacing(*detector, "detector")
    return Spacing(detector[0] / magnification, detector[1] / magnification, "object")


def _pair(place: "Dataset", keyword: str) -> tuple[float, float] | None:
    found, (low, high) = numbers(place, keyword), _PLAUSIBLE
    return (found[0], found[1]) if len(found) == 2 and all(low <= one <= high for one in found) else None


def _alike(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-3) for a, b in zip(one, other, strict=True))
