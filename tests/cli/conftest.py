"""The command line, called as a user calls it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from senoscope import cli
from tests.makers import tiny_bundle


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    status: int
    out: str
    err: str

    def checked(self) -> "Done":
        """No command ever shows a traceback."""
        assert "Traceback" not in self.err + self.out, self.err
        return self


Command = Callable[..., Done]


@pytest.fixture
def senoscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: its status, its output, what it says of errors."""

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["senoscope", *map(str, words)])
        cli.app.registered_commands.clear()
        cli.app.registered_groups.clear()
        with pytest.raises(SystemExit) as caught:
            cli.main()
        shown = capsys.readouterr()
        return Done(int(caught.value.code or 0), shown.out, shown.err).checked()

    return run


@pytest.fixture
def process() -> Command:
    """Run a command in a process of its own."""

    def run(*words: object, **environment: str) -> Done:
        command = [sys.executable, "-W", "error", "-c", "from senoscope.cli import main; main()", *map(str, words)]
        done = subprocess.run(
            [os.fsencode(word) for word in command], env={**os.environ, **environment}, capture_output=True, check=False
        )
        return Done(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")).checked()

    return run


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
