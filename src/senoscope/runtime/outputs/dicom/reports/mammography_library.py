"""Entries of a mammography CAD report's image library: which film, of which breast, seen from where (TID 4020)."""

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from senoscope.runtime.outputs.dicom import codes
from senoscope.runtime.outputs.dicom.identity import header
from senoscope.runtime.outputs.dicom.reports.items import ACQUIRED, CONTAINS, MODIFIER, code, date, image, number, text
from senoscope.runtime.outputs.dicom.subject import Source

MICROMETRES = Code("um", "UCUM", "micrometer")
VIEWS = {
    "CC": Code("399162004", "SCT", "cranio-caudal"),
    "MLO": Code("399368009", "SCT", "medio-lateral oblique"),
    "ML": Code("399260004", "SCT", "medio-lateral"),
    "LM": Code("399352003", "SCT", "latero-medial"),
    "LMO": Code("399099002", "SCT", "latero-medial oblique"),
    "XCCL": Code("399192008", "SCT", "cranio-caudal exaggerated laterally"),
    "XCCM": Code("399101009", "SCT", "cranio-caudal exaggerated medially"),
    "FB": Code("399196006", "SCT", "caudo-cranial"),
}
"""Views by the words of View Position (CID 4014), for films that give no code."""


def entry(source: Source) -> Dataset:
    """One film; what it does not say of itself is left out."""
    return image(CONTAINS, source.dataset, source.frame, _said(source))


def _said(source: Source) -> Iterator[Dataset]:
    one = header(source.dataset)
    if source.laterality:
        yield code(ACQUIRED, Code("111027", "DCM", "Image Laterality"), codes.SIDES[source.laterality])
    yield from _view(source)
    orientation = list(one.get("PatientOrientation") or [])
    if len(orientation) == 2:
        yield text(ACQUIRED, Code("111044", "DCM", "Patient Orientation Row"), str(orientation[0]))
        yield text(ACQUIRED, Code("111043", "DCM", "Patient Orientation Column"), str(orientation[1]))
    yield from date(ACQUIRED, Code("111060", "DCM", "Study Date"), source.dataset.get("StudyDate"))
    spacing = one.get("ImagerPixelSpacing")
    if spacing:
        yield number(ACQUIRED, Code("111026", "DCM", "Horizontal Pixel Spacing"), 1e3 * float(spacing[1]), MICROMETRES)
        yield number(ACQUIRED, Code("111066", "DCM", "Vertical Pixel Spacing"), 1e3 * float(spacing[0]), MICROMETRES)


def _view(source: Source) -> Iterator[Dataset]:
    name = Code("111031", "DCM", "Image View")
    given = source.dataset.get("ViewCodeSequence")
    if given and given[0].get("CodeValue"):
        found, changes = given[0], given[0].get("ViewModifierCodeSequence") or []
        modifier = Code("111032", "DCM", "Image View Modifier")
        yield code(ACQUIRED, name, _own(found), [code(MODIFIER, modifier, _own(one)) for one in changes])
    elif (known := VIEWS.get(str(source.dataset.get("ViewPosition") or ""))) is not None:
        yield code(ACQUIRED, name, known)


def _own(item: Dataset) -> Code:
    return Code(str(item.CodeValue), str(item.CodingSchemeDesignator), str(item.CodeMeaning))
