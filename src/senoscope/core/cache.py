"""The folder of what this machine's user computes once: features, squares of pictures."""

import os
from pathlib import Path

CACHE = "SENOSCOPE_CACHE"
"""Environment variable: that folder; `~/.cache/senoscope` otherwise."""


def cache() -> Path:
    """Return the folder; whoever writes into it makes it."""
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "senoscope")
