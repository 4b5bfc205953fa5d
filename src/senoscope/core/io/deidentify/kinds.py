"""Which objects are de-identified, which show words in their pixels, and which are refused."""

from typing import TYPE_CHECKING

from senoscope.core.errors import UnsupportedImageError
from senoscope.core.io.deidentify.values import texts

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORED = "1.2.840.10008.5.1.4.1.1."
_DIRECTORY = "1.2.840.10008.1.3.10"
_SR, _DOCUMENTS, _SECONDARY = f"{_STORED}88.", f"{_STORED}104.", f"{_STORED}7"
_ULTRASOUND = tuple(_STORED + number for number in ("3.1", "6.1", "6.2", "3", "6"))

BURNED_IN, REGIONS, PIXELS = 0x00280301, 0x00186011, 0x7FE00010

IDENTITY = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
"""SOP Class UID, SOP Instance UID, Study Instance UID, Series Instance UID."""


def said(dataset: "Dataset", tag: int) -> str:
    """Return the first value of an attribute as text, "" where it is absent or empty."""
    values = texts(dataset[tag]) if tag in dataset else []
    return values[0].strip() if values else ""


def check_kind(dataset: "Dataset", identity: list[str]) -> None:
    """Refuse objects that cannot be made safe, or that are none.

    Args:
        dataset: the object.
        identity: its `IDENTITY`.

    Raises:
        UnsupportedImageError: a directory, a report or document (both are free text, which would have to be read), an
            object without class or identity, or with pixels at the end of an address.
    """
    sop_class, instance = identity[:2]
    if 0x00041220 in dataset or sop_class == _DIRECTORY:
        raise UnsupportedImageError("a DICOMDIR lists other files by name", "make a new one from the results")
    if not sop_class or not instance:
        raise UnsupportedImageError("says neither what it is nor which one", "no object of the standard lacks these")
    if sop_class.startswith(_SR) or 0x0040A730 in dataset:
        raise UnsupportedImageError("a report is free text, which may name anybody", "keep it with the originals")
    if sop_class.startswith(_DOCUMENTS) or 0x00420011 in dataset:
        raise UnsupportedImageError("a document within DICOM may name anybody", "keep it with the originals")
    if 0x00287FE0 in dataset:
        raise UnsupportedImageError("its pixels lie on a server", "export it with its pixels")


def shows_words(dataset: "Dataset", sop_class: str) -> bool:
    """Whether the pixels of an object are known to show words: ultrasound, screenshots, or because it says so."""
    if PIXELS not in dataset:
        return False
    answer = said(dataset, BURNED_IN).upper()
    if answer in ("YES", "NO"):
        return answer == "YES"
    secondary = sop_class == _SECONDARY or sop_class.startswith(f"{_SECONDARY}.")
    return secondary or sop_class in _ULTRASOUND or said(dataset, 0x00080060) in ("US", "IVUS", "OT", "SC")
