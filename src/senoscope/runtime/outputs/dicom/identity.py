"""Whose an object is, and what it may take over from the image it is about."""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, MRImageStorage, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage

from senoscope.core.version import __version__
from senoscope.runtime.outputs.dicom.uids import uid

PERSON = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyInstanceUID", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
"""What a study is filed by; but for the issuer, present in every object, empty where the image does not say."""

CIRCUMSTANCES = (
    *("TypeOfPatientID", "PatientBirthTime", "OtherPatientIDs", "OtherPatientNames", "PatientAge", "PatientSize"),
    *("PatientWeight", "StudyDescription", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID"),
    *("ClinicalTrialSiteName", "ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID"),
    *("IssuerOfPatientIDQualifiersSequence", "IssuerOfAccessionNumberSequence", "DeidentificationMethodCodeSequence"),
)
"""What else of patient and study is taken over where the image has it (PS3.3 C.7.1.1, C.7.1.3, C.7.2.1, C.7.2.2)."""

PICTURE = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality", "InstanceNumber"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ImageType", "PatientOrientation"),
    *("ImageLaterality", "Laterality", "FrameOfReferenceUID", "PositionReferenceIndicator", "ImagePositionPatient"),
    *("ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    *("ImageOrientationSlide", "TotalPixelMatrixRows", "TotalPixelMatrixColumns", "TotalPixelMatrixFocalPlanes"),
    *("TotalPixelMatrixOriginSequence", "DimensionOrganizationType", "DimensionOrganizationSequence"),
    *("DimensionIndexSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("NumberOfOpticalPaths", "OpticalPathSequence", "ContainerIdentifier", "ContainerTypeCodeSequence"),
    *("IssuerOfTheContainerIdentifierSequence", "SpecimenDescriptionSequence", "ViewCodeSequence"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "WindowCenter", "WindowWidth"),
    *("VOILUTFunction", "VOILUTSequence", "PresentationLUTShape", "AnatomicRegionSequence", "Manufacturer"),
    *("ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "InstitutionName", "StationName"),
)
"""What the library that builds objects may see of an image: nothing private, nothing that names anybody."""

STAND_INS = {
    "1.2.840.10008.5.1.4.1.1.3": UltrasoundMultiFrameImageStorage,
    "1.2.840.10008.5.1.4.1.1.6": UltrasoundImageStorage,
}
"""Retired classes that archives still hold and the library does not know, by those of the same attributes."""

_FORMS = {
    "DA": re.compile(r"\d{8}"),
    "TM": re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?"),
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9_ ]{0,16}"),
    "DS": re.compile(r"[-+.0-9eE ]{1,16}"),
}
_SEXES = ("M", "F", "O", "")
_TEXT = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")


def header(image: Dataset) -> Dataset:
    """Attributes of an image that objects about it are built from; whose it is, is left empty.

    The library reads what it builds from in its own, strict ways; a name that it dislikes must not stop a report.
    """
    one = Dataset()
    for keyword in PICTURE:
        if (element := _taken(image, keyword)) is not None:
            one.add(element)
    for keyword in PERSON:
        if keyword not in one and keyword != "IssuerOfPatientID":
            one.add(_element(keyword, None))
    one["SOPClassUID"] = _element("SOPClassUID", STAND_INS.get(str(one.SOPClassUID), str(one.SOPClassUID)))
    one.file_meta = getattr(image, "file_meta", FileMetaDataset())
    return one


def alone(one: Dataset, frame: int) -> Dataset:
    """The header of one frame, from 1, of an image of several as if it were an image of its own, where it lies.

    What is drawn in a frame has nothing to do with the others, which the library would ask for.
    """
    groups = list(one.get("SharedFunctionalGroupsSequence") or [])
    groups += list(one.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame]
    places = {
        "PlanePositionSequence": ("ImagePositionPatient",),
        "PlaneOrientationSequence": ("ImageOrientationPatient",),
        "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    }
    for group in groups:
        for sequence, keywords in places.items():
            for item in group.get(sequence) or []:
                for keyword in (word for word in keywords if word in item):
                    one[keyword] = item[keyword]
    for keyword in list(one.dir()):
        if keyword.startswith(("NumberOfFrames", "Dimension", "TotalPixelMatrix")) or "FunctionalGroups" in keyword:
            delattr(one, keyword)
    one.SOPClassUID = MRImageStorage if "ImagePositionPatient" in one else UltrasoundImageStorage
    return one


def identify(made: Dataset, image: Dataset) -> None:
    """Give an object the patient and the study of an image, sign by sign.

    Names and numbers are taken over as they are, for they are what the study is filed by. Dates, times, ages and codes
    that are none by PS3.5 6.2 are left empty, for most receivers refuse an object with such.
    """
    for keyword in PERSON:
        element = _taken(image, keyword)
        if element is not None or keyword != "IssuerOfPatientID":
            made[keyword] = element if element is not None else _element(keyword, None)
    for keyword in CIRCUMSTANCES:
        if (element := _taken(image, keyword)) is not None and not element.is_empty:
            made[keyword] = element


def orient(made: Dataset, image: Dataset) -> None:
    """Say of a picture of an image which way it lies, as the image does, unless its place in space says so."""
    if "ImagePositionPatient" not in image or "FrameOfReferenceUID" not in made:
        made["PatientOrientation"] = _taken(image, "PatientOrientation") or _element("PatientOrientation", None)


def refer(made: Dataset, image: Dataset, frame: int | None) -> None:
    """Name the image that a picture was made of (PS3.3 C.7.6.1.1.4)."""
    purpose, source = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "121322", "DCM"
    purpose.CodeMeaning = "Source image for image processing operation"
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    if frame:
        source.ReferencedFrameNumber = frame
    source.PurposeOfReferenceCodeSequence = [purpose]
    made.SourceImageSequence = [source]


def name_frame(made: Dataset, frame: int | None) -> None:
    """Say wherever a picture names its image which frame of it is meant; nothing of an image of one."""
    for element in made if frame else []:
        for item in element.value if element.VR == "SQ" and element.value else []:
            if element.keyword in ("SourceImageSequence", "ReferencedImageSequence"):
                item.ReferencedFrameNumber = frame
            name_frame(item, frame)


def finish(made: Dataset, images: Sequence[Dataset], written: datetime.datetime) -> Dataset:
    """Make an object the images' patient's, dated, in a character set that holds what it says; returns it.

    Args:
        made: the object, built from the images' headers.
        images: attributes of the images it is about, at least one.
        written: its date and time.
    """
    identify(made, images[0])
    _call_rightly(made, {str(image.SOPInstanceUID): image.SOPClassUID for image in images})
    made.InstanceCreationDate, made.InstanceCreationTime = written.strftime("%Y%m%d"), written.strftime("%H%M%S")
    for keyword, value in (("ContentDate", made.InstanceCreationDate), ("ContentTime", made.InstanceCreationTime)):
        if keyword in made:
            made[keyword] = _element(keyword, value)
    for keyword in ("PresentationCreationDate", "PresentationCreationTime"):
        if keyword in made:
            made[keyword] = _element(keyword, made[keyword.replace("Presentation", "Instance")].value)
    _settle(made, written)
    if "SpecificCharacterSet" in made:
        del made.SpecificCharacterSet
    if any(not text.isascii() for text in _texts(made)):
        made.SpecificCharacterSet = "ISO_IR 192"
    made.file_meta.ImplementationClassUID = UID(uid("implementation"))
    made.file_meta.ImplementationVersionName = f"SENOSCOPE {__version__}"[:16]
    return made


def _call_rightly(made: Dataset, classes: Mapping[str, str]) -> None:
    """Name in every reference the class that the image is of, and not the one that stood in for it."""
    for element in made:
        for item in element.value if element.VR == "SQ" and element.value else []:
            named = classes.get(str(item.get("ReferencedSOPInstanceUID")))
            if named is not None and "ReferencedSOPClassUID" in item:
                item.ReferencedSOPClassUID = named
            _call_rightly(item, classes)


def _settle(made: Dataset, written: datetime.datetime) -> None:
    """Put what the library drew from the clock and from chance in the place of what is the same on repeat."""
    for equipment in made.get("ContributingEquipmentSequence") or []:
        if "ContributionDateTime" in equipment:
            equipment.ContributionDateTime = written.strftime("%Y%m%d%H%M%S")
    dimensions = uid("dimensions", made.SOPInstanceUID)
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in made.get(keyword) or []:
            item.DimensionOrganizationUID = dimensions


def _taken(image: Dataset, keyword: str) -> DataElement | None:
    """An image's attribute; None where it has none, or one that cannot be read."""
    try:
        element = image[keyword]
        value = element.value
    except KeyError:
        return None
    except (ValueError, TypeError, NotImplementedError, OverflowError):
        return None
    return _element(keyword, _kept(keyword, element.VR, value), element.VR)


def _kept(keyword: str, vr: str, value: object) -> object:
    if value is None or vr == "SQ":
        return value
    if vr == "PN":
        # As text, which is written again in the object's own character set.
        return [str(one) for one in value] if isinstance(value, list | tuple) else str(value)
    if keyword == "PatientSex" and str(value) not in _SEXES:
        return None
    form = _FORMS.get(vr)
    several = value if not isinstance(value, str) and hasattr(value, "__iter__") else [value]
    if form and not all(form.fullmatch(str(one).strip()) or str(one) == "" for one in several):
        return None
    return value


def _element(keyword: str, value: object, vr: str | None = None) -> DataElement:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    # What an image holds is taken over, right or wrong: checking it here would only warn.
    return DataElement(tag, vr or dictionary_VR(tag), value, validation_mode=config.IGNORE)


def _texts(made: Dataset) -> Iterator[str]:
    for element in made.iterall():
        if element.VR in _TEXT and element.value is not None:
            yield str(element.value)
