"""The attributes that are read; every other is skipped, however long it is."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.tag import BaseTag

META = ("TransferSyntaxUID", "MediaStorageSOPClassUID")
PIXELS = (
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
)
GREY = (
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "WindowWidth"),
    *("VOILUTFunction", "PresentationLUTShape", "PresentationIntentType"),
    *(
        f"{kind}{colour}PaletteColorLookupTable{part}"
        for kind in ("", "Segmented")
        for colour in ("Red", "Green", "Blue")
        for part in ("Data", "Descriptor")
        if not (kind and part == "Descriptor")
    ),
)
DIRECTORY = ("DirectoryRecordSequence",)
GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
NAMES = (
    *("SOPClassUID", "SOPInstanceUID", "Modality", "PatientID", "PatientName", "IssuerOfPatientID"),
    *("StudyInstanceUID", "SeriesInstanceUID", "StudyDescription", "SeriesDescription", "ProtocolName"),
    *("SeriesNumber", "InstanceNumber", "AcquisitionNumber", "Manufacturer", "ManufacturerModelName", "ImageType"),
)
TIMES = (
    *("StudyDate", "StudyTime", "SeriesTime", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime"),
    *("ContentTime", "TriggerTime", "ContrastBolusStartTime", "TemporalPositionIdentifier"),
    *("NumberOfTemporalPositions", "ContrastBolusAgent"),
)
PLACES = (
    *("BodyPartExamined", "AnatomicRegionSequence", "Laterality", "ImageLaterality", "ViewPosition"),
    *("ViewCodeSequence", "PatientOrientation", "BreastImplantPresent", "PartialView"),
    *("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "EstimatedRadiographicMagnificationFactor"),
    *("PixelSpacingCalibrationType", "SequenceOfUltrasoundRegions"),
)


@cache
def tags() -> "tuple[BaseTag | int, ...]":
    """Return the numbers of the attributes that are read."""
    from pydicom.datadict import tag_for_keyword

    keywords = (*META, *PIXELS, *GREY, *GROUPS, *NAMES, *TIMES, *PLACES, *DIRECTORY)
    return tuple(tag for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None)
