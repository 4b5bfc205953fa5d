"""Values of a header by keyword, forgiving: what is absent, empty or of the wrong kind is simply not said.

What reading cannot do without is asked for by `needed`, which refuses.
"""

import math
from collections.abc import MutableSequence
from typing import TYPE_CHECKING, Any

from senoscope.core.errors import UnreadableImageError, printable
from senoscope.core.io.dicom.guard import COPY_AGAIN, header_errors

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

LONGEST_TEXT = 200
"""Characters kept of a text."""

MOST_ITEMS = 20_000
"""Items of a sequence; functional groups have one a frame."""

_ITEM = {True: b"\xfe\xff\x00\xe0", False: b"\xff\xfe\xe0\x00"}


def text(header: "Dataset", keyword: str) -> str:
    """Return a value as one printable line, several joined by a backslash as DICOM writes them; "" where not said."""
    return "\\".join(words(header, keyword))[:LONGEST_TEXT]


def words(header: "Dataset", keyword: str) -> tuple[str, ...]:
    """Return the values as printable texts without blanks around them."""
    return tuple(printable(" ".join(str(one).split()))[:LONGEST_TEXT] for one in _several(header, keyword))


def numbers(header: "Dataset", keyword: str) -> tuple[float, ...]:
    """Return the values as finite numbers; none where one of them is no such number."""
    try:
        found = tuple(float(one) for one in _several(header, keyword))
    except (TypeError, ValueError, OverflowError):
        return ()
    return found if all(math.isfinite(one) for one in found) else ()


def number(header: "Dataset", keyword: str) -> float | None:
    """Return the first value as a finite number."""
    return next(iter(numbers(header, keyword)), None)


def whole(header: "Dataset", keyword: str) -> int | None:
    """Return the first value as a whole number."""
    value = number(header, keyword)
    return int(value) if value is not None and value.is_integer() else None


def needed(header: "Dataset", keyword: str, name: str) -> int:
    """Return a whole number that reading cannot do without; raises `UnreadableImageError` where it is not said."""
    value = whole(header, keyword)
    if value is None:
        said = text(header, keyword)
        what = f"says {said[:20]!r} for" if said else "does not say"
        raise UnreadableImageError(f"the DICOM file {what} its {name} ({keyword})", COPY_AGAIN)
    return value


def items(header: "Dataset", keyword: str) -> "list[Dataset]":
    """Return the items of a sequence; none where it is absent, no sequence, or has more than `MOST_ITEMS`."""
    from pydicom.dataset import Dataset

    try:
        raw = header.get_item(keyword) if keyword in header else None
        content = getattr(raw, "value", None)
        if isinstance(content, bytes) and content.count(_ITEM[header.original_encoding[1] is not False]) > MOST_ITEMS:
            return []
        found = header.get(keyword)
    except header_errors():
        return []
    one_by_one = list(found) if isinstance(found, MutableSequence) else []
    return [item for item in one_by_one[:MOST_ITEMS] if isinstance(item, Dataset)]


def item(header: "Dataset", keyword: str) -> "Dataset | None":
    """Return the first item of a sequence."""
    return next(iter(items(header, keyword)), None)


def group(header: "Dataset", keyword: str, frame: int) -> "Dataset":
    """Return where a multi-frame object says something of a frame, else the header itself (PS3.3 C.7.6.16).

    Args:
        header: of the object.
        keyword: of the functional group.
        frame: from 0.
    """
    by_frame = items(header, "PerFrameFunctionalGroupsSequence")
    for place in (*by_frame[frame : frame + 1], *items(header, "SharedFunctionalGroupsSequence")[:1]):
        if found := item(place, keyword):
            return found
    return header


def _several(header: "Dataset", keyword: str) -> list[Any]:
    try:
        value = header.get(keyword)
    except header_errors():
        return []
    if value is None or isinstance(value, bytes):
        return []
    found = list(value) if isinstance(value, MutableSequence) else [value]
    return [one for one in found if one is not None and str(one).strip()]
