"""Hatch build hook: a wheel carries the recipes and the browser app, which is built first where it is missing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds what lies outside the package; an editable install finds it in the checkout, and so needs no Node."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build `web/` into the package unless it lies there already, and take `recipes/` along."""
        if version == "editable":
            return
        root = Path(self.root)
        if not (root / "src/senoscope/clinic/static/index.html").is_file():
            subprocess.run([sys.executable, str(root / "web" / "build.py")], check=True)  # noqa: S603
        if self.target_name == "wheel":
            build_data["force_include"][str(root / "recipes")] = "senoscope/recipes"
