"""Dummies, moved dates, ages."""

import warnings
from typing import Any

import pytest
from pydicom.dataelem import DataElement

from senoscope.core.io.deidentify.values import age, dummy, moved


def element(vr: str, value: Any) -> DataElement:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return DataElement(0x00080020, vr, value)


@pytest.mark.parametrize(
    ("vr", "value", "days", "expected"),
    [
        ("DA", "20240301", -1, "20240229"),
        ("DA", "2024.03.01", -1, "20240229"),
        ("DA", ["20240301", "20230101"], -1, ["20240229", "20221231"]),
        ("DA", "", -1, []),
        ("DA", "00010101", -1, None),
        ("DA", "20230229", -1, None),
        ("DA", "yesterday", -1, None),
        ("DA", "20240101-20240301", -1, None),
        ("DT", "20240301101500.123456+0100", -366, "20230301101500.123456+0100"),
        ("DT", "202403", -31, "202401"),
        ("DT", "2024", -366, "2022"),
        ("TM", "101500", -5, "101500"),
        ("LO", "20240301", -1, None),
    ],
)
def test_dates_are_moved_as_precisely_as_they_are(vr: str, value: Any, days: int, expected: Any) -> None:
    assert moved(element(vr, value), days) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("062Y", "062Y"), ("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("011M", "011M")]
)
def test_high_ages_are_one(value: str, expected: str) -> None:
    assert age(element("AS", value)) == expected


def test_what_is_no_age_is_none() -> None:
    assert age(element("AS", "old")) is None


@pytest.mark.parametrize(
    "vr", ["AE", "AS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"]
)
def test_a_dummy_is_valid_for_its_vr(vr: str) -> None:
    from pydicom import config
    from pydicom.valuerep import validate_value

    validate_value(vr, dummy(vr), config.RAISE)


def test_numbers_and_terms_have_no_dummy() -> None:
    assert [dummy(vr) for vr in ("CS", "US", "SQ", "AT")] == [None] * 4
