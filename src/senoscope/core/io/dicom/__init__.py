"""DICOM files: their pictures, what their headers know, and folders of them."""

from senoscope.core.io.dicom.archive import Archive, DicomFile, Patient, Refused, Series, Study
from senoscope.core.io.dicom.facts import Facts, read_facts
from senoscope.core.io.dicom.folder import scan
from senoscope.core.io.dicom.phases import Phase, dynamics_of
from senoscope.core.io.dicom.reading import READERS, read_frame

__all__ = [
    "READERS",
    "Archive",
    "DicomFile",
    "Facts",
    "Patient",
    "Phase",
    "Refused",
    "Series",
    "Study",
    "dynamics_of",
    "read_facts",
    "read_frame",
    "scan",
]
