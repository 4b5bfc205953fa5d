"""Our structured reports read back, by pydicom alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.prediction import Flag, Trust
from senoscope.core.errors import InputError
from senoscope.runtime.outputs.dicom import codes
from senoscope.runtime.outputs.dicom.regions import box_of


@dataclass(frozen=True, eq=False)
class ReportedRegion:
    """One region of a report.

    Args:
        label: what it is.
        probability: that it is so.
        corners: (N, 2) columns and rows, or (N, 3) millimetres; the last is the first.
        image: SOP Instance UID of the image it is in; "" where it is in millimetres of a frame of reference.
    """

    label: str
    probability: float
    corners: NDArray[np.float64]
    image: str

    @property
    def box(self) -> Box:
        """The smallest box around it, in whole pixels; only of a region in pixels."""
        return box_of(self.corners)


@dataclass(frozen=True, eq=False)
class Reported:
    """What a report says; the fields mean what they mean in `Answer`.

    Args:
        label: None where the answer is withheld.
        sha256: of the bundle's network.
        images: SOP Instance UIDs of the images that were looked at.
        regions: in the order of the report.
    """

    task: str
    bundle: str
    version: str
    sha256: str
    probabilities: dict[str, float]
    positive: str
    label: str | None
    operating_point: str
    threshold: float | None
    prevalence: float
    trust: Trust
    images: tuple[str, ...]
    regions: tuple[ReportedRegion, ...]

    @property
    def probability(self) -> float:
        """Calibrated probability of the positive label."""
        return self.probabilities[self.positive]


def read_report(document: Dataset) -> Reported:
    """Read a report that `report` or `report_3d` wrote.

    Raises:
        InputError: it is none of ours, or something that we write is not in it.
    """
    try:
        groups = [group for part in _named(document, "126010") for group in _named(part, "125007")]
        return _read(groups[0], [_region(group) for group in groups[1:]])
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        raise InputError("the document is no report of Senoscope", "its TID 1500 groups lack what we write") from error


def _read(group: Dataset, regions: list[ReportedRegion]) -> Reported:
    figures = {code.value: value for code, value, _ in _figures(group)}
    label = [_value(item) for item in _named(group, codes.FINDING.value)]
    parameters = dict(item.TextValue.split("=", 1) for item in _named(group, "111002"))
    trust = Trust(figures[codes.PERCENTILE.value], figures[codes.DISTANCE.value], tuple(_flags(group)))
    point = [_value(item).value for item in _named(group, codes.POINT.value)]
    return Reported(
        task=_value(_named(group, codes.TASK.value)[0]).value,
        bundle=_named(group, "111001")[0].TextValue,
        version=_named(group, "111003")[0].TextValue,
        sha256=parameters["sha256"],
        probabilities={codes.label_of(meant): value for _, value, meant in _figures(group) if meant},
        positive=codes.label_of(_value(_named(group, codes.POSITIVE.value)[0])),
        label=codes.label_of(label[0]) if label else None,
        operating_point=point[0] if point else "",
        threshold=figures.get(codes.THRESHOLD.value),
        prevalence=figures[codes.PREVALENCE.value],
        trust=trust,
        images=tuple(_image(item) for item in group.ContentSequence if item.ValueType == "IMAGE"),
        regions=tuple(regions),
    )


def _region(group: Dataset) -> ReportedRegion:
    figures = {code.value: value for code, value, _ in _figures(group)}
    drawn = next(item for item in group.ContentSequence if item.ValueType in ("SCOORD", "SCOORD3D"))
    flat = drawn.ValueType == "SCOORD"
    return ReportedRegion(
        label=codes.label_of(_value(_named(group, codes.FINDING.value)[0])),
        probability=figures[codes.SCORE.value],
        corners=np.array(drawn.GraphicData, np.float64).reshape(-1, 2 if flat else 3),
        image=_image(drawn.ContentSequence[0]) if flat else "",
    )


def _figures(group: Dataset) -> Iterator[tuple[Code, float, Code | None]]:
    """Each number: what it is called, its value, and the label it is of."""
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            meant = _named(item, codes.LABEL.value) if "ContentSequence" in item else []
            value = item.MeasuredValueSequence[0].FloatingPointValue
            yield _code(item.ConceptNameCodeSequence[0]), float(value), _value(meant[0]) if meant else None


def _flags(group: Dataset) -> Iterator[Flag]:
    for item in group.ContentSequence:
        name = _code(item.ConceptNameCodeSequence[0]).value
        if name in (codes.WARNING.value, codes.ABSTENTION.value):
            severity = "abstain" if name == codes.ABSTENTION.value else "warning"
            message = item.ContentSequence[0].TextValue
            yield Flag(_value(item).value, message, "abstain" if severity == "abstain" else "warning")


def _named(parent: Dataset, code: str) -> list[Dataset]:
    """The items of one name right below another."""
    return [item for item in parent.ContentSequence if _code(item.ConceptNameCodeSequence[0]).value == code]


def _value(item: Dataset) -> Code:
    return _code(item.ConceptCodeSequence[0])


def _code(item: Dataset) -> Code:
    value = item.get("CodeValue") or item.get("LongCodeValue")
    return Code(str(value), str(item.CodingSchemeDesignator), str(item.CodeMeaning))


def _image(item: Dataset) -> str:
    return str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
