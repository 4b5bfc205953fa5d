"""Objects that highdicom and reportlab build; without them nothing here can be tested."""

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import highdicom  # noqa: F401
import pytest
import reportlab  # noqa: F401
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.conftest import needs


@pytest.fixture
def dciodvfy(tmp_path: Path) -> Callable[[Dataset], list[str]]:
    """What David Clunie's validator of the standard's modules holds to be wrong with an object."""
    needs(shutil.which("dciodvfy"), "dciodvfy is not installed (Debian's dicom3tools)")

    def run(made: Dataset) -> list[str]:
        path = tmp_path / "object.dcm"
        path.write_bytes(file_of(made))
        done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]

    return run


def file_of(made: Dataset) -> bytes:
    """An object as a DICOM file."""
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def read_again(made: Dataset) -> Dataset:
    """An object as a receiver reads it."""
    return dcmread(io.BytesIO(file_of(made)))
