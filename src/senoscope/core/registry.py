"""A named collection with a helpful look-up."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Generic, TypeVar

from senoscope.core.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name, in the order they were added.

    Args:
        kind: what they are, for messages: "task", "dataset".
        items: `(name, thing)` pairs; a name given twice is a programming error (`ValueError`).
    """

    def __init__(self, kind: str, items: Iterable[tuple[str, T]] = ()) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}
        for name, item in items:
            self.add(name, item)

    def add(self, name: str, item: T) -> None:
        """Add `item` under a new `name`."""
        if name in self._items:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._items[name] = item

    def get(self, name: str) -> T:
        """Return the thing called `name`; an unknown name raises `UsageError` that lists the nearest ones."""
        if name in self._items:
            return self._items[name]
        near = get_close_matches(name, self._items, n=3) or self.names()
        raise UsageError(f"there is no {self.kind} {name!r}", f"did you mean: {', '.join(near)}?")

    def names(self) -> list[str]:
        """Return all names, in order of addition."""
        return list(self._items)
