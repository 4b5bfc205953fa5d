"""What headers know of pictures, typed."""

from senoscope.core.io.dicom.facts.breast import BreastView
from senoscope.core.io.dicom.facts.facts import Facts, Ids
from senoscope.core.io.dicom.facts.flips import Flip
from senoscope.core.io.dicom.facts.headers import facts_if_dicom, facts_in, read_facts
from senoscope.core.io.dicom.facts.spacing import Spacing
from senoscope.core.io.dicom.facts.times import Times
from senoscope.core.io.dicom.facts.ultrasound import UltrasoundRegion

__all__ = [
    "BreastView",
    "Facts",
    "Flip",
    "Ids",
    "Spacing",
    "Times",
    "UltrasoundRegion",
    "facts_if_dicom",
    "facts_in",
    "read_facts",
]
