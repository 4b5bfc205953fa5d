"""The tree of errors."""

import inspect
from itertools import pairwise

import pytest

from senoscope.core import errors
from senoscope.core.errors import MissingExtraError, SenoscopeError, printable

ERRORS = [item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, SenoscopeError)]


def test_every_error_has_its_own_code() -> None:
    codes = [error.code for error in ERRORS]

    assert len(set(codes)) == len(codes) > 10
    assert all("code" in vars(error) for error in ERRORS)


def test_the_tree_at_the_head_of_the_file_is_the_tree() -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if "Error" in line]
    printed = {line.strip("│├└─ ").split()[0]: (len(line) - len(line.lstrip("│├└─ "))) for line in lines}

    assert set(printed) == {error.__name__ for error in ERRORS}
    for error in ERRORS:
        parent = error.__bases__[0]
        assert parent is Exception or printed[parent.__name__] < printed[error.__name__]
    assert all(abs(after - before) <= 8 for before, after in pairwise(printed.values()))


@pytest.mark.parametrize("error", [item for item in ERRORS if item is not MissingExtraError])
def test_message_and_hint_are_one_line(error: type[SenoscopeError]) -> None:
    raised = error("scan.png: the file is empty", "copy it again")

    assert str(raised) == "scan.png: the file is empty (copy it again)"
    assert str(error("no hint")) == "no hint"
    assert (raised.message, raised.hint) == ("scan.png: the file is empty", "copy it again")


def test_a_missing_extra_says_how_to_install_it() -> None:
    assert str(MissingExtraError("training", "train")).endswith("(pip install 'senoscope[train]')")


def test_no_name_of_a_file_commands_the_terminal() -> None:
    assert printable("a\x1b]0;title\x07\nb\u202e.png") == r"a\x1b]0;title\x07\nb\u202e.png"
    assert printable("Müller, 漢 3 Uhr.png") == "Müller, 漢 3 Uhr.png"
