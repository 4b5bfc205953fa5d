"""DICOM images of every kind of source, tiny and valid, as pydicom datasets."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UltrasoundImageStorage,
    VLWholeSlideMicroscopyImageStorage,
)

ROOT = "1.2.826.0.1.3680043.10.1234"
WIDE, HIGH = 96, 80
"""Size of the pictures, in pixels."""

IDENTITIES: Mapping[str, Mapping[str, Any]] = {
    "plain": {"PatientName": "Doe^Jane", "PatientID": "4711", "PatientBirthDate": "19600102", "PatientSex": "F"},
    "umlauts": {
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientName": "Ärztin^Jörg^^Dr.",
        "PatientID": "Ä-1",
        "ReferringPhysicianName": "Weiß^Søren",
        "StudyDescription": "Mammographie beidseits, Größe",
    },
    "kanji": {
        "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
        "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "PatientID": "0001",
    },
    "empty": {"PatientName": "", "PatientID": "", "PatientBirthDate": "", "PatientSex": "", "AccessionNumber": ""},
    "long": {
        "PatientName": "X" * 64,
        "PatientID": "I" * 64,
        "AccessionNumber": "A" * 16,
        "StudyID": "S" * 16,
        "StudyInstanceUID": "1.2.826.0.1.3680043.10.1234." + "7" * 36,
        "StudyDescription": "D" * 64,
    },
    "absent": dict.fromkeys(
        ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID")
    ),
    "broken": {"PatientSex": "X", "PatientBirthDate": "1960.01.02", "StudyDate": "last week", "PatientID": "12\x0734"},
}
"""Attributes that identify a patient and a study, kind and unkind; None takes one away."""


def mammogram(laterality: str = "L", view: str = "MLO", number: int = 1) -> Dataset:
    """A film of one breast, 12 bits, MONOCHROME2, without a frame of reference."""
    one = _common(DigitalMammographyXRayImageStorageForPresentation, "MG", number)
    _pixels(one, _ramp(4095).astype(np.uint16), 12)
    del one.Laterality
    one.ImageType, one.PresentationIntentType = ["DERIVED", "PRIMARY"], "FOR PRESENTATION"
    one.ImageLaterality, one.ViewPosition, one.BodyPartExamined = laterality, view, "BREAST"
    one.OrganExposed, one.BurnedInAnnotation, one.LossyImageCompression = "BREAST", "NO", "00"
    one.PatientOrientation = ["A", "F"] if laterality == "L" else ["P", "F"]
    one.ImagerPixelSpacing, one.BreastImplantPresent, one.PositionerType = [0.07, 0.07], "NO", "MAMMOGRAPHIC"
    one.PixelIntensityRelationship, one.PixelIntensityRelationshipSign = "LOG", -1
    one.RescaleIntercept, one.RescaleSlope, one.RescaleType, one.PresentationLUTShape = 0, 1, "US", "IDENTITY"
    one.WindowCenter, one.WindowWidth, one.DetectorType = 2048, 4096, "DIRECT"
    one.AcquisitionContextSequence, one.FilterMaterial = [], ""
    codes = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
    one.ViewCodeSequence = [_code(codes[view][0], "SCT", codes[view][1])]
    one.ViewCodeSequence[0].ViewModifierCodeSequence = []
    one.AnatomicRegionSequence = [_code("76752008", "SCT", "Breast")]
    return one


def ultrasound_scan(color: bool = False) -> Dataset:
    """A still of an ultrasound machine, 8 bits, grey or RGB, with a calibrated region."""
    one = _common(UltrasoundImageStorage, "US", 1)
    grey = _ramp(255).astype(np.uint8)
    _pixels(one, np.repeat(grey[..., None], 3, axis=2) if color else grey, 8)
    one.ImageType, one.LossyImageCompression = ["ORIGINAL", "PRIMARY", "", "0001"], "00"
    one.PatientOrientation, one.Laterality, one.BurnedInAnnotation = [], "R", "NO"
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 2
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = WIDE - 1, HIGH - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.01
    one.SequenceOfUltrasoundRegions = [region]
    return one


def mr_slice(number: int = 1) -> Dataset:
    """One sagittal slice of a breast, 16 bits."""
    one = _common(MRImageStorage, "MR", number)
    _pixels(one, _ramp(1500).astype(np.uint16), 16)
    one.ImageType, one.ScanningSequence, one.SequenceVariant = ["ORIGINAL", "PRIMARY", "OTHER"], "GR", "SP"
    one.ScanOptions = ""
    one.MRAcquisitionType, one.EchoTime, one.EchoTrainLength, one.RepetitionTime = "3D", 2.4, 1, 5.0
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = f"{ROOT}.9", ""
    one.ImagePositionPatient, one.ImageOrientationPatient = [10.0 + 2 * number, -40.0, 60.0], [0, 1, 0, 0, 0, -1]
    one.PixelSpacing, one.SliceThickness, one.PatientPosition = [0.7, 0.7], 2, "HFP"
    one.BodyPartExamined, one.Laterality = "BREAST", "L"
    return one


def slide_level(tile: int = 32) -> Dataset:
    """A level of a whole slide, RGB, TILED_FULL, of so many pixels by `HIGH` and `WIDE`."""
    one = _common(VLWholeSlideMicroscopyImageStorage, "SM", 1)
    del one.Laterality
    _pixels(one, np.repeat(_ramp(255).astype(np.uint8)[..., None], 3, axis=2), 8)
    rows, columns = -(-HIGH // tile), -(-WIDE // tile)
    whole = np.full((rows * tile, columns * tile, 3), 255, np.uint8)
    whole[:HIGH, :WIDE] = np.repeat(_ramp(255).astype(np.uint8)[..., None], 3, axis=2)
    frames = whole.reshape(rows, tile, columns, tile, 3).swapaxes(1, 2)
    one.PixelData, one.NumberOfFrames, one.Rows, one.Columns = frames.tobytes(), rows * columns, tile, tile
    one.TotalPixelMatrixRows, one.TotalPixelMatrixColumns, one.TotalPixelMatrixFocalPlanes = HIGH, WIDE, 1
    one.ImageType, one.DimensionOrganizationType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], "TILED_FULL"
    one.LossyImageCompression, one.BurnedInAnnotation, one.SpecimenLabelInImage = "00", "NO", "NO"
    one.VolumetricProperties, one.FocusMethod, one.ExtendedDepthOfField = "VOLUME", "AUTO", "NO"
    one.ImagedVolumeWidth, one.ImagedVolumeHeight, one.ImagedVolumeDepth = 0.05, 0.04, 1.0
    one.ImageOrientationSlide, one.AcquisitionDateTime = [0, -1, 0, -1, 0, 0], "20250102100000"
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = f"{ROOT}.8", "SLIDE_CORNER"
    one.ContainerIdentifier, one.IssuerOfTheContainerIdentifierSequence = "S-1", []
    one.ContainerTypeCodeSequence = [_code("433466003", "SCT", "Microscope slide")]
    one.AcquisitionContextSequence = []
    specimen = Dataset()
    specimen.SpecimenIdentifier, specimen.SpecimenUID = "S-1-A", f"{ROOT}.7"
    specimen.IssuerOfTheSpecimenIdentifierSequence, specimen.SpecimenPreparationSequence = [], []
    one.SpecimenDescriptionSequence = [specimen]
    corner, measures, shared, path = Dataset(), Dataset(), Dataset(), Dataset()
    corner.XOffsetInSlideCoordinateSystem, corner.YOffsetInSlideCoordinateSystem = 20.0, 40.0
    one.TotalPixelMatrixOriginSequence = [corner]
    measures.PixelSpacing, measures.SliceThickness, measures.SpacingBetweenSlices = [0.0005, 0.0005], 0.001, 0.001
    kind = Dataset()
    kind.FrameType = list(one.ImageType)
    shared.PixelMeasuresSequence, shared.WholeSlideMicroscopyImageFrameTypeSequence = [measures], [kind]
    one.SharedFunctionalGroupsSequence, one.NumberOfOpticalPaths = [shared], 1
    path.OpticalPathIdentifier, path.ICCProfile = "1", b"\0" * 128
    path.IlluminationTypeCodeSequence = [_code("111744", "DCM", "Brightfield illumination")]
    path.IlluminationColorCodeSequence = [_code("414298005", "SCT", "Full Spectrum")]
    one.OpticalPathSequence = [path]
    organization = Dataset()
    organization.DimensionOrganizationUID = f"{ROOT}.6"
    one.DimensionOrganizationSequence = [organization]
    return one


SOURCES: Mapping[str, Callable[[], Dataset]] = {
    "MG": mammogram,
    "US": ultrasound_scan,
    "US colour": lambda: ultrasound_scan(color=True),
    "MR": mr_slice,
    "SM": slide_level,
}
"""One image of every kind of source."""


def identified(source: Dataset, identity: str) -> Dataset:
    """Give an image the attributes of one of `IDENTITIES`."""
    from pydicom import config
    from pydicom.datadict import dictionary_VR, tag_for_keyword
    from pydicom.dataelem import DataElement

    for keyword, value in IDENTITIES[identity].items():
        if value is None:
            delattr(source, keyword)
        else:
            tag = tag_for_keyword(keyword)
            assert tag is not None
            source[keyword] = DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE)
    return source


def _common(sop_class: UID, modality: str, number: int) -> Dataset:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = sop_class
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = UID(f"{ROOT}.{number}.1.1")
    one.StudyInstanceUID, one.SeriesInstanceUID = f"{ROOT}.2", f"{ROOT}.3"
    one.SeriesNumber, one.InstanceNumber, one.Modality, one.Laterality = 1, number, modality, ""
    one.PatientName, one.PatientID, one.PatientBirthDate, one.PatientSex = "Doe^Jane", "4711", "19600102", "F"
    one.StudyDate = one.SeriesDate = one.ContentDate = one.AcquisitionDate = "20250102"
    one.StudyTime = one.SeriesTime = one.ContentTime = one.AcquisitionTime = "101112"
    one.AccessionNumber, one.StudyID, one.ReferringPhysicianName = "A1", "S1", "Ref^Dr"
    one.Manufacturer, one.ManufacturerModelName, one.DeviceSerialNumber = "Maker", "Model", "1"
    one.SoftwareVersions = "1.0"
    return one


def _pixels(one: Dataset, pixels: NDArray[Any], stored: int) -> None:
    one.Rows, one.Columns = pixels.shape[:2]
    one.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    one.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        one.PlanarConfiguration = 0
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 8 * pixels.itemsize, stored, stored - 1, 0
    one.PixelData = pixels.tobytes()


def _ramp(highest: int) -> NDArray[np.float64]:
    return np.linspace(0, highest, WIDE * HIGH).reshape(HIGH, WIDE)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    one = Dataset()
    one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning = value, scheme, meaning
    return one
