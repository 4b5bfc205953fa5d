"""Values that stand in for others: dummies by VR, moved dates."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement

DUMMY = "ANONYMIZED"
"""What a text becomes that must not be empty; fits the shortest VR of text."""

TEXT = frozenset(("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""VRs of free text."""

DATES = frozenset(("DA", "DT", "TM"))

OLDEST_AGE = 89
"""Years above which an age alone may tell who somebody is; such ages become `OLDEST_AGE` + 1 (45 CFR 164.514(b))."""

_DUMMIES: dict[str, Any] = {
    **dict.fromkeys(TEXT, DUMMY),
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "UR": "urn:anonymized",
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL"), 0.0),
    **dict.fromkeys(("OB", "OW", "UN", "OL", "OF", "OD", "OV"), bytes(8)),
}
_DATE = re.compile(r"(\d{4})(\d\d)?(\d\d)?")
_AGE = re.compile(r"\s*(\d{3})([DWMY])\s*")


def dummy(vr: str) -> Any:
    """Return a value that is valid for a VR and tells nothing; None for VRs that hold numbers or terms."""
    return _DUMMIES.get(vr)


def moved(element: "DataElement", days: int) -> Any:
    """Return the dates of an element moved by some days, as precise as they are; times stay.

    Returns:
        The new value; None where one of them is no date.
    """
    if element.VR == "TM":
        return element.value
    if element.VR in ("DA", "DT"):
        return each(element, lambda text: _moved(text, days, whole=element.VR == "DA"))
    return None


def age(element: "DataElement") -> Any:
    """Return an age that is at most `OLDEST_AGE` + 1 years; None where it is no age."""

    def capped(text: str) -> str | None:
        found = _AGE.fullmatch(text)
        if found is None:
            return None
        return f"{OLDEST_AGE + 1:03d}Y" if found[2] == "Y" and int(found[1]) > OLDEST_AGE else text

    return each(element, capped)


def texts(element: "DataElement") -> list[str]:
    """Return the values of an element as texts, empty ones left out; sequences and binary data have none."""
    value = element.value
    if element.VR == "SQ" or isinstance(value, bytes):
        return []
    values = value if element.VM > 1 else [value]
    return [str(one) for one in values if one not in (None, "", b"")]


def each(element: "DataElement", change: Callable[[str], str | None]) -> Any:
    """Change every value of an element; None where one cannot be changed."""
    changed = [change(text) for text in texts(element)]
    if None in changed:
        return None
    return changed if len(changed) != 1 else changed[0]


def _moved(text: str, days: int, *, whole: bool) -> str | None:
    # Old files write 1998.03.04.
    plain = text.strip().replace(".", "") if whole else text.strip()
    found = _DATE.match(plain)
    if found is None or (whole and len(plain) != 8):
        return None
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        then = date(year, month, day) + timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{then:%Y%m%d}".rjust(8, "0")[: found.end()] + plain[found.end() :]
