"""The table's actions on a dataset, at every depth."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from senoscope.core.io.deidentify.keys import Key
from senoscope.core.io.deidentify.reading import FAULTS
from senoscope.core.io.deidentify.standard.table import PRIVATE, resolved, rule_of
from senoscope.core.io.deidentify.sweep import Traces
from senoscope.core.io.deidentify.values import DATES, TEXT, age, dummy, each, moved, texts

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

NAME, NUMBER = 0x00100010, 0x00100020
"""Patient's Name and Patient ID, which become pseudonyms."""

UNLISTED = "unlisted"
"""Key in counts of attributes that neither the table nor the dictionary knows."""

_KEPT_UIDS = frozenset(
    (
        *(0x00080016, 0x0008001A, 0x0008001B, 0x00080062, 0x0008010C, 0x00080117, 0x00080118, 0x0008040E, 0x00081150),
        *(0x0008115A, 0x00083002, 0x00340003, 0x04000010, 0x04000510, 0x30100052, 0x30100053),
    )
)
"""Attributes whose UIDs name a class, a transfer syntax or a scheme, and no object."""

_URN = 0x00080120
_HEAD = 0x0007
"""Highest group of command, file meta information and directory, which are no part of an object."""


@dataclass
class Cleaner:
    """Cleans one object in place.

    Args:
        key: makes new identities.
        patient: whatever the patient is known by, for the key.
        sop_class: UID of the object's class.
        options: columns of the table that apply beside the Basic Profile.
        done: (tag or `private`, what was done) → how often.
        traces: what was taken out.
    """

    key: Key
    patient: str
    sop_class: str
    options: frozenset[str]
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    traces: Traces = field(default_factory=Traces)

    def clean(self, dataset: "Dataset") -> None:
        """Apply the table, then look a second time; see `sweep`."""
        self._dataset(dataset, nested=False)
        for tag in self.traces.sweep(dataset, frozenset((NAME, NUMBER))):
            self.done[f"{tag:08x}", "swept"] += 1

    def _dataset(self, dataset: "Dataset", *, nested: bool) -> None:
        # Backwards, as the names of private blocks come first and without them their elements cannot be read.
        for tag in sorted(dataset.keys(), reverse=True):
            group, number = tag >> 16, int(tag)
            if number & 0xFFFF == 0 or group <= _HEAD or group == 0xFFFE:
                del dataset[tag]
                continue
            rule = rule_of(number)
            key = rule.key if rule is not None and rule.key == PRIVATE else f"{number:08x}"
            try:
                element = dataset[tag]
                texts(element)
            except FAULTS:
                del dataset[tag]
                self.done[key, "unreadable"] += 1
                continue
            if rule is None:
                self._unlisted(dataset, element, nested)
                continue
            if key == PRIVATE:
                self._private(dataset, element)
                continue
            action = resolved(rule.action(self.options), number, self.sop_class, nested=nested)
            if action != "K":
                self._remember(element)
            if action == "C":
                if self._shifted(element):
                    continue
                action = resolved(rule.basic, number, self.sop_class, nested=nested)
            self._apply(dataset, element, action)

    def _private(self, dataset: "Dataset", element: "DataElement") -> None:
        self._remember(element)
        del dataset[element.tag]
        self.done[PRIVATE, "removed"] += 1

    def _remember(self, element: "DataElement") -> None:
        if element.VR != "SQ":
            rule = rule_of(int(element.tag))
            self.traces.add(element, rule.name if rule is not None else "")
            return
        for item in element.value:
            for tag in list(item.keys()):
                with suppress(*FAULTS):  # what cannot be read goes, and is nothing to look for
                    self._remember(item[tag])

    def _apply(self, dataset: "Dataset", element: "DataElement", action: str) -> None:
        """Do what a settled action says."""
        if element.tag in (NAME, NUMBER):
            self._pseudonym(element)
        elif action == "X":
            del dataset[element.tag]
            self._count(element, "removed")
        elif action == "Z":
            self._empty(element)
        elif action == "D":
            self._dummy(dataset, element)
        elif action == "U":
            self._uids(element)
        elif action == "K":
            self._keep(element)

    def _count(self, element: "DataElement", what: str) -> None:
        self.done[f"{int(element.tag):08x}", what] += 1

    def _pseudonym(self, element: "DataElement") -> None:
        known = "".join(texts(element)).strip()
        own = element.tag == NUMBER and known
        element.value = self.key.pseudonym(known if own else self.patient)
        self._count(element, "pseudonym")

    def _empty(self, element: "DataElement") -> None:
        element.value = [] if element.VR == "SQ" else None
        self._count(element, "emptied")

    def _shifted(self, element: "DataElement") -> bool:
        """Move dates; False where the attribute holds none that can be moved."""
        value = moved(element, self.key.days(self.patient))
        if value is None:
            return False
        element.value = value
        self._count(element, "shifted")
        return True

    def _keep(self, element: "DataElement") -> None:
        if element.VR == "SQ":
            self._items(element)
        elif element.VR == "AS":
            value = age(element)
            if value is None:
                self._empty(element)
                return
            element.value = value
        self._count(element, "kept")

    def _items(self, element: "DataElement") -> None:
        for item in element.value:
            self._dataset(item, nested=True)

    def _uids(self, element: "DataElement") -> None:
        if element.VR == "SQ":
            self._items(element)
            return
        if element.VR != "UI":
            element.value = None
            self._count(element, "emptied")
            return
        element.value = each(element, self._new_uid)
        self._count(element, "replaced")

    def _new_uid(self, uid: str) -> str:
        # What the standard itself names, such as a well-known frame of reference, is nobody's.
        return uid if _registered(uid) else self.key.uid(uid)

    def _dummy(self, dataset: "Dataset", element: "DataElement") -> None:
        if element.VR == "UI":
            self._uids(element)
            return
        if element.VR == "SQ":
            for item in element.value:
                self._dummied(item)
        else:
            value = dummy(element.VR)
            if value is None:
                del dataset[element.tag]
                self._count(element, "removed")
                return
            element.value = value
        self._count(element, "dummy")

    def _dummied(self, item: "Dataset") -> None:
        """Make dummies of whatever an item says; terms and whole numbers stay, as others count on them."""
        self._dataset(item, nested=True)
        for element in list(item):
            if element.VR == "SQ":
                for inner in element.value:
                    self._dummied(inner)
            elif element.VR in ("OB", "OW", "UN"):
                del item[element.tag]
            elif element.VR not in ("UI", "IS") and texts(element) and dummy(element.VR) is not None:
                number = element.VM if element.VR in ("DS", "FD", "FL") else 1
                value: Any = dummy(element.VR)
                element.value = [value] * number if number > 1 else value

    def _unlisted(self, dataset: "Dataset", element: "DataElement", nested: bool) -> None:
        """Treat an attribute that the table does not name by its VR: dates, names, UIDs and addresses are not left."""
        vr, tag = element.VR, element.tag
        if vr == "SQ":
            self._items(element)
        elif not _known(int(tag)) or vr == "UN" or (vr == "UR" and tag != _URN):
            del dataset[tag]
            self.done[UNLISTED, "removed"] += 1
        elif vr == "UI":
            if tag not in _KEPT_UIDS and texts(element):
                self._remember(element)
                self._uids(element)
        elif vr in DATES or vr in ("PN", "AE"):
            self._remember(element)
            if not (vr in DATES and "modified_dates" in self.options and self._shifted(element)):
                self._empty(element)
        elif vr in TEXT and nested and tag == 0x0040A160:  # text of a content item outside a report
            self._dummy(dataset, element)


def patient_of(dataset: "Dataset") -> str:
    """Return whatever a patient is known by: the number, else the name, else the study."""
    for tag in (NUMBER, NAME, 0x0020000D):
        found = "".join(texts(dataset[tag])).strip() if tag in dataset else ""
        if found:
            return f"{tag:08x} {found}" if tag != NUMBER else found
    return ""


def uids_of(dataset: "Dataset", tags: Iterable[int]) -> list[str]:
    """Return the UIDs of these attributes, "" where one is absent or empty."""
    return ["".join(texts(dataset[tag])).strip() if tag in dataset else "" for tag in tags]


@cache
def _known(tag: int) -> bool:
    from pydicom.datadict import dictionary_has_tag

    return bool(dictionary_has_tag(tag))


@cache
def _registered(uid: str) -> bool:
    from pydicom.uid import UID

    return UID(uid).name != uid
