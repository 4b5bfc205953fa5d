"""A second look: what identified the patient must not stand in a text that the table leaves alone.

The table names attributes, and people write names into others. Words of names, numbers, dates and UIDs that were taken
out of an object are looked for in the texts that are left of it. Terms (VR CS) and numbers are not searched.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from senoscope.core.io.deidentify.values import DUMMY, TEXT, texts

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

SHORTEST_NAME, SHORTEST_NUMBER = 3, 4
"""Letters of a name's part and characters of a number from which on they are looked for; `Li` is in too many words."""

SHORTEST_BINARY = 6
"""Characters from which on they are looked for in data that is no text: shorter ones are there by chance."""

_SEARCHED = TEXT | {"UR"}
_BINARY = frozenset(("OB", "UN"))
_PIXELS = 0x7FE0
_NUMBER = re.compile(r"\b(IDs?|Identifier|Number|Numbers)\b")


class Traces:
    """Values taken out of one object."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        self._wholes: set[str] = set()

    def add(self, element: "DataElement", name: str) -> None:
        """Remember what an element says, if it is a name, a date, a UID, or by its attribute's name a number."""
        for text in texts(element) if element.VR in TEXT | {"DA", "DT", "UI"} else ():
            if element.VR == "PN":
                parts = re.split(r"[\s^=,.;]+", text)
                self._words.update(part.casefold() for part in parts if len(part) >= SHORTEST_NAME)
            elif element.VR == "UI":
                # The standard's own UIDs are nobody's.
                if not text.startswith("1.2.840.10008."):
                    self._wholes.add(text.casefold())
            elif element.VR in ("DA", "DT"):
                if re.match(r"\d{8}", text):
                    self._wholes.add(text[:8])
            elif _NUMBER.search(name) and len(text.strip()) >= SHORTEST_NUMBER:
                self._words.add(text.strip().casefold())

    def sweep(self, dataset: "Dataset", clean: frozenset[int]) -> Iterator[int]:
        """Replace the texts of a dataset that say any of it, and yield their tags.

        Args:
            dataset: after the table's actions; changed in place.
            clean: tags whose values are of our own making.
        """
        pattern = self._pattern()
        if pattern is None:
            return
        marks = [text.encode() for text in self._words | self._wholes if len(text) >= SHORTEST_BINARY]
        yield from self._swept(dataset, clean, pattern, marks)

    def _swept(
        self, dataset: "Dataset", clean: frozenset[int], pattern: re.Pattern[str], marks: list[bytes]
    ) -> Iterator[int]:
        for element in list(dataset):
            if element.VR == "SQ":
                for item in element.value:
                    yield from self._swept(item, clean, pattern, marks)
            elif element.VR in _SEARCHED and element.tag not in clean:
                found = [bool(pattern.search(text.casefold())) for text in texts(element)]
                if any(found):
                    told = zip(texts(element), found, strict=True)
                    values = [DUMMY if there else text for text, there in told]
                    element.value = values[0] if len(values) == 1 else values
                    yield int(element.tag)
            elif element.VR in _BINARY and element.tag.group != _PIXELS and isinstance(element.value, bytes):
                held = element.value.lower()
                if any(mark in held for mark in marks):
                    del dataset[element.tag]
                    yield int(element.tag)

    def _pattern(self) -> re.Pattern[str] | None:
        parts = [rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(self._words)]
        # A UID may be the head of a longer one, and a date may stand in a name of a file.
        parts += [rf"(?<!\d){re.escape(whole)}" for whole in sorted(self._wholes)]
        return re.compile("|".join(parts)) if parts else None
