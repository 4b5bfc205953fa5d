"""Look-up by name."""

import pytest

from senoscope.core.errors import UsageError
from senoscope.core.registry import Registry


def test_things_are_found_by_name_in_order() -> None:
    registry = Registry("colour", [("red", 1), ("green", 2)])

    registry.add("blue", 3)

    assert registry.names() == ["red", "green", "blue"]
    assert registry.get("green") == 2


def test_an_unknown_name_lists_the_nearest() -> None:
    registry = Registry("task", [("ultrasound", 1), ("mammography", 2)])

    with pytest.raises(UsageError, match="there is no task 'ultrasond'") as caught:
        registry.get("ultrasond")

    assert "ultrasound" in caught.value.hint
    assert "mammography" not in caught.value.hint


def test_a_name_like_no_other_lists_all() -> None:
    with pytest.raises(UsageError) as caught:
        Registry("task", [("ultrasound", 1), ("mammography", 2)]).get("zzz")

    assert "ultrasound, mammography" in caught.value.hint


def test_a_name_given_twice_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="twice"):
        Registry("task", [("ultrasound", 1), ("ultrasound", 2)])
