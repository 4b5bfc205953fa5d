"""Content items of structured reports as plain datasets, for templates that highdicom does not know (PS3.3 C.17.3)."""

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.valuerep import DS

CONTAINS, PROPERTIES, MODIFIER = "CONTAINS", "HAS PROPERTIES", "HAS CONCEPT MOD"
CONTEXT, ACQUIRED, INFERRED, SELECTED = "HAS OBS CONTEXT", "HAS ACQ CONTEXT", "INFERRED FROM", "SELECTED FROM"


def coded(code: Code) -> Dataset:
    """A code; one longer than 16 characters is a long one (PS3.3 8.8)."""
    one = Dataset()
    setattr(one, "CodeValue" if len(code.value) <= 16 else "LongCodeValue", code.value)
    one.CodingSchemeDesignator, one.CodeMeaning = code.scheme_designator, code.meaning
    return one


def container(relation: str, name: Code, children: Iterable[Dataset]) -> Dataset:
    """A heading with what is below it."""
    one = _item(relation, "CONTAINER", name, children)
    one.ContinuityOfContent = "SEPARATE"
    return one


def code(relation: str, name: Code, value: Code, children: Iterable[Dataset] = ()) -> Dataset:
    """A coded value."""
    one = _item(relation, "CODE", name, children)
    one.ConceptCodeSequence = [coded(value)]
    return one


def text(relation: str, name: Code, value: str) -> Dataset:
    """Words."""
    one = _item(relation, "TEXT", name)
    one.TextValue = value
    return one


def date(relation: str, name: Code, value: str | None) -> Iterator[Dataset]:
    """A day, as `YYYYMMDD`; nothing where it is none."""
    if value and re.fullmatch(r"\d{8}", str(value)):
        one = _item(relation, "DATE", name)
        one.Date = str(value)
        yield one


def number(relation: str, name: Code, value: float, unit: Code, children: Iterable[Dataset] = ()) -> Dataset:
    """A number with its unit; the decimal string is as near as 16 characters come."""
    one, measured = _item(relation, "NUM", name, children), Dataset()
    measured.NumericValue, measured.FloatingPointValue = DS(float(value), auto_format=True), float(value)
    measured.MeasurementUnitsCodeSequence = [coded(unit)]
    one.MeasuredValueSequence = [measured]
    return one


def image(relation: str, source: Dataset, frame: int | None, children: Iterable[Dataset] = ()) -> Dataset:
    """An image."""
    one, named = _item(relation, "IMAGE", None, children), Dataset()
    named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    if frame:
        named.ReferencedFrameNumber = frame
    one.ReferencedSOPSequence = [named]
    return one


def drawn(relation: str, name: Code, kind: str, corners: NDArray[np.float32], target: Sequence[int]) -> Dataset:
    """A point or line in columns and rows of the image at another place of the same document."""
    one = _item(relation, "SCOORD", name, [pointer(SELECTED, target)])
    one.GraphicType, one.GraphicData = kind, [float(value) for value in corners.ravel()]
    return one


def pointer(relation: str, target: Sequence[int]) -> Dataset:
    """The item at another place of the same document: positions from 1 down from the root, which is 1 itself."""
    one = Dataset()
    one.RelationshipType, one.ReferencedContentItemIdentifier = relation, list(target)
    return one


def _item(relation: str, kind: str, name: Code | None, children: Iterable[Dataset] = ()) -> Dataset:
    one, below = Dataset(), list(children)
    if relation:
        one.RelationshipType = relation
    one.ValueType = kind
    if name is not None:
        one.ConceptNameCodeSequence = [coded(name)]
    if below:
        one.ContentSequence = below
    return one
