import subprocess
import sys
from pathlib import Path

import pytest

from senoscope.clinic.openapi import describe
from tests.conftest import needs

WEB = Path(__file__).parents[2] / "web"


def test_the_committed_description_is_current() -> None:
    committed = (WEB / "src" / "api" / "openapi.json").read_text("utf-8")
    assert describe() == committed, "python -m senoscope.clinic.openapi web/src/api/openapi.json"


@pytest.mark.parametrize("script", ["api:check", "check", "test"])
def test_the_browser_app_fits_the_description(script: str) -> None:
    needs((WEB / "node_modules").is_dir(), "the browser app's packages are not installed (make web)")
    done = subprocess.run([sys.executable, WEB / "build.py", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()
