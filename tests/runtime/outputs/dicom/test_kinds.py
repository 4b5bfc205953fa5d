"""What every kind of object promises, of every kind of image and however patients are called."""

import dataclasses
import datetime
from collections.abc import Callable

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from senoscope.core.domain.image import Image
from senoscope.core.errors import SenoscopeError, UsageError
from senoscope.runtime.outputs.dicom import KINDS, NOTICE, Source, Subject
from tests.makers.dicom_answers import ANSWERS, subject_of
from tests.makers.dicom_sources import HIGH, IDENTITIES, SOURCES, WIDE
from tests.runtime.outputs.dicom.conftest import file_of, read_again

FILED_BY = ("PatientName", "PatientID", "AccessionNumber", "StudyID", "StudyInstanceUID", "ReferringPhysicianName")
OUT_OF_PLACE = {("cad", "US"), ("cad", "US colour"), ("cad", "MR"), ("cad", "SM")}
OUT_OF_PLACE |= {("pmap", "MG"), ("pmap", "US"), ("pmap", "US colour"), ("pmap", "SM")}
STILL = Image(np.zeros((HIGH, WIDE), np.uint8), 255.0)
PLACES = [(kind, source) for kind in KINDS.names() for source in SOURCES if (kind, source) not in OUT_OF_PLACE]
every_kind = pytest.mark.parametrize("kind", KINDS.names())


def made_of(kind: str, subject: Subject) -> list[Dataset]:
    return [read_again(one) for one in KINDS.get(kind)(subject)]


def home_of(kind: str) -> str:
    """A source that the kind is of."""
    return "MR" if kind == "pmap" else "MG"


def answer_for(kind: str) -> str:
    """An answer that the kind has something to say of."""
    return "outlined" if kind == "seg" else "classified"


@pytest.mark.parametrize(("kind", "source"), PLACES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_the_validator_finds_no_error(
    kind: str, answer: str, source: str, dciodvfy: Callable[[Dataset], list[str]]
) -> None:
    for made in KINDS.get(kind)(subject_of(answer, source)):
        assert dciodvfy(made) == []


@every_kind
@pytest.mark.parametrize("identity", IDENTITIES)
def test_the_validator_finds_no_error_however_patients_are_called(
    kind: str, identity: str, dciodvfy: Callable[[Dataset], list[str]]
) -> None:
    found = KINDS.get(kind)(subject_of(answer_for(kind), home_of(kind), identity))

    assert found
    for made in found:
        errors = dciodvfy(made)
        # A control sign in a patient's number is the image's own fault, and what the study is filed by.
        assert [line for line in errors if "PatientID" not in line or identity != "broken"] == []


@every_kind
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_patient_and_study_are_the_image_s_sign_by_sign(kind: str, identity: str) -> None:
    subject = subject_of(answer_for(kind), home_of(kind), identity)
    image = read_again(subject.sources[0].dataset) if identity != "broken" else subject.sources[0].dataset

    for made in made_of(kind, subject):
        for keyword in FILED_BY:
            assert str(made[keyword].value or "") == str(image.get(keyword) or ""), keyword
        assert made.SeriesInstanceUID != image.SeriesInstanceUID
        assert made.SOPInstanceUID != image.SOPInstanceUID


@every_kind
@pytest.mark.parametrize(("identity", "charset"), [("plain", None), ("umlauts", "ISO_IR 192"), ("kanji", "ISO_IR 192")])
def test_the_character_set_is_utf_8_where_ascii_does_not_do(kind: str, identity: str, charset: str | None) -> None:
    subject = subject_of("outlined" if kind != "kos" else "boxed", home_of(kind), identity)

    for made in made_of(kind, subject):
        assert made.get("SpecificCharacterSet") == charset


@every_kind
def test_what_is_no_date_or_code_is_left_empty(kind: str) -> None:
    subject = subject_of(answer_for(kind), home_of(kind), "broken")

    for made in made_of(kind, subject):
        for keyword in ("PatientBirthDate", "PatientSex", "StudyDate"):
            assert made[keyword].value in ("", None)


@every_kind
def test_the_same_said_again_is_the_same_byte_by_byte(kind: str) -> None:
    once, again = (KINDS.get(kind)(subject_of(answer_for(kind), home_of(kind))) for _ in range(2))

    assert [file_of(made) for made in once] == [file_of(made) for made in again]


@every_kind
def test_said_later_it_replaces_what_was_said(kind: str) -> None:
    subject = subject_of(answer_for(kind), home_of(kind))
    later = dataclasses.replace(subject, written=subject.written + datetime.timedelta(days=1))

    once, again = made_of(kind, subject), made_of(kind, later)
    assert [made.SOPInstanceUID for made in once] == [made.SOPInstanceUID for made in again]
    assert [made.InstanceCreationDate for made in once] != [made.InstanceCreationDate for made in again]


@every_kind
def test_another_network_image_or_operating_point_has_other_uids(kind: str) -> None:
    subject = subject_of(answer_for(kind), home_of(kind))
    other_image = subject_of(answer_for(kind), home_of(kind))
    other_image.sources[0].dataset.SOPInstanceUID = "1.2.3"
    others = [
        dataclasses.replace(subject, sha256="cd" * 32),
        dataclasses.replace(subject, answer=dataclasses.replace(subject.answer, operating_point="balanced")),
        other_image,
    ]

    uids = [made.SOPInstanceUID for one in (subject, *others) for made in made_of(kind, one)]
    assert len(set(uids)) == len(uids) == 4
    assert all(uid.startswith("2.25.") and len(uid) <= 64 and UID(uid).is_valid for uid in uids)


def test_kinds_are_of_different_series() -> None:
    subjects = [(kind, subject_of(answer_for(kind), home_of(kind))) for kind in KINDS.names()]
    found = [made_of(kind, subject)[0] for kind, subject in subjects]

    assert len({made.SeriesInstanceUID for made in found}) == len({made.SeriesNumber for made in found}) == len(found)


@every_kind
def test_every_object_says_what_it_is_not_for(kind: str) -> None:
    for made in made_of(kind, subject_of(answer_for(kind), home_of(kind))):
        assert made.SeriesDescription == NOTICE


@pytest.mark.parametrize(("kind", "source"), sorted(OUT_OF_PLACE))
def test_what_a_kind_is_not_of_is_refused_with_a_way_out(kind: str, source: str) -> None:
    with pytest.raises(UsageError, match="--dicom"):
        KINDS.get(kind)(subject_of("classified", source))


@every_kind
def test_a_withheld_answer_has_no_label_anywhere(kind: str) -> None:
    for made in made_of(kind, subject_of("withheld", home_of(kind))):
        labels = [
            element.value
            for element in made.iterall()
            if element.keyword in ("SegmentLabel", "UnformattedTextValue", "TextValue", "KeyObjectDescription")
        ]
        assert not any("malignant" in str(label) for label in labels)


@pytest.mark.parametrize("source", ["US", "US colour", "MR"])
@every_kind
def test_of_one_frame_of_several_that_one_is_named(
    kind: str, source: str, dciodvfy: Callable[[Dataset], list[str]]
) -> None:
    if (kind, source) in OUT_OF_PLACE:
        source = "MR" if kind == "pmap" else "MG"
    image = film_of(SOURCES[source](), frames=3)
    subject = dataclasses.replace(subject_of("outlined", source), sources=(Source(image, STILL, frame=2),))

    for made in KINDS.get(kind)(subject):
        assert dciodvfy(made) == []
        references = [element.value for element in made.iterall() if element.keyword == "ReferencedFrameNumber"]
        assert kind in ("pdf", "kos", "cad") or 2 in references
        assert named_class(made, image) in (image.SOPClassUID, None)


@pytest.mark.parametrize("kind", ["sr", "sr3d", "seg", "evidence", "sc", "gsps", "pdf", "kos"])
def test_of_a_retired_class_archives_still_have_images(kind: str) -> None:
    subject = subject_of("outlined", "US")
    image = subject.sources[0].dataset
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6"

    for made in KINDS.get(kind)(subject):
        assert named_class(made, image) == image.SOPClassUID


@every_kind
def test_an_image_that_contradicts_the_standard_is_an_error_of_ours(kind: str) -> None:
    subject = subject_of(answer_for(kind), home_of(kind))
    image = subject.sources[0].dataset
    image.SOPClassUID = "1.2.3.4"
    del image.SamplesPerPixel

    try:
        assert KINDS.get(kind)(subject)
    except SenoscopeError as error:
        said = error.message
    else:
        said = ""
    assert said == "" or f"no {kind} can be made of this image" in said


def film_of(image: Dataset, frames: int) -> Dataset:
    """An image as the class of several frames of its kind."""
    image.SOPClassUID = {"US": "1.2.840.10008.5.1.4.1.1.3.1", "MR": "1.2.840.10008.5.1.4.1.1.4.1"}.get(
        image.Modality, "1.2.840.10008.5.1.4.1.1.13.1.3"
    )
    image.NumberOfFrames = frames
    if image.Modality == "MR":
        shared, orientation, measures = Dataset(), Dataset(), Dataset()
        orientation.ImageOrientationPatient = image.ImageOrientationPatient
        measures.PixelSpacing, measures.SliceThickness = image.PixelSpacing, image.SliceThickness
        shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
        image.SharedFunctionalGroupsSequence, image.PerFrameFunctionalGroupsSequence = [shared], []
        for number in range(frames):
            group, position = Dataset(), Dataset()
            position.ImagePositionPatient = [10.0 + number, -40.0, 60.0]
            group.PlanePositionSequence = [position]
            image.PerFrameFunctionalGroupsSequence.append(group)
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
            delattr(image, keyword)
    return image


def named_class(made: Dataset, image: Dataset) -> str | None:
    """Of what class an object says that an image is; None where it does not name it."""
    found: set[str] = set()

    def look(part: Dataset) -> None:
        if part.get("ReferencedSOPInstanceUID") == image.SOPInstanceUID and "ReferencedSOPClassUID" in part:
            found.add(str(part.ReferencedSOPClassUID))
        for element in part:
            for item in element.value if element.VR == "SQ" and element.value else []:
                look(item)

    look(made)
    return found.pop() if len(found) == 1 else None
