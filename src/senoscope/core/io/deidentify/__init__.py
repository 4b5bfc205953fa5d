"""DICOM without the patient: PS3.15 Annex E, Basic Application Level Confidentiality Profile, from its own table."""

from senoscope.core.io.deidentify.job import Outcome, Settings, deidentify
from senoscope.core.io.deidentify.keys import Key, load_key
from senoscope.core.io.deidentify.report import report

__all__ = ["Key", "Outcome", "Settings", "deidentify", "load_key", "report"]
