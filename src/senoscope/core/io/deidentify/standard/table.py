"""What the standard says must become of each attribute: PS3.15 Annex E, Table E.1-1, as data.

`attributes.csv` holds the table row by row, `types.csv` where PS3.3 requires one of them, which settles its compound
actions. The rows are those of edition 2026c; options of its newest rows were read in 2026d, where they are the same.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

EDITION = "2026c"
"""Edition of PS3.15 whose Table E.1-1 is applied."""

OPTIONS = MappingProxyType(
    {
        "uids": ("113110", "Retain UIDs Option"),
        "device": ("113109", "Retain Device Identity Option"),
        "institution": ("113112", "Retain Institution Identity Option"),
        "patient": ("113108", "Retain Patient Characteristics Option"),
        "full_dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
        "modified_dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
        "descriptors": ("113105", "Clean Descriptors Option"),
        "structured": ("113104", "Clean Structured Content Option"),
        "graphics": ("113103", "Clean Graphics Option"),
        "private": ("113111", "Retain Safe Private Option"),
    }
)
"""Columns of the table beside the Basic Profile → code and meaning in CID 7050."""

PRIVATE = "private"
"""Key of the row that is about every attribute of an odd group."""

_ROOT = "1.2.840.10008.5.1.4."


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Args:
        key: eight hexadecimal digits of the tag, `50xxxxxx`, `60xx3000`, `60xx4000` or `private`.
        name: of the attribute.
        basic: action of the Basic Profile: X, Z, D, U, or several with strokes between them.
        options: column → K (keep) or C (clean), for the options that say something else.
    """

    key: str
    name: str
    basic: str
    options: Mapping[str, str]

    def action(self, options: Iterable[str] = ()) -> str:
        """Action under the Basic Profile with these options: K before C before the profile's own (PS3.15 E.1.1)."""
        said = {self.options[option] for option in options if option in self.options}
        return "K" if "K" in said else "C" if "C" in said else self.basic


@cache
def rules() -> Mapping[str, Rule]:
    """Return all rows by key."""
    return MappingProxyType(
        {
            row["tag"]: Rule(row["tag"], row["name"], row["basic"], {name: row[name] for name in OPTIONS if row[name]})
            for row in _rows("attributes.csv")
        }
    )


def rule_of(tag: int) -> Rule | None:
    """Return the row that is about a tag; None where the table leaves the attribute alone.

    Of overlays the table names data and comments alone; the rest of a plane means nothing without its data, so that
    all of group 60xx goes with them.
    """
    group, table = tag >> 16, rules()
    if group & 1:
        return table[PRIVATE]
    if group & 0xFF00 == 0x5000:
        return table["50xxxxxx"]
    if group & 0xFF00 == 0x6000:
        return table["60xx4000" if tag & 0xFFFF == 0x4000 else "60xx3000"]
    return table.get(f"{tag:08x}")


def resolved(action: str, tag: int, sop_class: str, *, nested: bool) -> str:
    """Settle an action that leaves a choice, so that the object stays valid.

    X, Z and D stand for types 3, 2 and 1 of the attribute in the object at hand (PS3.15 Table E.1-1a). Where the type
    is not known, the attribute stays with an empty or dummy value, which is valid for any. An attribute that must go
    and that the object must have becomes empty or a dummy.

    Args:
        action: as in the table.
        tag: of the attribute.
        sop_class: UID of the object's class.
        nested: whether the attribute lies in an item of a sequence.

    Returns:
        One of X, Z, D, U, K, C.
    """
    if "*" in action:  # X/Z/U*: the sequence stays, and the UIDs in its items are replaced
        return "U"
    choices = action.split("/")
    if choices not in (["X"], *(["X", "Z"], ["X", "D"], ["Z", "D"], ["X", "Z", "D"])):
        return action
    wanted = {1: "D", 2: "Z", 3: "X"}[_type(tag, sop_class, nested, known=len(choices) > 1)]
    if len(choices) == 1 or wanted in choices:
        return wanted
    # A type 3 without X may be empty; a type 1 without D, or a type 2 without Z, takes the next safe choice.
    order = {"X": ("Z", "D"), "Z": ("D", "X"), "D": ("Z", "X")}[wanted]
    return next(choice for choice in order if choice in choices)


def _type(tag: int, sop_class: str, nested: bool, *, known: bool) -> int:
    types, key = _types(), f"{tag:08x}"
    found = types.get((key, "nested" if nested else sop_class))
    if found is not None:
        return found
    return 3 if nested or not known or sop_class in _classes() else 1


@cache
def _classes() -> frozenset[str]:
    return frozenset(where for _, where in _types())


@cache
def _types() -> Mapping[tuple[str, str], int]:
    found = {}
    for row in _rows("types.csv"):
        for name in row["classes"].split():
            where = name if name == "nested" else _ROOT + name
            found[row["tag"], where] = int(row["type"])
    return MappingProxyType(found)


def _rows(name: str) -> list[dict[str, str]]:
    text = files("senoscope.core.io.deidentify.standard").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()[1:]))
