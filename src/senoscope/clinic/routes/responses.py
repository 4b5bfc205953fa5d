"""What several routes answer with."""

from typing import Any
from urllib.parse import quote

from senoscope.clinic.schemas import Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {"model": Problem, "description": "Why it did not work, and what to do about it"}
}


def attachment(filename: str, suffix: str) -> dict[str, str]:
    """Headers that save an answer beside the picture's own name (RFC 6266, any alphabet)."""
    name = filename.rsplit(".", 1)[0] + suffix
    plain = "".join(char if (char.isascii() and char.isalnum()) or char in "-_. " else "_" for char in name)
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}
