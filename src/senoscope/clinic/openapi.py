"""Writes the description of the REST interface, from which the browser's client is generated.

`python -m senoscope.clinic.openapi FILE`
"""

import json
import os
import sys
from pathlib import Path

from senoscope.clinic.app import create_app
from senoscope.clinic.settings import Settings


def describe() -> str:
    """Return the OpenAPI document as text, the same for the same code."""
    document = create_app(Settings()).openapi()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def write(path: Path) -> None:
    """Write the document."""
    beside = path.with_name(path.name + ".part")
    beside.write_text(describe(), "utf-8")
    os.replace(beside, path)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
