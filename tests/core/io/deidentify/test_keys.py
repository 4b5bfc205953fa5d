"""The secret and what it makes."""

import re
from pathlib import Path

import pytest

from senoscope.core.errors import InputError, MissingFileError, UsageError
from senoscope.core.io.deidentify.keys import FURTHEST, Key, load_key

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)


def test_uids_are_valid_consistent_and_of_the_key() -> None:
    made = {KEY.uid(f"1.2.{number}") for number in range(200)}

    assert len(made) == 200
    assert all(re.fullmatch(r"2\.25\.[1-9]\d*", uid) and len(uid) <= 64 for uid in made)
    assert KEY.uid("1.2.3") == Key(b"k" * 32).uid("1.2.3") != OTHER.uid("1.2.3")


def test_pseudonyms_and_days_are_of_the_patient_and_the_key() -> None:
    days = {KEY.days(f"patient {number}") for number in range(300)}

    assert KEY.pseudonym("A") == KEY.pseudonym("A") != KEY.pseudonym("B") != OTHER.pseudonym("B")
    assert re.fullmatch(r"SENO-[0-9A-F]{14}", KEY.pseudonym("A"))
    assert all(-FURTHEST <= day <= -1 for day in days)
    assert len(days) > 250


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_HOME", str(tmp_path / "home"))

    made, place = load_key(None, tmp_path / "out")
    again, _ = load_key(None, tmp_path / "out")

    assert place.parent == tmp_path / "home"
    assert place.stat().st_mode & 0o077 == 0
    assert [item.name for item in place.parent.iterdir()] == [place.name]
    assert made.uid("1") == again.uid("1") == load_key(place, tmp_path / "out")[0].uid("1")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, MissingFileError, "no such key"),
        (b"short", UsageError, "is no key"),
        (b"long" * 2000, UsageError, "is no key"),
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes | None, error: type, message: str) -> None:
    place = tmp_path / "key"
    if content is not None:
        place.write_bytes(content)

    with pytest.raises(error, match=message):
        load_key(place, tmp_path / "out")


def test_a_key_among_the_results_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="among the results"):
        load_key(tmp_path / "out" / "key", tmp_path / "out")
    with pytest.raises(InputError):
        load_key(tmp_path, tmp_path / "out")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENOSCOPE_HOME", str(tmp_path / "file"))

    with pytest.raises(InputError, match="cannot be made"):
        load_key(None, tmp_path / "out")
