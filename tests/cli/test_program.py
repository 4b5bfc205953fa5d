"""The program as a whole: help, version, errors."""

from pathlib import Path

import pytest

import senoscope as package
from senoscope.cli import GROUPS, VERBS, app
from tests.cli.conftest import Command

EVERY = [
    *[[verb] for verb in VERBS],
    *[[group] for group in GROUPS],
    *(["data", verb] for verb in ("list", "index", "audit")),
    *(["models", verb] for verb in ("list", "show", "verify")),
]


def test_version(process: Command) -> None:
    done = process("--version")

    assert (done.status, done.out.strip(), done.err) == (0, package.__version__, "")


def test_help_names_every_verb(senoscope: Command) -> None:
    done = senoscope("--help")

    assert done.status == 0
    assert "not for diagnosis" in " ".join(done.out.split())
    for verb in [*VERBS, *GROUPS]:
        assert f"\n  {verb} " in done.out


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_of_every_verb(senoscope: Command, words: list[str]) -> None:
    done = senoscope(*words, "--help")

    assert done.status == 0
    assert f"senoscope {' '.join(words)}" in done.out
    assert len(done.out.splitlines()) > 4


def test_nothing_asked_shows_the_help(senoscope: Command) -> None:
    done = senoscope()

    assert "predict" in done.out + done.err


@pytest.mark.parametrize("words", [["predikt"], ["models", "lst"], ["--colour"], ["predict", "--format"]])
def test_unknown_words_are_usage_errors(senoscope: Command, words: list[str]) -> None:
    done = senoscope(*words)

    assert done.status == 2
    assert done.err


def test_failure_of_the_disk_is_one_line(senoscope: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: Path) -> None:
        raise OSError(28, "No space left on device", "answers/predictions.csv")

    monkeypatch.setattr("senoscope.runtime.store.verify", full)

    done = senoscope("models", "verify", "ultrasound")

    assert done.status == 1
    assert done.err == "error: answers/predictions.csv: No space left on device\n"


def test_interrupt_is_no_traceback(senoscope: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("senoscope.runtime.store.verify", interrupted)

    assert senoscope("models", "verify", "ultrasound").status in (1, 130)


def test_one_verb_loads_no_other(monkeypatch: pytest.MonkeyPatch, senoscope: Command) -> None:
    senoscope("models", "--help")

    assert not app.registered_commands
    assert [group.name for group in app.registered_groups] == ["models"]
