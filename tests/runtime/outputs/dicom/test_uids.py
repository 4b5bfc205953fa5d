"""Unique identifiers."""

from pydicom.uid import UID

from senoscope.runtime.outputs.dicom.uids import uid


def test_equal_parts_give_one_uid_and_others_another() -> None:
    found = [uid("a", "bc"), uid("ab", "c"), uid("abc"), uid("a", "bc", ""), uid("a", 1), uid("a", 11)]

    assert uid("a", "bc") == found[0]
    assert len(set(found)) == len(found)


def test_it_is_of_the_form_the_standard_has_for_random_ones() -> None:
    made = UID(uid("series", "x" * 500))

    assert made.is_valid
    assert made.startswith("2.25.")
    assert len(made) <= 44
