"""Structured report of an answer: TID 1500, as Comprehensive SR or, where IHE AIR asks for it, Comprehensive 3D SR."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from senoscope.core.domain.prediction import Flag
from senoscope.core.version import __version__
from senoscope.runtime.outputs.dicom import codes
from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.regions import Outlined, regions_of
from senoscope.runtime.outputs.dicom.subject import MAKER, NOTICE, Source, Subject
from senoscope.runtime.outputs.dicom.uids import uid

SERIES = 9101
SERIES_3D = 9102


def report(subject: Subject) -> list[Dataset]:
    """Comprehensive SR (PS3.3 A.35.3) with regions in pixels of the images.

    Raises:
        MissingExtraError: highdicom is not installed.
    """
    return [_document(subject, "sr", SERIES, three=False)]


def report_3d(subject: Subject) -> list[Dataset]:
    """Comprehensive 3D SR (PS3.3 A.35.13), which IHE AIR asks for; regions in millimetres where the image has a place.

    Raises:
        MissingExtraError: highdicom is not installed.
    """
    return [_document(subject, "sr3d", SERIES_3D, three=True)]


def _document(subject: Subject, kind: str, number: int, *, three: bool) -> Dataset:
    hd = highdicom()
    content = _content(hd, subject, three=three)
    made = (hd.sr.Comprehensive3DSR if three else hd.sr.ComprehensiveSR)(
        evidence=[source.header for source in subject.sources],
        content=content[0],
        **subject.place(kind, number),
        **subject.maker,
        is_complete=True,
        coding_schemes=[
            hd.coding_schemes.CodingSchemeIdentificationItem(codes.OWN, name=codes.OWN_NAME, uid=uid("coding scheme"))
        ],
    )
    return subject.finish(made)


def _content(hd: Any, subject: Subject, *, three: bool) -> Any:
    answer = subject.answer
    groups = [_answer(hd, subject)]
    for source, shown in subject.pairs():
        for place, region in enumerate(regions_of(shown), 1):
            groups.append(_region(hd, subject, source, region, place, three=three))
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=device(hd, subject)),
        procedure_reported=codes.procedure_of(answer),
        imaging_measurements=groups,
        title=hd.sr.CodedConcept("126000", "DCM", "Imaging Measurement Report"),
        language_of_content_item_and_descendants=hd.sr.LanguageOfContentItemAndDescendants(
            hd.sr.CodedConcept("en-GB", "RFC5646", "English (United Kingdom)")
        ),
    )
    # Before the measurements, where TID 1500 has it; highdicom's own asks for what many images do not say.
    content[0].ContentSequence.insert(-1, _library(hd, subject))
    return content


def device(hd: Any, subject: Subject) -> Any:
    """TID 1004: who observed, the bundle as a device; its serial number is the hash of its network."""
    return hd.sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=uid("device", subject.sha256),
            name=MAKER,
            manufacturer_name=MAKER,
            model_name=subject.answer.bundle,
            serial_number=subject.sha256,
        ),
    )


def _library(hd: Any, subject: Subject) -> Any:
    """Image Library of TID 1600: which images were looked at, and of which side."""
    whole, group = (
        hd.sr.ContainerContentItem(name=hd.sr.CodedConcept(*name), relationship_type="CONTAINS")
        for name in (("111028", "DCM", "Image Library"), ("126200", "DCM", "Image Library Group"))
    )
    entries = hd.sr.ContentSequence()
    for source in subject.sources:
        entry = hd.sr.ImageContentItem(
            name=hd.sr.CodedConcept("260753009", "SCT", "Source"),
            **_reference(source),
            relationship_type="CONTAINS",
        )
        if source.laterality:
            side = hd.sr.CodedConcept("111027", "DCM", "Image Laterality")
            value = codes.SIDES[source.laterality]
            item = hd.sr.CodeContentItem(name=side, value=value, relationship_type="HAS ACQ CONTEXT")
            entry.ContentSequence = hd.sr.ContentSequence([item])
        entries.append(entry)
    group.ContentSequence, whole.ContentSequence = entries, hd.sr.ContentSequence([group])
    return whole


def _answer(hd: Any, subject: Subject) -> Any:
    """TID 1501: what is answered, how sure, and how far to trust it."""
    answer = subject.answer
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=subject.uid("answer"), identifier=f"{answer.task} answer"),
        finding_type=None if answer.abstained else codes.label_code(answer.label),
        algorithm_id=_algorithm(hd, subject),
        finding_sites=_sites(hd, subject.sources),
        measurements=list(_figures(hd, subject)),
        qualitative_evaluations=list(_evaluations(hd, subject)),
        source_images=[hd.sr.SourceImageForMeasurementGroup(**_reference(source)) for source in subject.sources],
    )
    for flag in answer.trust.flags:
        group[0].ContentSequence.append(_doubt(hd, flag))
    group[0].ContentSequence.append(_text(hd, codes.COMMENT, f"{NOTICE}.", "CONTAINS"))
    return group


def _region(hd: Any, subject: Subject, source: Source, region: Outlined, place: int, *, three: bool) -> Any:
    """TID 1410: one box or outline, with its own probability."""
    figures = [hd.sr.Measurement(name=codes.SCORE, value=float(region.probability), unit=codes.UNITLESS)]
    if region.pixels is not None:
        unit = hd.sr.CodedConcept("{pixels}", "UCUM", "Pixels")
        figures.append(hd.sr.Measurement(name=codes.PIXELS, value=float(region.pixels), unit=unit))
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=uid(subject.uid("region", source), place), identifier=f"{subject.answer.task} region {place}"
        ),
        referenced_region=_drawn(hd, source, region.corners, three=three),
        finding_type=codes.label_code(region.label),
        finding_category=codes.category_of(region.label),
        algorithm_id=_algorithm(hd, subject),
        finding_sites=_sites(hd, (source,)),
        measurements=figures,
    )


def _drawn(hd: Any, source: Source, corners: NDArray[np.float32], *, three: bool) -> Any:
    placed = in_space(source, corners) if three else None
    if placed is not None:
        frame = str(source.dataset.FrameOfReferenceUID)
        return hd.sr.ImageRegion3D(graphic_type="POLYGON", graphic_data=placed, frame_of_reference_uid=frame)
    return hd.sr.ImageRegion(
        graphic_type="POLYLINE",
        graphic_data=corners,
        source_image=hd.sr.SourceImageForRegion(**_reference(source)),
        pixel_origin_interpretation="VOLUME" if source.is_slide else None,
    )


def in_space(source: Source, corners: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """(N, 3) millimetres of the patient; None where the image does not say where it lies.

    The upper left corner of a picture is half a pixel before the middle of its first one (PS3.3 C.7.6.2.1.1).
    """
    one = source.header
    told = [one.get(name) for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")]
    if any(value is None for value in told) or "FrameOfReferenceUID" not in one:
        return None
    origin, turned, spacing = (np.array([float(part) for part in value]) for value in told if value is not None)
    steps = np.stack([turned[:3] * spacing[1], turned[3:] * spacing[0]])
    placed: NDArray[np.float64] = origin + (corners.astype(np.float64) - 0.5) @ steps
    return placed


def _reference(source: Source) -> dict[str, Any]:
    return {
        "referenced_sop_class_uid": str(source.header.SOPClassUID),
        "referenced_sop_instance_uid": str(source.dataset.SOPInstanceUID),
        "referenced_frame_numbers": [source.frame] if source.frame else None,
    }


def _algorithm(hd: Any, subject: Subject) -> Any:
    """TID 4019."""
    answer = subject.answer
    said = (f"sha256={subject.sha256}", f"senoscope={__version__}")
    return hd.sr.AlgorithmIdentification(
        name=answer.bundle, version=answer.version, parameters=said, family=codes.ARTIFICIAL_INTELLIGENCE
    )


def _sites(hd: Any, sources: tuple[Source, ...]) -> list[Any]:
    sides = sorted({source.laterality for source in sources} - {""})
    return [hd.sr.FindingSite(anatomic_location=codes.SIDES[side]) for side in sides] or [
        hd.sr.FindingSite(anatomic_location=codes.BREAST)
    ]


def _figures(hd: Any, subject: Subject) -> Iterator[Any]:
    answer = subject.answer
    for label, chance in answer.probabilities.items():
        one = hd.sr.Measurement(name=codes.probability_code(answer, label), value=float(chance), unit=codes.UNITLESS)
        meant = hd.sr.CodeContentItem(
            name=codes.LABEL, value=codes.label_code(label), relationship_type="HAS CONCEPT MOD"
        )
        one[0].ContentSequence = hd.sr.ContentSequence([meant])
        yield one
    figures = [
        (codes.PREVALENCE, answer.prevalence, codes.UNITLESS),
        (codes.PERCENTILE, answer.trust.percentile, codes.PERCENT),
        (codes.DISTANCE, answer.trust.distance, codes.UNITLESS),
    ]
    if answer.threshold is not None:
        figures.append((codes.THRESHOLD, answer.threshold, codes.UNITLESS))
    for name, value, unit in figures:
        yield hd.sr.Measurement(name=name, value=float(value), unit=unit)


def _evaluations(hd: Any, subject: Subject) -> Iterator[Any]:
    answer = subject.answer
    words = ((codes.TASK, answer.task), (codes.POINT, answer.operating_point))
    for name, word in words:
        if word:
            value = hd.sr.CodedConcept(word, codes.OWN, word.replace("_", " "))
            yield hd.sr.QualitativeEvaluation(name=name, value=value)
    yield hd.sr.QualitativeEvaluation(name=codes.POSITIVE, value=codes.label_code(answer.positive))


def _doubt(hd: Any, flag: Flag) -> Any:
    name = codes.ABSTENTION if flag.severity == "abstain" else codes.WARNING
    value = hd.sr.CodedConcept(flag.code, codes.OWN, flag.code.replace("_", " "))
    one = hd.sr.CodeContentItem(name=name, value=value, relationship_type="CONTAINS")
    one.ContentSequence = hd.sr.ContentSequence([_text(hd, codes.COMMENT, flag.message, "HAS PROPERTIES")])
    return one


def _text(hd: Any, name: Any, value: str, relation: str) -> Any:
    return hd.sr.TextContentItem(name=name, value=value, relationship_type=relation)
