"""Mammography CAD SR: what mammography stations have shown as marks since long before there was TID 1500.

Content is of PS3.16 TID 4000 and the templates it includes. What was found and where are single image findings; an
answer without places is an overall impression; an answer that is withheld is a failed algorithm, with the reasons.
"""

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from senoscope.core.domain.boxes import BoxPrediction
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.errors import UsageError
from senoscope.runtime.outputs.dicom import codes
from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.regions import Outlined, regions_of
from senoscope.runtime.outputs.dicom.reports.items import (
    CONTAINS,
    INFERRED,
    MODIFIER,
    PROPERTIES,
    code,
    coded,
    container,
    drawn,
    number,
    pointer,
    text,
)
from senoscope.runtime.outputs.dicom.reports.mammography_library import entry
from senoscope.runtime.outputs.dicom.subject import NOTICE, Subject

SERIES = 9103
SOP_CLASS = "1.2.840.10008.5.1.4.1.1.88.50"
LIBRARY = (1, 2)
"""Place of the Image Library in the document: the second item below the root."""

SELECTED_REGION = Code("111099", "DCM", "Selected region")
"""Of CID 6014 the one finding that says no more than that something is there."""

SUCCEEDED = Code("111222", "DCM", "Succeeded")
FAILED = Code("111224", "DCM", "Failed")
NOT_ATTEMPTED = Code("111225", "DCM", "Not Attempted")
RENDERING = Code("111056", "DCM", "Rendering Intent")
REQUIRED = Code("111150", "DCM", "Presentation Required: Rendering device is expected to present")
ANALYSES = {"density": Code("133890006", "SCT", "Breast composition analysis")}
IMPRESSION = Code("111234", "DCM", "Overall Impression/Recommendation Analysis")


def mammography_cad(subject: Subject) -> list[Dataset]:
    """Mammography CAD SR (PS3.3 A.35.5) of an answer to mammograms.

    Raises:
        UsageError: an image is no mammogram.
        MissingExtraError: highdicom is not installed.
    """
    other = [str(one.dataset.get("Modality")) for one in subject.sources if one.dataset.get("Modality") != "MG"]
    if other:
        raise UsageError(f"a mammography CAD report is of mammograms; this is {other[0]}", "write a report: --dicom sr")
    made: Dataset = highdicom().SOPClass(
        study_instance_uid=str(subject.sources[0].dataset.StudyInstanceUID),
        sop_class_uid=SOP_CLASS,
        modality="SR",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        **subject.place("cad", SERIES),
        **subject.maker,
    )
    made.CompletionFlag, made.VerificationFlag, made.PreliminaryFlag = "COMPLETE", "UNVERIFIED", "PRELIMINARY"
    made.PerformedProcedureCodeSequence, made.ReferencedPerformedProcedureStepSequence = [], []
    made.CurrentRequestedProcedureEvidenceSequence = [_evidence(subject)]
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.ConceptNameCodeSequence = [coded(Code("111036", "DCM", "Mammography CAD Report"))]
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "4000"
    made.ContentTemplateSequence, made.ContentSequence = [template], list(_content(subject))
    return [subject.finish(made)]


def _evidence(subject: Subject) -> Dataset:
    study = Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = subject.sources[0].dataset.StudyInstanceUID, []
    for uid in dict.fromkeys(str(source.dataset.SeriesInstanceUID) for source in subject.sources):
        series = Dataset()
        series.SeriesInstanceUID, series.ReferencedSOPSequence = uid, []
        for image in (source.dataset for source in subject.sources):
            if image.SeriesInstanceUID == uid:
                one = Dataset()
                one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
                series.ReferencedSOPSequence.append(one)
        study.ReferencedSeriesSequence.append(series)
    return study


def _content(subject: Subject) -> Iterator[Dataset]:
    language = Code("en-GB", "RFC5646", "English (United Kingdom)")
    yield code(MODIFIER, Code("121049", "DCM", "Language of Content Item and Descendants"), language)
    library = [entry(source) for source in subject.sources]
    yield container(CONTAINS, Code("111028", "DCM", "Image Library"), library)
    findings = [
        _impression(subject, region, place)
        for place, (_, shown) in enumerate(subject.pairs(), 1)
        for region in regions_of(shown)
    ]
    yield code(
        CONTAINS,
        Code("111017", "DCM", "CAD Processing and Findings Summary"),
        _summary(subject, found=bool(findings)),
        [*_overall(subject), *findings],
    )
    detects = isinstance(subject.answer, BoxPrediction | OutlinePrediction)
    yield _performed(subject, Code("111064", "DCM", "Summary of Detections"), attempted=detects, detection=True)
    yield _performed(subject, Code("111065", "DCM", "Summary of Analyses"), attempted=not detects, detection=False)


def _summary(subject: Subject, *, found: bool) -> Code:
    """CID 6047; a positive label without a place is no finding in the sense of this report."""
    if subject.answer.abstained:
        return Code("111245", "DCM", "No algorithms succeeded; without findings")
    if found:
        return Code("111242", "DCM", "All algorithms succeeded; with findings")
    return Code("111241", "DCM", "All algorithms succeeded; without findings")


def _overall(subject: Subject) -> Iterator[Dataset]:
    """TID 4002 of the whole answer: its words, the algorithm, and of cancer the probability."""
    answer = subject.answer
    reasons = " ".join(flag.message for flag in answer.trust.flags)
    chance = f"{answer.label}; {answer.positive} {answer.probability:.3f} at a prevalence of {answer.prevalence:.3f}."
    said = " ".join(part for part in ("No answer." if answer.abstained else chance, reasons, f"{NOTICE}.") if part)
    yield text(PROPERTIES, Code("111033", "DCM", "Impression Description"), said)
    yield from _algorithm(subject)
    if not answer.abstained and answer.positive in codes.CANCER:
        sides = sorted({source.laterality for source in subject.sources})
        below = []
        if sides in (["L"], ["R"]):
            below = [code(MODIFIER, Code("272741003", "SCT", "Laterality"), codes.SIDES[sides[0]])]
        yield number(PROPERTIES, codes.PROBABILITY_OF_CANCER, 100 * answer.probability, codes.PERCENT, below)


def _impression(subject: Subject, region: Outlined, place: int) -> Dataset:
    """TID 4003 of one single image finding, TID 4006: how sure, and where."""
    target = (*LIBRARY, place)
    center = np.array([region.center], np.float32)
    below = [
        code(MODIFIER, RENDERING, REQUIRED),
        *_algorithm(subject),
        number(PROPERTIES, Code("111012", "DCM", "Certainty of Finding"), 100 * region.probability, codes.PERCENT),
        text(PROPERTIES, Code("111058", "DCM", "Selected Region Description"), region.label),
        drawn(PROPERTIES, Code("111010", "DCM", "Center"), "POINT", center, target),
        drawn(PROPERTIES, Code("111041", "DCM", "Outline"), "POLYLINE", region.corners, target),
    ]
    finding = code(CONTAINS, Code("111059", "DCM", "Single Image Finding"), SELECTED_REGION, below)
    name = Code("111034", "DCM", "Individual Impression/Recommendation")
    return container(INFERRED, name, [code(MODIFIER, RENDERING, REQUIRED), finding])


def _performed(subject: Subject, name: Code, *, attempted: bool, detection: bool) -> Dataset:
    """TID 4015 or 4016: what was tried, and whether it went well."""
    if not attempted:
        return code(CONTAINS, name, NOT_ATTEMPTED)
    failed = subject.answer.abstained
    if detection:
        title = Code("111025", "DCM", "Failed Detections") if failed else Code("111063", "DCM", "Successful Detections")
        what, kind = Code("111022", "DCM", "Detection Performed"), SELECTED_REGION
    else:
        title = Code("111024", "DCM", "Failed Analyses") if failed else Code("111062", "DCM", "Successful Analyses")
        what, kind = Code("111004", "DCM", "Analysis Performed"), ANALYSES.get(subject.answer.task, IMPRESSION)
    images = [pointer(INFERRED, (*LIBRARY, place)) for place in range(1, len(subject.sources) + 1)]
    one = code(CONTAINS, what, kind, [*_algorithm(subject), *images])
    return code(CONTAINS, name, FAILED if failed else SUCCEEDED, [container(INFERRED, title, [one])])


def _algorithm(subject: Subject) -> Iterator[Dataset]:
    """TID 4019."""
    answer = subject.answer
    yield text(PROPERTIES, Code("111001", "DCM", "Algorithm Name"), answer.bundle)
    yield text(PROPERTIES, Code("111003", "DCM", "Algorithm Version"), answer.version)
    point = f"operating point {answer.operating_point}" if answer.operating_point else "no operating point"
    for said in (point, f"sha256 {subject.sha256}"):
        yield text(PROPERTIES, Code("111002", "DCM", "Algorithm Parameters"), said)
