"""FHIR bundles, by models of both releases."""

import dataclasses
import json
import warnings
from typing import Any

import fhir.resources  # noqa: F401
import pytest

from senoscope.runtime.outputs.dicom import NOTICE
from senoscope.runtime.outputs.fhir import Release, bundle
from tests.makers.dicom_answers import ANSWERS, REFUSAL, subject_of
from tests.makers.dicom_sources import IDENTITIES

every_release = pytest.mark.parametrize("release", ["R4B", "R5"])


def checked(made: dict[str, Any], release: Release) -> dict[str, list[dict[str, Any]]]:
    """The resources by kind, once the models of the release have taken them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydantic, about the models
        if release == "R4B":
            from fhir.resources.R4B.bundle import Bundle
        else:
            from fhir.resources.bundle import Bundle  # type: ignore[assignment]
    text = json.dumps(made, allow_nan=False)
    taken = json.loads(Bundle.model_validate_json(text).model_dump_json())
    assert len(taken["entry"]) == len(made["entry"])
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in json.loads(text)["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def with_code(observations: list[dict[str, Any]], code: str) -> list[dict[str, Any]]:
    return [one for one in observations if one["code"]["coding"][0]["code"] == code]


@every_release
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_the_models_of_the_release_take_it(release: Release, identity: str, answer: str) -> None:
    found = checked(bundle(subject_of(answer, "MG", identity), release), release)

    assert len(found["DiagnosticReport"]) == len(found["Patient"]) == len(found["Device"]) == 1


@every_release
def test_every_reference_leads_to_a_resource(release: Release) -> None:
    made = bundle(subject_of("boxed"), release)

    urls = {entry["fullUrl"] for entry in made["entry"]}
    text = json.dumps(made)
    named = {part.split('"')[0] for part in text.split('"reference": "')[1:]} - {"#region"}
    assert named <= urls
    assert len(urls) == len(made["entry"])


@every_release
def test_the_report_says_label_probability_prevalence_and_study(release: Release) -> None:
    subject = subject_of()

    found = checked(bundle(subject, release), release)

    report, observations = found["DiagnosticReport"][0], found["Observation"]
    study = report["imagingStudy" if release == "R4B" else "study"][0]["identifier"]["value"]
    assert study == f"urn:oid:{subject.sources[0].dataset.StudyInstanceUID}"
    assert report["conclusionCode"][0]["coding"][0]["code"] == "21594007"
    assert report["status"] == "preliminary"
    assert NOTICE in report["conclusion"]
    assert with_code(observations, "111047")[0]["valueQuantity"]["value"] == subject.answer.probabilities["malignant"]
    (group,) = with_code(observations, "125007")
    assert with_code(group["component"], "prevalence")[0]["valueQuantity"]["value"] == subject.answer.prevalence
    assert len(group["hasMember"]) == 2


@every_release
def test_a_withheld_answer_has_a_reason_and_neither_label_nor_probability(release: Release) -> None:
    found = checked(bundle(subject_of("withheld"), release), release)

    observations = found["Observation"]
    chances = with_code(observations, "withheld")
    assert len(chances) == 2
    assert not any("valueQuantity" in one for one in chances)
    assert all(REFUSAL.message in one["dataAbsentReason"]["text"] for one in chances)
    assert "conclusionCode" not in found["DiagnosticReport"][0]
    assert with_code(observations[0]["component"], "121071") == []


def test_boxes_are_regions_of_the_image() -> None:
    r4b, r5 = (checked(bundle(subject_of("boxed"), release), release) for release in ("R4B", "R5"))

    (first, _), (old, _) = (with_code(found["Observation"], "score") for found in (r5, r4b))
    line = [10, 20, 40, 20, 40, 45, 10, 45, 10, 20]
    assert first["contained"][0]["instance"][0]["imageRegion2D"][0]["coordinate"] == line
    assert old["component"][0]["valueString"].endswith("POLYLINE " + " ".join(map(str, line)))
    assert first["valueQuantity"]["value"] == 0.9123456789


def test_a_frame_is_named() -> None:
    subject = subject_of("boxed")
    third = dataclasses.replace(subject, sources=(dataclasses.replace(subject.sources[0], frame=3),))

    found = checked(bundle(third, "R5"), "R5")

    assert with_code(found["Observation"], "score")[0]["contained"][0]["instance"][0]["subset"] == ["3"]


@pytest.mark.parametrize(
    ("identity", "patient"),
    [
        ("plain", {"name": [{"family": "Doe", "given": ["Jane"]}], "gender": "female", "birthDate": "1960-01-02"}),
        ("empty", {}),
        ("broken", {"name": [{"family": "Doe", "given": ["Jane"]}]}),
    ],
)
def test_of_the_patient_it_says_what_the_image_says(identity: str, patient: dict[str, Any]) -> None:
    found = checked(bundle(subject_of("classified", "MG", identity)), "R5")["Patient"][0]

    told = {name: value for name, value in found.items() if name not in ("resourceType", "id", "identifier")}
    assert told == patient


def test_every_spelling_of_a_name_is_kept() -> None:
    found = checked(bundle(subject_of("classified", "MG", "kanji")), "R5")["Patient"][0]

    assert [name["family"] for name in found["name"]] == ["Yamada", "山田", "やまだ"]


def test_the_same_said_again_is_the_same() -> None:
    assert bundle(subject_of()) == bundle(subject_of())
