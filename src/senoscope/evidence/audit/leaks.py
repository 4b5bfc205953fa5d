"""A split as it was made, however badly: who lies on two sides of it.

`splits.read_split` refuses what does not fit, for training and evaluation; an audit has to read it and say what is
wrong.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index
from senoscope.evidence.tables.rows import cell_error, read_rows

COLUMNS = ("sample_id", "part")
"""Columns the table must have; `fold` counts too where it is there, as `splits.write_split` writes it."""


@dataclass(frozen=True)
class Divided:
    """A group that lies on several sides: its name, and its samples on each."""

    group: str
    sides: dict[str, int]


@dataclass(frozen=True)
class Leaks:
    """What a split does with the samples of an index.

    Args:
        file: name of the table.
        sides: samples on each side: the part, and the fold where there is one.
        groups: groups that lie on several sides.
        repeated: samples that are listed on several sides themselves.
        unknown: listed samples that the index does not have, so many.
        absent: samples of the index that are not listed, so many.
    """

    file: str
    sides: dict[str, int]
    groups: tuple[Divided, ...]
    repeated: tuple[str, ...]
    unknown: int
    absent: int


def read_sides(path: Path, index: Index) -> tuple[Leaks, tuple[str, ...]]:
    """Read which side of a split each sample is on, and find who is on several.

    Args:
        path: CSV with `COLUMNS`, as `splits.write_split` or anyone else wrote it.
        index: the samples; which labels the table gives them is not asked.

    Returns:
        The leaks, and the side of each sample, "" where the table does not list it.

    Raises:
        DatasetError: not such a table, a cell is empty, or it lists none of the samples.
    """
    position = {sample.sample_id: number for number, sample in enumerate(index.samples)}
    found: list[dict[str, None]] = [{} for _ in range(len(index))]
    unknown = 0
    for number, row in enumerate(read_rows(path, COLUMNS), 1):
        if not row["part"]:
            raise cell_error(path, number, "part", "empty")
        at = position.get(row["sample_id"])
        if at is None:
            unknown += 1
        else:
            found[at][_side(row["part"], row.get("fold", ""))] = None
    if not any(found):
        raise DatasetError(f"{path} lists no sample of {index.dataset} as it is here", "it belongs to other data")
    sides = tuple(next(iter(several), "") for several in found)
    repeated = tuple(sample.sample_id for sample, several in zip(index.samples, found, strict=True) if len(several) > 1)
    counts = Counter(side for several in found for side in several)
    leaks = Leaks(path.name, dict(sorted(counts.items())), _divided(index, found), repeated, unknown, sides.count(""))
    return leaks, sides


def _side(part: str, fold: str) -> str:
    return f"{part}, fold {fold}" if fold else part


def _divided(index: Index, found: list[dict[str, None]]) -> tuple[Divided, ...]:
    by_group: dict[str, Counter[str]] = {}
    for sample, sides in zip(index.samples, found, strict=True):
        by_group.setdefault(sample.group, Counter()).update(sides.keys())
    return tuple(Divided(group, dict(sorted(sides.items()))) for group, sides in by_group.items() if len(sides) > 1)
