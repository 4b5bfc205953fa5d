"""Copies among the samples of an index: all are counted, the gravest are named, however many there are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from senoscope.evidence.index import Index
from senoscope.evidence.index.duplicates import IDENTICAL, NEAR, SAME_DETAIL, Block, Signature, near_blocks

MOST_NAMED = 500
"""Pairs that are named; beyond, pairs are only counted: thousands of equal pictures make millions of pairs."""


PAIRS = 4096
"""Pairs whose fine structure is compared at once."""


@dataclass(frozen=True)
class Copy:
    """Two samples of the index that show the same picture or nearly so.

    Args:
        first: sample id.
        second: sample id.
        distance: bits of 256 in which their perceptual hashes differ; −1 for an exact copy.
        labels: their labels.
        same_group: whether splits keep them together.
        sides: their sides of the split that was given; empty where none was, or it does not list one of them.
        confirmed: whether fine structure says the same as the outline.
    """

    first: str
    second: str
    distance: int
    labels: tuple[str, str]
    same_group: bool
    sides: tuple[str, ...] = ()
    confirmed: bool = True

    @property
    def divided(self) -> bool:
        """Whether the split has them on two sides, and they are one picture."""
        return self.confirmed and len(set(self.sides)) > 1


@dataclass(frozen=True)
class Copies:
    """All pairs, counted, and the gravest by name.

    Args:
        named: pairs on two sides of the split first, then under two labels, then in two groups, then the others.
        near: pairs at most `NEAR` bits apart.
        identical: of them, at most `IDENTICAL` bits apart.
        exact: of them, with the same file or the same pixels.
        labels: confirmed pairs under different labels.
        groups: confirmed pairs in different groups.
        sides: confirmed pairs on two sides of the split.
        outline: pairs that would count in one of these three, and are alike in outline only.
    """

    named: tuple[Copy, ...] = ()
    near: int = 0
    identical: int = 0
    exact: int = 0
    labels: int = 0
    groups: int = 0
    sides: int = 0
    outline: int = 0

    @property
    def unnamed(self) -> int:
        """Pairs that are counted and not named."""
        return self.near - len(self.named)

    def pairs(self) -> dict[str, int]:
        """Numbers of pairs in words: all, near-identical, exact, and those that should worry."""
        return {
            f"near-duplicates (at most {NEAR} of 256 bits)": self.near,
            f"near-identical (at most {IDENTICAL} of 256 bits)": self.identical,
            "exact copies": self.exact,
            "under different labels": self.labels,
            "in different groups": self.groups,
            "in outline only, under different labels or in different groups": self.outline,
        }


@dataclass(eq=False)
class _Tally:
    counts: Counter[str] = field(default_factory=Counter)
    kept: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 5), np.int64))

    def add(self, block: Block, same: NDArray[np.bool_], kinds: dict[str, NDArray[np.int64]]) -> None:
        """Count a block's pairs; `kinds` are numbers of each sample's side, label and group, −1 for none."""
        first, second = block.first, block.second
        apart = {
            name: (numbers[first] != numbers[second]) & (numbers[first] >= 0) & (numbers[second] >= 0)
            for name, numbers in kinds.items()
        }
        found = {name: there & same for name, there in apart.items()}
        self.counts["outline"] += int((np.any(list(apart.values()), axis=0) & ~same).sum())
        self.counts["near"] += len(block)
        self.counts["identical"] += int((block.distance <= IDENTICAL).sum())
        self.counts["exact"] += int((block.distance < 0).sum())
        for name, there in found.items():
            self.counts[name] += int(there.sum())
        grave = -(4 * found["sides"] + 2 * found["labels"] + found["groups"]).astype(np.int64)
        self.kept = np.vstack((self.kept, np.column_stack((grave, first, second, block.distance, same))))
        order = np.lexsort((self.kept[:, 2], self.kept[:, 1], self.kept[:, 0]))
        self.kept = self.kept[order[:MOST_NAMED]]


def copies(
    index: Index, hashed: Sequence[Signature], details: NDArray[np.float16], sides: Sequence[str] = ()
) -> Copies:
    """Compare all pictures with each other.

    Args:
        index: the samples, one for each picture.
        hashed: their signatures, in the same order.
        details: (N, 1024) their fine structures.
        sides: side of the split of each, "" where it lists none; empty where there is no split.
    """
    where = list(sides) or [""] * len(index)
    kinds = {
        "sides": np.where(np.array([bool(side) for side in where], np.bool_), _numbers(where), -1),
        "labels": _numbers([sample.label for sample in index.samples]),
        "groups": index.groups(),
    }
    tally = _Tally()
    for block in near_blocks(hashed):
        tally.add(block, _confirmed(block, details), kinds)
    named = tuple(_named(index, where, *(int(value) for value in row[1:])) for row in tally.kept)
    return Copies(named, **tally.counts)


def _numbers(words: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.array(words, dtype=object), return_inverse=True)[1].astype(np.int64).reshape(-1)


def _confirmed(block: Block, details: NDArray[np.float16]) -> NDArray[np.bool_]:
    """(P,) whether the pairs are exact copies or have the same fine structure, compared some at a time."""
    same = block.distance < 0
    open_pairs = np.flatnonzero(~same)
    for start in range(0, len(open_pairs), PAIRS):
        part = open_pairs[start : start + PAIRS]
        first, second = (details[ends[part]].astype(np.float32) for ends in (block.first, block.second))
        same[part] = np.einsum("pk,pk->p", first, second) >= SAME_DETAIL
    return same


def _named(index: Index, sides: Sequence[str], first: int, second: int, distance: int, same: int) -> Copy:
    one, other = index.samples[first], index.samples[second]
    return Copy(
        first=one.sample_id,
        second=other.sample_id,
        distance=distance,
        labels=(one.label, other.label),
        same_group=one.group == other.group,
        sides=(sides[first], sides[second]) if sides[first] and sides[second] else (),
        confirmed=bool(same),
    )
