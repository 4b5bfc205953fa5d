"""Predictions as FHIR: a DiagnosticReport with its Observations, in a Bundle, after HL7's DICOM SR mapping guide.

The guide (HL7 "DICOM SR to FHIR Resource Mapping", 1.0.0) turns a measurement group into an Observation whose members
are the measurements and evaluations. What FHIR has no place for keeps its DICOM code.
"""

import re
import uuid
from collections.abc import Iterator
from typing import Any, Literal

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from senoscope.core.domain.prediction import Answer, Flag
from senoscope.core.version import __version__
from senoscope.runtime.outputs.dicom import NOTICE, Subject, codes
from senoscope.runtime.outputs.dicom.regions import Outlined, regions_of
from senoscope.runtime.outputs.dicom.subject import MAKER, Source
from senoscope.runtime.outputs.dicom.uids import NAMESPACE, uid

Release = Literal["R4B", "R5"]
Resource = dict[str, Any]

SYSTEMS = {
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "LN": "http://loinc.org",
    codes.OWN: f"urn:oid:{uid('coding scheme')}",
}
GROUP = Code("125007", "DCM", "Measurement Group")
REGION = Code("111030", "DCM", "Image Region")
STUDY = Code("18748-4", "LN", "Diagnostic imaging study")
_UIDS = "urn:dicom:uid"


def bundle(subject: Subject, release: Release = "R5") -> Resource:
    """A `Bundle` of kind collection: report, patient, device and observations, as plain data for JSON.

    Identifiers of resources are the same on repeat. Patient and study are told by what the images say, and by no more:
    a receiver matches them by identifier. A withheld answer has no label, and a reason in the place of a probability.

    Args:
        subject: the answer and its images.
        release: of FHIR; R4B has no ImagingSelection, so that there a region is written out in words.
    """
    patient, device = _patient(subject), _device(subject)
    members = [*_chances(subject), *_regions(subject, release)]
    group = _group(subject, members)
    observations = [group, *members]
    for one in observations:
        one["subject"], one["device"] = {"reference": _link(patient)}, {"reference": _link(device)}
    report = _report(subject, release, observations, patient)
    entries = [{"fullUrl": _link(one), "resource": one} for one in (report, patient, device, *observations)]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": _instant(subject), "entry": entries}


def _report(subject: Subject, release: Release, results: list[Resource], patient: Resource) -> Resource:
    answer, first = subject.answer, subject.sources[0].dataset
    made = {
        **_resource("DiagnosticReport", subject, "report"),
        "status": "preliminary",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
        "code": {**_concept(STUDY), "text": f"{answer.task}: {NOTICE}"},
        "subject": {"reference": _link(patient)},
        "issued": _instant(subject),
        "result": [{"reference": _link(one)} for one in results],
        "imagingStudy" if release == "R4B" else "study": [_study(first)],
        "conclusion": _conclusion(answer),
    }
    if (day := _day(first.get("StudyDate"))) is not None:
        made["effectiveDateTime"] = day
    if not answer.abstained:
        made["conclusionCode"] = [_concept(codes.label_code(answer.label))]
    return made


def _group(subject: Subject, members: list[Resource]) -> Resource:
    answer = subject.answer
    return {
        **_observation(subject, "group", GROUP),
        "identifier": [_named(subject.uid("answer"))],
        "derivedFrom": [_study(subject.sources[0].dataset)],
        "hasMember": [{"reference": _link(one)} for one in members],
        "component": list(_components(answer)),
        "note": [{"text": f"{NOTICE}."}],
        "bodySite": _concept(codes.BREAST),
    }


def _components(answer: Answer) -> Iterator[Resource]:
    if not answer.abstained:
        yield _said(codes.FINDING, codes.label_code(answer.label))
    yield _said(codes.TASK, Code(answer.task, codes.OWN, answer.task))
    if answer.operating_point:
        yield _said(codes.POINT, Code(answer.operating_point, codes.OWN, answer.operating_point))
    yield {"code": _concept(codes.PREVALENCE), "valueQuantity": _quantity(answer.prevalence)}
    if answer.threshold is not None:
        yield {"code": _concept(codes.THRESHOLD), "valueQuantity": _quantity(answer.threshold)}
    percentile = {**_quantity(answer.trust.percentile), "unit": "%", "code": "%"}
    yield {"code": _concept(codes.PERCENTILE), "valueQuantity": percentile}
    yield {"code": _concept(codes.DISTANCE), "valueQuantity": _quantity(answer.trust.distance)}
    for flag in answer.trust.flags:
        yield _doubt(flag)


def _doubt(flag: Flag) -> Resource:
    name = codes.ABSTENTION if flag.severity == "abstain" else codes.WARNING
    one = _said(name, Code(flag.code, codes.OWN, flag.code.replace("_", " ")))
    one["valueCodeableConcept"]["text"] = flag.message
    return one


def _chances(subject: Subject) -> Iterator[Resource]:
    answer = subject.answer
    for label, chance in answer.probabilities.items():
        one = _observation(subject, f"probability {label}", codes.probability_code(answer, label))
        one["code"]["text"] = f"probability of {label}"
        one["derivedFrom"] = [_study(subject.sources[0].dataset)]
        if answer.abstained:
            absent = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}
            one["dataAbsentReason"] = {"coding": [absent], "text": _conclusion(answer)}
        else:
            one["valueQuantity"] = _quantity(chance)
        yield one


def _regions(subject: Subject, release: Release) -> Iterator[Resource]:
    for source, shown in subject.pairs():
        for place, region in enumerate(regions_of(shown), 1):
            one = _observation(subject, f"region {source.dataset.SOPInstanceUID} {source.frame} {place}", codes.SCORE)
            one["identifier"] = [_named(uid(subject.uid("region", source), place))]
            one["code"]["text"] = f"{region.label}, region {place}"
            one["valueQuantity"] = _quantity(region.probability)
            one["bodySite"] = _concept(codes.SIDES.get(source.laterality, codes.BREAST))
            if release == "R4B":
                line = " ".join(f"{value:g}" for value in region.corners.ravel())
                where = f"{source.dataset.SOPInstanceUID} frame {source.frame or 1} POLYLINE {line}"
                one["component"] = [{"code": _concept(REGION), "valueString": where}]
                one["derivedFrom"] = [_study(source.dataset)]
            else:
                one["contained"] = [_selection(source, region)]
                one["derivedFrom"] = [{"reference": "#region"}]
            yield one


def _selection(source: Source, region: Outlined) -> Resource:
    """R5's ImagingSelection: the image, and the line in it."""
    image = source.dataset
    instance: Resource = {
        "uid": str(image.SOPInstanceUID),
        "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{image.SOPClassUID}"},
        "imageRegion2D": [{"regionType": "polyline", "coordinate": [float(value) for value in region.corners.ravel()]}],
    }
    if source.frame:
        instance["subset"] = [str(source.frame)]
    return {
        "resourceType": "ImagingSelection",
        "id": "region",
        "status": "available",
        "code": _concept(REGION),
        "studyUid": str(image.StudyInstanceUID),
        "seriesUid": str(image.SeriesInstanceUID),
        "instance": [instance],
    }


def _patient(subject: Subject) -> Resource:
    """Of the patient what the image says: number, names, sex, birthday."""
    first = subject.sources[0].dataset
    made = _resource("Patient", subject, "patient")
    if number := str(first.get("PatientID") or "").strip():
        made["identifier"] = [{"value": number}]
    names = [_name(part) for part in str(first.get("PatientName") or "").split("=")]
    if any(names):
        made["name"] = [name for name in names if name]
    sexes = {"M": "male", "F": "female", "O": "other"}
    if (sex := sexes.get(str(first.get("PatientSex") or ""))) is not None:
        made["gender"] = sex
    if (day := _day(first.get("PatientBirthDate"))) is not None:
        made["birthDate"] = day
    return made


def _name(part: str) -> Resource:
    family, given, middle, *_ = (word.strip() for word in [*part.split("^"), "", "", ""])
    made: Resource = {"family": family} if family else {}
    first = [word for word in (given, middle) if word]
    return {**made, "given": first} if first else made


def _device(subject: Subject) -> Resource:
    answer = subject.answer
    made = _resource("Device", subject, "device")
    # By the kind of version alone R4B and R5 agree; their fields for names do not.
    versions = [{"value": f"senoscope {__version__}"}, {"value": f"{answer.bundle} {answer.version}"}]
    return {**made, "manufacturer": MAKER, "modelNumber": answer.bundle, "version": versions} | {
        "serialNumber": subject.sha256,
        "identifier": [_named(uid("device", subject.sha256))],
    }


def _observation(subject: Subject, what: str, code: Code) -> Resource:
    return {**_resource("Observation", subject, what), "status": "preliminary", "code": _concept(code)}


def _resource(kind: str, subject: Subject, what: str) -> Resource:
    return {"resourceType": kind, "id": str(uuid.uuid5(NAMESPACE, f"{subject.uid('fhir')} {what}"))}


def _link(one: Resource) -> str:
    return f"urn:uuid:{one['id']}"


def _named(value: str) -> Resource:
    return {"system": _UIDS, "value": f"urn:oid:{value}"}


def _study(image: Dataset) -> Resource:
    return {"type": "ImagingStudy", "identifier": _named(str(image.StudyInstanceUID))}


def _concept(code: Code) -> Resource:
    system = SYSTEMS[code.scheme_designator]
    return {"coding": [{"system": system, "code": code.value, "display": code.meaning}]}


def _said(name: Code, value: Code) -> Resource:
    return {"code": _concept(name), "valueCodeableConcept": _concept(value)}


def _quantity(value: float) -> Resource:
    return {"value": float(value), "unit": "1", "system": SYSTEMS["UCUM"], "code": "1"}


def _conclusion(answer: Answer) -> str:
    doubts = " ".join(flag.message for flag in answer.trust.flags)
    chance = f"{answer.label}: {answer.positive} {answer.probability:.3f} at a prevalence of {answer.prevalence:.3f}."
    return " ".join(part for part in ("No answer." if answer.abstained else chance, doubts, f"{NOTICE}.") if part)


def _instant(subject: Subject) -> str:
    return subject.written.astimezone().isoformat(timespec="seconds")


def _day(value: object) -> str | None:
    said = str(value or "")
    return f"{said[:4]}-{said[4:6]}-{said[6:]}" if re.fullmatch(r"\d{8}", said) else None
