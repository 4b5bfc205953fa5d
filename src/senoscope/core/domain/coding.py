"""What is known of an image, as numbers that a network reads: measured ones standardised, words one-hot.

A value that is missing is a state of its own, and so is a word that is not in the coding, so that no record is refused.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from senoscope.core.domain.recipe_parts import Part
from senoscope.core.errors import UsageError

MOST_FACTS, MOST_WORDS, LONGEST_WORD = 40, 64, 100
RARE_SHARE, RARE_COUNT = 0.02, 10
"""A word in a smaller share of the records, and in fewer of them, has no column of its own: its weight would rest on a
handful, and "another" would have none at all."""
FEW = 5
"""Whole numbers of no more different values than these are codes, such as BI-RADS 0, 1 and 2, and not quantities."""
NAMES = frozenset({"machine", "manufacturer", "site"})
"""Facts that name something, even where publishers number it: machine 48 is no more than machine 29."""
FARTHEST = 1e6
"""Spreads from the centre at which a number is cut: beyond them only damage lies."""

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?", re.ASCII)

Word = Annotated[str, Field(min_length=1, max_length=LONGEST_WORD)]


class FactCoding(Part):
    """How one fact becomes columns.

    A `number` has two: (x − center) / spread, 0 where missing; and 1 where missing. A `word` has one for each of
    `words`, then one for another word, then one where missing.

    Args:
        low: smallest number seen, None where none was.
        high: largest.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
    kind: Literal["number", "word"]
    center: float = 0.0
    spread: Annotated[float, Field(gt=0)] = 1.0
    words: Annotated[tuple[Word, ...], Field(max_length=MOST_WORDS)] = ()
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _plain(self) -> "FactCoding":
        if len(set(self.words)) != len(self.words) or (self.kind == "number" and self.words):
            raise ValueError(f"fact {self.name!r} has words twice, or is a number and has words")
        return self

    @property
    def width(self) -> int:
        """Columns it takes."""
        return 2 if self.kind == "number" else len(self.words) + 2

    @property
    def columns(self) -> tuple[str, ...]:
        """What each column says."""
        states = [] if self.kind == "number" else [*self.words, "another"]
        first = [self.name] if self.kind == "number" else [f"{self.name}: {state}" for state in states]
        return (*first, f"{self.name}: missing")

    def said(self, record: Mapping[str, str]) -> str:
        """What a record says of the fact; "" where it is missing or, of a number, no number."""
        text = record.get(self.name, "").strip()
        return text if self.kind == "word" or number_of(text) is not None else ""

    def encode(self, record: Mapping[str, str]) -> list[float]:
        """Return the columns of a record."""
        text = self.said(record)
        columns = [0.0] * self.width
        if not text:
            columns[-1] = 1.0
        elif self.kind == "number":
            columns[0] = min(max((float(text) - self.center) / self.spread, -FARTHEST), FARTHEST)
        else:
            columns[self.words.index(text) if text in self.words else len(self.words)] = 1.0
        return columns


class RecordCoding(Part):
    """How records become rows of numbers; facts in the order of their columns, each once."""

    facts: Annotated[tuple[FactCoding, ...], Field(max_length=MOST_FACTS)] = ()

    @model_validator(mode="after")
    def _once(self) -> "RecordCoding":
        if len({fact.name for fact in self.facts}) != len(self.facts):
            raise ValueError("a fact is coded twice")
        return self

    @property
    def width(self) -> int:
        """Columns of a record."""
        return sum(fact.width for fact in self.facts)

    @property
    def names(self) -> tuple[str, ...]:
        """What each column says, for people."""
        return tuple(name for fact in self.facts for name in fact.columns)

    def encode(self, records: Sequence[Mapping[str, str]]) -> NDArray[np.float32]:
        """Records as (N, width) numbers, all finite."""
        rows = [[value for fact in self.facts for value in fact.encode(record)] for record in records]
        return np.array(rows, np.float32).reshape(len(records), self.width)


def number_of(text: str) -> float | None:
    """Return the number that a text is, None where it is none or none that is finite."""
    if len(text) > LONGEST_WORD or _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def fit_coding(facts: Sequence[str], records: Sequence[Mapping[str, str]]) -> RecordCoding:
    """Learn how to code facts from records.

    A fact is a number where all its known values are finite numbers and they are of more than `FEW` kinds or some are
    not whole; and where its name is not one of `NAMES`. Everything else is a word. Words are sorted; rare ones (see
    `RARE_SHARE`), those longer than `LONGEST_WORD` and, of more than `MOST_WORDS`, the less frequent count as another.

    Args:
        facts: names, in the order of the columns.
        records: of the images that are learnt from.

    Raises:
        UsageError: too many facts, or one named twice.
    """
    if len(facts) > MOST_FACTS or len(set(facts)) != len(facts):
        raise UsageError(f"{len(facts)} facts, where each may be named once and {MOST_FACTS} at most", "name fewer")
    return RecordCoding(facts=tuple(_fitted(name, records) for name in facts))


def _fitted(name: str, records: Sequence[Mapping[str, str]]) -> FactCoding:
    counts = Counter(_known(name, records))
    numbers = [value for text in counts if (value := number_of(text)) is not None]
    several = len(set(numbers)) > FEW or any(not value.is_integer() for value in numbers)
    if several and len(numbers) == len(counts) and name not in NAMES:
        values = np.array([float(text) for text in counts.elements()])
        with np.errstate(over="ignore", invalid="ignore"):
            center, spread = float(values.mean()), float(values.std()) or 1.0
        low, high = float(values.min()), float(values.max())
        if math.isfinite(center) and math.isfinite(spread):
            return FactCoding(name=name, kind="number", center=center, spread=spread, low=low, high=high)
    least = min(RARE_COUNT, RARE_SHARE * len(records))
    common = [(-count, word) for word, count in counts.items() if count >= least and len(word) <= LONGEST_WORD]
    return FactCoding(name=name, kind="word", words=tuple(sorted(word for _, word in sorted(common)[:MOST_WORDS])))


def _known(name: str, records: Sequence[Mapping[str, str]]) -> Iterator[str]:
    return (said for record in records if (said := record.get(name, "").strip()))
