"""What a de-identified object says about itself (PS3.15 E.1.1, PS3.3 C.12.1.1.9), and the head of its file."""

from typing import TYPE_CHECKING

from senoscope.core.io.deidentify.kinds import BURNED_IN, said
from senoscope.core.io.deidentify.standard.table import EDITION, OPTIONS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileMetaDataset

    from senoscope.core.io.deidentify.pictures.pixels import Blanked

BASIC = ("113100", "Basic Application Confidentiality Profile")
PIXELS_CLEANED = ("113101", "Clean Pixel Data Option")

IMPLEMENTATION = "2.25.203387915172219839407284350196811475423"
"""Implementation Class UID of files written here."""

IMPLEMENTATION_NAME = "SENOSCOPE"


def mark(dataset: "Dataset", options: frozenset[str], blanked: "Blanked | None") -> None:
    """Say that and how an object was de-identified.

    Clean Pixel Data is claimed, and Burned In Annotation is NO, where everything outside the ultrasound regions is
    blank. Where words were only searched for, a picture may hold more of them: an answer YES stays, another goes.

    Args:
        dataset: after everything else.
        options: columns of the table that were applied.
        blanked: what was done to the pixels; None where they were left alone.
    """
    proven = blanked is not None and blanked.regions
    codes = [BASIC, *([PIXELS_CLEANED] if proven else []), *(OPTIONS[name] for name in OPTIONS if name in options)]
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = ["Senoscope", f"DICOM PS3.15 {EDITION} Annex E"]
    dataset.DeidentificationMethodCodeSequence = [_code(value, meaning) for value, meaning in codes]
    dataset.LongitudinalTemporalInformationModified = "MODIFIED" if "modified_dates" in options else "REMOVED"
    if proven:
        dataset.BurnedInAnnotation = "NO"
    elif blanked is not None and BURNED_IN in dataset and said(dataset, BURNED_IN).upper() != "YES":
        del dataset[BURNED_IN]


def file_meta(dataset: "Dataset", syntax: str) -> "FileMetaDataset":
    """Return file meta information that holds what must be there and nothing of the source's."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(said(dataset, 0x00080016))
    meta.MediaStorageSOPInstanceUID = UID(said(dataset, 0x00080018))
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    return meta


def _code(value: str, meaning: str) -> "Dataset":
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code
