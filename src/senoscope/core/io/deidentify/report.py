"""What was done, in numbers: it holds no value and no name of a file that was read."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from senoscope.core.io.deidentify.actions import UNLISTED
from senoscope.core.io.deidentify.job import OTHER, Outcome, Settings
from senoscope.core.io.deidentify.standard.table import EDITION, rule_of, rules

FORMAT = 1
"""Version of the report's form."""


def report(outcomes: Sequence[Outcome], settings: Settings, profile: str = "basic") -> dict[str, Any]:
    """Return the report as plain data.

    Args:
        outcomes: of all files, in order.
        settings: what was asked for.
        profile: name of the profile.

    Returns:
        `format`, `edition`, `profile`, `options`, `counts` (files by what became of them), `actions` (a row for each
        tag and what was done to it: `tag`, `name`, `action`, `elements`, `files`), and `files` (a row for each but
        those that are not DICOM: `number` in order of the sources' paths, `status`, `file`, `reason`, `notes`).
    """
    return {
        "format": FORMAT,
        "edition": f"PS3.15 {EDITION}",
        "profile": profile,
        "options": {
            "keep_dates": "shift" if settings.keep_dates else None,
            "clean_pixels": settings.clean_pixels,
            "retain": list(settings.retain),
        },
        "counts": dict(Counter(outcome.status for outcome in outcomes)),
        "actions": actions(outcomes),
        "files": [
            {
                "number": number,
                "status": outcome.status,
                "file": outcome.target.as_posix() if outcome.target else None,
                "reason": outcome.reason,
                "notes": list(outcome.notes),
            }
            for number, outcome in enumerate(outcomes, 1)
            if outcome.status != OTHER
        ],
    }


def actions(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return what was done to which attribute, how often and in how many files, in order of tags."""
    elements: Counter[tuple[str, str]] = Counter()
    files: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        elements.update(outcome.done)
        files.update(outcome.done.keys())
    return [
        {"tag": _tag(key), "name": _name(key), "action": action, "elements": count, "files": files[key, action]}
        for (key, action), count in sorted(elements.items())
    ]


def _tag(key: str) -> str:
    return f"({key[:4]},{key[4:]})".upper() if len(key) == 8 and key != UNLISTED else key


def _name(key: str) -> str:
    from pydicom.datadict import dictionary_description

    if key == UNLISTED:
        return "attributes that neither the table nor the dictionary knows"
    if key in rules():
        return rules()[key].name
    found = rule_of(int(key, 16))
    if found is not None:
        return found.name
    try:
        return dictionary_description(int(key, 16))
    except KeyError:
        return ""
