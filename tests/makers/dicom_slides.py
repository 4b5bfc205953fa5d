"""DICOM whole slides, tiny."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TILE = 64
"""Side of the frames."""

_ROOT = "1.2.826.0.1.3680043.10"


def dicom_slide(
    folder: Path, pixels: NDArray[np.uint8], *, mpp: float | None = 0.5, levels: int = 2, jpeg: bool = False
) -> list[Path]:
    """Write a picture as a DICOM whole slide, TILED_FULL, a file a level, each half the one before.

    Args:
        folder: of the files.
        pixels: (H, W, 3).
        mpp: µm per pixel of the first level; None where the files do not say it.
        levels: how many.
        jpeg: whether frames are JPEG baseline; otherwise they are not compressed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for level in range(levels):
        part = np.asarray(Pil.fromarray(pixels).reduce(2**level))
        one = _described(level, part.shape[:2], jpeg)
        if mpp is not None:
            measures = one.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
            measures.PixelSpacing = [f"{mpp * 2**level / 1000:.6g}"] * 2
        _fill(one, list(_frames(part)), jpeg)
        written.append(folder / f"level{level}.dcm")
        one.save_as(written[-1], enforce_file_format=True)
    return written


def _frames(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for top in range(0, pixels.shape[0], TILE):
        for left in range(0, pixels.shape[1], TILE):
            frame = np.full((TILE, TILE, 3), 255, np.uint8)
            cut = pixels[top : top + TILE, left : left + TILE]
            frame[: cut.shape[0], : cut.shape[1]] = cut
            yield frame


def _described(level: int, shape: tuple[int, ...], jpeg: bool) -> "Dataset":
    """Everything but the frames."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

    one, measures, shared = Dataset(), Dataset(), Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.77.1.6")
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = UID(f"{_ROOT}.99.{level + 1}")
    one.file_meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else ExplicitVRLittleEndian
    one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = (f"{_ROOT}.{n}" for n in (98, 97, 96))
    first, last = ("DERIVED", "RESAMPLED") if level else ("ORIGINAL", "NONE")
    one.Modality, one.ImageType = "SM", [first, "PRIMARY", "VOLUME", last]
    one.Rows = one.Columns = TILE
    one.TotalPixelMatrixRows, one.TotalPixelMatrixColumns = shape
    one.DimensionOrganizationType, one.NumberOfOpticalPaths, one.TotalPixelMatrixFocalPlanes = "TILED_FULL", 1, 1
    one.SamplesPerPixel, one.PlanarConfiguration, one.PixelRepresentation = 3, 0, 0
    one.PhotometricInterpretation = "YBR_FULL_422" if jpeg else "RGB"
    one.BitsAllocated = one.BitsStored = 8
    one.HighBit = 7
    measures.SliceThickness = "0.001"
    shared.PixelMeasuresSequence = [measures]
    one.SharedFunctionalGroupsSequence = [shared]
    return one


def _fill(one: "Dataset", frames: list[NDArray[np.uint8]], jpeg: bool) -> None:
    from pydicom.encaps import encapsulate

    one.NumberOfFrames = len(frames)
    if not jpeg:
        one.PixelData = np.stack(frames).tobytes()
        one["PixelData"].VR = "OB"
        return
    encoded = []
    for frame in frames:
        buffer = io.BytesIO()
        Pil.fromarray(frame).save(buffer, "JPEG", quality=90, subsampling="4:2:2")
        encoded.append(buffer.getvalue())
    one.PixelData = encapsulate(encoded)
    one["PixelData"].VR = "OB"
    one["PixelData"].is_undefined_length = True
