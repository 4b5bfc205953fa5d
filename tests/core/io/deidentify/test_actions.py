"""Every row of the table, done to an object."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset

from senoscope.core.io.deidentify.actions import Cleaner, patient_of
from senoscope.core.io.deidentify.keys import Key
from senoscope.core.io.deidentify.standard.table import rules
from tests.makers.private_dicom import MAMMOGRAM, ROOT, SECRETS, dicom_bytes, patient

KEY = Key(b"k" * 32)
VALUES: dict[str, Any] = {
    "AS": "062Y",
    "CS": "MUSTERFRAU",
    "DA": "20240229",
    "DT": "20240229101500",
    "TM": "101500",
    "DS": "47.11",
    "IS": "4711",
    **dict.fromkeys(("FD", "FL"), 47.11),
    **dict.fromkeys(("US", "UL", "SS"), 47),
    "OB": b"Musterfrau",
    "OW": b"Musterfrau",
    "UI": f"{ROOT}.9",
    "UN": b"Musterfrau",
    "UR": "http://musterfrau.example",
}
ROWS = [tag for tag in rules() if re.fullmatch(r"[0-9a-f]{8}", tag) and int(tag, 16) in DicomDictionary]


def value_of(vr: str) -> Any:
    if vr == "SQ":
        item = Dataset()
        item.PatientName = "Musterfrau^Erika"
        item.TextValue = "Musterfrau"
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = MAMMOGRAM, f"{ROOT}.9"
        return [item]
    return VALUES.get(vr, "Musterfrau")


def cleaned(one: Dataset, options: Sequence[str] = (), patient_key: str = "") -> Cleaner:
    cleaner = Cleaner(KEY, patient_key or patient_of(one), str(one.get("SOPClassUID", "")), frozenset(options))
    cleaner.clean(one)
    return cleaner


@pytest.mark.parametrize("tag", ROWS)
def test_every_row_of_the_table_is_done(tag: str) -> None:
    number, vr = int(tag, 16), dictionary_VR(int(tag, 16)).split(" ")[0]
    one = Dataset()
    one.add_new(number, vr, value_of(vr))
    before = value_of(vr)

    cleaned(one, patient_key="somebody")

    allowed = rules()[tag].basic
    present = number in one
    if number >> 16 in (0, 2, 4):
        assert not present
        return
    if not present:
        assert "X" in allowed or (allowed == "D" and vr == "CS")
        return
    after = one[number].value
    assert after != before or vr == "SQ"
    if vr == "SQ":
        assert "Musterfrau" not in str(after)
        assert f"{ROOT}.9" not in str(after)
    elif not after and after != 0:
        assert "Z" in allowed
    elif "U" in allowed or vr == "UI":
        assert after == KEY.uid(f"{ROOT}.9")
    elif number in (0x00100010, 0x00100020):
        assert str(after) in (KEY.pseudonym("somebody"), KEY.pseudonym("Musterfrau"))
    else:
        assert "D" in allowed


@pytest.mark.parametrize("tag", [tag for tag in ROWS if "modified_dates" in rules()[tag].options])
def test_dates_are_moved_where_the_option_says_so(tag: str) -> None:
    number, vr = int(tag, 16), dictionary_VR(int(tag, 16))
    one = Dataset()
    one.add_new(number, vr, value_of(vr))

    cleaned(one, ["modified_dates"], "somebody")

    if vr in ("DA", "DT"):
        assert re.match(r"20(1[4-9]|2[0-4])\d{4}", str(one[number].value))
        assert str(one[number].value)[8:] == VALUES[vr][8:]
        assert str(one[number].value) != VALUES[vr]
    elif vr == "TM":
        assert one[number].value == "101500"
    else:
        assert number not in one or one[number].value != value_of(vr)


def test_nothing_of_a_patient_is_left() -> None:
    one = patient()

    cleaner = cleaned(one)

    content = dicom_bytes(one).partition(b"KRANKENHAUS")[2]
    assert [secret for secret in SECRETS if secret.encode() in content] == []
    assert one.PatientID == str(one.PatientName) == KEY.pseudonym("PID-4711")
    assert one.Manufacturer == "Maker"
    assert not one.StudyDate
    assert not one.PatientSex
    assert cleaner.done["private", "removed"] == 1
    assert cleaner.done["00080020", "emptied"] == 1


def test_the_same_person_has_the_same_pseudonym_days_and_uids_in_every_file() -> None:
    first, second = patient(number=1), patient(number=2, PatientName="MUSTERFRAU^E.")

    for one in (first, second):
        cleaned(one, ["modified_dates"])

    for name in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate", "FrameOfReferenceUID"):
        assert first[name].value == second[name].value
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_references_lead_to_the_new_objects() -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = MAMMOGRAM, f"{ROOT}.3.2"
    one, other = patient(ReferencedImageSequence=[reference]), patient(number=2)

    cleaned(one)
    cleaned(other)

    assert one.ReferencedImageSequence[0].ReferencedSOPInstanceUID == other.SOPInstanceUID
    assert one.ReferencedImageSequence[0].ReferencedSOPClassUID == MAMMOGRAM


def test_what_the_table_does_not_name_is_told_by_its_vr() -> None:
    one = Dataset()
    one.SecondaryReviewerName, one.SecondaryReviewDate = "Musterfrau^Max", "20240229"
    one.CreatorVersionUID, one.CodingSchemeUID = f"{ROOT}.5", f"{ROOT}.6"
    one.RetrieveURL, one.BodyPartExamined = "http://krankenhaus.example", "BREAST"
    one.add_new(0x00280999, "LO", "Musterfrau")

    cleaner = cleaned(one, patient_key="somebody")

    assert not one.SecondaryReviewerName
    assert not one.SecondaryReviewDate
    assert one.CreatorVersionUID == KEY.uid(f"{ROOT}.5")
    assert one.CodingSchemeUID == f"{ROOT}.6"
    assert (0x00280999 in one, "RetrieveURL" in one, one.BodyPartExamined) == (False, False, "BREAST")
    assert cleaner.done["unlisted", "removed"] == 2


def test_curves_overlays_and_what_belongs_to_no_object_go() -> None:
    one = Dataset()
    for tag, vr, value in (
        (0x50003000, "OW", b"ab"),
        (0x60000010, "US", 2),
        (0x60003000, "OW", b"ab"),
        (0x00041220, "SQ", []),
        (0x00080000, "UL", 4),
    ):
        one.add_new(tag, vr, value)

    cleaned(one)

    assert list(one.keys()) == []


def test_a_name_in_another_text_is_found() -> None:
    nested = Dataset()
    nested.CodeValue, nested.CodingSchemeDesignator, nested.CodeMeaning = "1", "99X", "as Erika said"
    one = patient(ManufacturerModelName="PID-4711's machine", ViewCodeSequence=[nested], SoftwareVersions=["1", ROOT])
    one.SoftwareVersions = ["1.0", f"build {ROOT}.1"]

    cleaner = cleaned(one)

    assert one.ManufacturerModelName == "ANONYMIZED"
    assert one.ViewCodeSequence[0].CodeMeaning == "ANONYMIZED"
    assert list(one.SoftwareVersions) == ["1.0", "ANONYMIZED"]
    assert sum(count for (_, what), count in cleaner.done.items() if what == "swept") == 3


def test_words_that_only_look_like_a_name_stay() -> None:
    one = patient(PatientName="Li^Ma", ManufacturerModelName="Mammo Li")

    cleaned(one)

    assert one.ManufacturerModelName == "Mammo Li"


def test_retained_characteristics_stay_and_high_ages_are_capped() -> None:
    one, old = patient(), patient(PatientAge="093Y")

    cleaned(one, ["patient"])
    cleaned(old, ["patient"])

    assert (one.PatientAge, one.PatientSex, old.PatientAge) == ("062Y", "F", "090Y")
    assert not one.PatientBirthDate


def test_without_a_number_the_name_and_else_the_study_tell_patients_apart() -> None:
    known = [patient_of(patient(PatientID=None)), patient_of(patient(PatientID="", PatientName=""))]

    assert known[0] != known[1]
    assert all(known)
    assert patient_of(Dataset()) == ""


def test_a_value_that_cannot_be_read_goes() -> None:
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    one = Dataset()
    one[Tag(0x00280010)] = RawDataElement(Tag(0x00280010), "US", 3, b"abc", 0, False, True, True)

    cleaner = cleaned(one)

    assert 0x00280010 not in one
    assert cleaner.done["00280010", "unreadable"] == 1
