"""What is wrong with a dataset as it lies on this disk: copies, contradictions, gaps."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from senoscope.core.errors import InputError
from senoscope.evidence.datasets.base import Dataset
from senoscope.evidence.duplicates import IDENTICAL, NEAR, Pair, Signature, near_pairs, signatures
from senoscope.evidence.index import Dropped, Index


@dataclass(frozen=True)
class Copy:
    """Two samples of the index that show the same picture or nearly so.

    Args:
        first: sample id.
        second: sample id.
        distance: bits of 256 in which their perceptual hashes differ; −1 for an exact copy.
        labels: their labels.
        same_group: whether splits keep them together.
    """

    first: str
    second: str
    distance: int
    labels: tuple[str, str]
    same_group: bool


@dataclass(frozen=True)
class Audit:
    """Findings about one dataset folder.

    Args:
        dataset: name of the dataset.
        labels: samples of each label in the index.
        published: images of each label in the whole set.
        unit: "patients", or "duplicate groups" where the publisher gives no patients.
        units: how many of them.
        group_sizes: number of groups by their number of images.
        mixed_groups: groups whose samples have several labels.
        copies: near-duplicate pairs among the indexed samples.
        dropped: files that are there and not in the index.
        unreadable: indexed files that cannot be read.
        notes: the index's notes.
    """

    dataset: str
    labels: dict[str, int]
    published: dict[str, int | None]
    unit: str
    units: int
    group_sizes: dict[int, int]
    mixed_groups: tuple[str, ...]
    copies: tuple[Copy, ...]
    dropped: tuple[Dropped, ...]
    unreadable: tuple[Dropped, ...]
    notes: tuple[str, ...]

    def pairs(self) -> dict[str, int]:
        """Numbers of pairs: all, near-identical, exact, and those that should worry."""
        return {
            f"near-duplicates (at most {NEAR} of 256 bits)": len(self.copies),
            f"near-identical (at most {IDENTICAL} of 256 bits)": sum(
                copy.distance <= IDENTICAL for copy in self.copies
            ),
            "exact copies": sum(copy.distance < 0 for copy in self.copies),
            "under different labels": sum(copy.labels[0] != copy.labels[1] for copy in self.copies),
            "in different groups": sum(not copy.same_group for copy in self.copies),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain JSON values."""
        return asdict(self) | {"pairs": self.pairs()}


def audit(dataset: Dataset, index: Index) -> Audit:
    """Read every indexed image and look for copies, contradictions and gaps.

    Args:
        dataset: the facts to compare with.
        index: the samples, as `dataset.index` made them.
    """
    samples = index.samples
    readable: list[int] = []
    hashed: list[Signature] = []
    unreadable: list[Dropped] = []
    for position, result in enumerate(signatures(index.paths())):
        if isinstance(result, InputError):
            unreadable.append(Dropped(samples[position].path, result.message))
        else:
            readable.append(position)
            hashed.append(result)
    labels_of: dict[str, set[str]] = {}
    for sample in samples:
        labels_of.setdefault(sample.group, set()).add(sample.label)
    sizes = Counter(Counter(sample.group for sample in samples).values())
    return Audit(
        dataset=index.dataset,
        labels=index.counts(),
        published=dict(dataset.published),
        unit="patients" if index.has_patients else "duplicate groups",
        units=index.units,
        group_sizes=dict(sorted(sizes.items())),
        mixed_groups=tuple(sorted(group for group, labels in labels_of.items() if len(labels) > 1)),
        copies=tuple(_copy(index, readable, pair) for pair in near_pairs(hashed)),
        dropped=index.dropped,
        unreadable=tuple(unreadable),
        notes=index.notes,
    )


def _copy(index: Index, readable: list[int], pair: Pair) -> Copy:
    first, second = index.samples[readable[pair.first]], index.samples[readable[pair.second]]
    return Copy(
        first=first.sample_id,
        second=second.sample_id,
        distance=pair.distance,
        labels=(first.label, second.label),
        same_group=first.group == second.group,
    )
