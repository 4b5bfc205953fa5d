"""Two trainings cannot write one run folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from senoscope.core.errors import RunError
from senoscope.learning.runs.holding import held

HOLD = """
import sys, time
from pathlib import Path
from senoscope.learning.runs.holding import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_that_another_process_trains_in_is_refused_until_that_is_gone(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="another training works in") as caught, held(out):
            pass
        assert "--out" in caught.value.hint
        other.kill()
        other.wait()

        with held(out):
            assert out.is_dir()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("notes")

    with pytest.raises(RunError, match="is not a folder"), held(tmp_path / "run"):
        pass

    assert (tmp_path / "run").read_text() == "notes"


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RunError, match="cannot be used"), held(tmp_path / "file" / "run"):
        pass


def test_a_run_that_did_not_begin_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="wrong"), held(tmp_path / "run"):
        raise RunError("wrong", "put it right")

    assert not (tmp_path / "run").exists()
