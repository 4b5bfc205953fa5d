"""Hatch build hook: a wheel or sdist carries the browser app, built first where it is missing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebAppHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds `web/` into `src/senoscope/clinic/static/` unless it lies there already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the app; an editable install leaves that to `make web`, so that installing needs no Node."""
        root = Path(self.root)
        if version == "editable" or (root / "src/senoscope/clinic/static/index.html").is_file():
            return
        subprocess.run([sys.executable, str(root / "web" / "build.py")], check=True)  # noqa: S603
