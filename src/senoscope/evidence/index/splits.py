"""Who is trained on and who is tested on: stratified, grouped, seeded, saved as a file and checked on reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.index import Index
from senoscope.evidence.tables.rows import Row, cell_error, read_rows, write_rows

Protocol = Literal["patient", "paper", "site"]

SITE = "site"
"""Fact that says which hospital an image is of."""

COLUMNS = ("sample_id", "patient_id", "group", "label", "path", "part", "fold")


@dataclass(frozen=True)
class Split:
    """A saved division, in the order of the index it was checked against.

    Args:
        parts: name of each sample's part, such as `train`, `validation`, `test`.
        folds: (N,) fold of each sample, −1 where the split has no folds.
    """

    parts: tuple[str, ...]
    folds: NDArray[np.int64]

    def positions(self, part: str) -> NDArray[np.int64]:
        """Positions of the samples of a part; a part that is not there raises `UsageError`."""
        found = np.flatnonzero(np.array(self.parts, dtype=object) == part).astype(np.int64)
        if not len(found):
            raise UsageError(f"the split has no part {part!r}", f"it has: {', '.join(sorted(set(self.parts)))}")
        return found


def folds(index: Index, *, folds: int, seed: int, protocol: Protocol = "patient") -> NDArray[np.int64]:
    """Divide samples into folds of like size and like class shares.

    Groups are placed one by one, largest first and in an order drawn from the seed among equals, each in the fold where
    it least disturbs the balance: where the sum over classes of (samples of the class in the fold / samples of the
    class)² grows least.

    Args:
        index: what to divide.
        folds: how many, at least 2.
        seed: draws the order among groups of the same size.
        protocol: `patient` never divides a group, `site` no hospital either. `paper` divides image by image,
            as papers do that do not know or do not say whose image is whose; it leaks, and exists to print the gap.

    Returns:
        (N,) fold of each sample, 0 to `folds` − 1.

    Raises:
        DatasetError: a class has fewer groups than there are folds, or it is not said which hospital an image is of.
    """
    if folds < 2:
        raise UsageError(f"{folds} folds divide nothing", "ask for at least 2")
    groups = _undivided(index, protocol)
    names, labels = np.unique(np.array([sample.label for sample in index.samples]), return_inverse=True)
    counts = np.zeros((int(groups.max(initial=-1)) + 1, len(names)), np.int64)
    np.add.at(counts, (groups, labels.reshape(-1)), 1)
    for label, holding in zip(names, (counts > 0).sum(axis=0), strict=True):
        if holding < folds:
            raise DatasetError(
                f"label {str(label)!r} of {index.dataset} has {holding} groups, fewer than {folds} folds",
                "ask for fewer folds or use more data",
            )
    return _place(counts, folds, np.random.default_rng(seed))[groups]


def _undivided(index: Index, protocol: Protocol) -> NDArray[np.int64]:
    """(N,) number of what each sample is never parted from."""
    if protocol == "paper":
        return np.arange(len(index), dtype=np.int64)
    if protocol == "patient":
        return index.groups()
    sites: dict[str, set[str]] = {}
    for sample in index.samples:
        sites.setdefault(sample.group, set()).add(sample.facts.get(SITE, ""))
    wrong = next((group for group, names in sites.items() if len(names) > 1 or "" in names), None)
    if wrong is not None:
        said = " and ".join(sorted(filter(None, sites[wrong]))) or "no hospital"
        raise DatasetError(
            f"{index.dataset}: {wrong!r} is of {said}, and the split is by hospital", "use split.protocol = 'patient'"
        )
    names = np.array([sample.facts[SITE] for sample in index.samples], dtype=object)
    return np.unique(names, return_inverse=True)[1].astype(np.int64).reshape(-1)


def _place(counts: NDArray[np.int64], folds: int, random: np.random.Generator) -> NDArray[np.int64]:
    """(G,) fold of each group from its (G, K) class counts."""
    weights = 1.0 / counts.sum(axis=0)
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    filled = np.zeros((folds, counts.shape[1]))
    result = np.empty(len(counts), np.int64)
    for group in order:
        growth = (((filled + counts[group]) * weights) ** 2 - (filled * weights) ** 2).sum(axis=1)
        near_least = np.flatnonzero(growth <= growth.min() + 1e-12)
        fold = int(near_least[np.argmin(filled[near_least].sum(axis=1))])
        filled[fold] += counts[group]
        result[group] = fold
    return result


def write_split(
    path: Path, index: Index, parts: Sequence[str], folds: NDArray[np.integer] | Sequence[int] | None = None
) -> None:
    """Write which sample is in which part, atomically.

    Args:
        path: CSV file; columns are `COLUMNS`.
        index: the samples.
        parts: name of each sample's part, in the order of the index.
        folds: fold of each sample, if there are folds.
    """
    numbers = [-1] * len(index) if folds is None else [int(fold) for fold in folds]
    rows = [
        {
            "sample_id": sample.sample_id,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "label": sample.label,
            "path": sample.path,
            "part": part,
            "fold": "" if number < 0 else number,
        }
        for sample, part, number in zip(index.samples, parts, numbers, strict=True)
    ]
    write_rows(path, COLUMNS, rows)


def read_split(path: Path, index: Index, *, protocol: Protocol = "patient") -> Split:
    """Read a division that `write_split` wrote, and check it against an index.

    Args:
        path: the CSV file.
        index: the samples it must list, each exactly once, with the same label, group and file.
        protocol: with `paper`, groups may lie on both sides.

    Raises:
        DatasetError: the file does not fit the index, or a group lies on both sides; names the row.
    """
    position = {sample.sample_id: number for number, sample in enumerate(index.samples)}
    parts: list[str] = [""] * len(index)
    numbers = np.full(len(index), -1, np.int64)
    sides: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(read_rows(path, COLUMNS), 1):
        at = position.get(row["sample_id"])
        if at is None:
            raise cell_error(
                path, number, "sample_id", f"{row['sample_id'][:60]!r} is not in {index.dataset} as it is here"
            )
        if parts[at]:
            raise cell_error(path, number, "sample_id", f"{row['sample_id']!r} is listed twice")
        _check_row(path, number, row, index, at)
        side = (row["part"], row["fold"])
        if protocol != "paper" and sides.setdefault(row["group"], side) != side:
            raise cell_error(path, number, "group", f"{row['group']!r} lies on both sides: the split leaks")
        parts[at] = row["part"]
        numbers[at] = int(row["fold"] or -1)
    missing = [sample.sample_id for sample, part in zip(index.samples, parts, strict=True) if not part]
    if missing:
        raise DatasetError(f"{path} lacks {len(missing)} samples, such as {missing[0]!r}", "it belongs to other data")
    return Split(tuple(parts), numbers)


def _check_row(path: Path, number: int, row: Row, index: Index, at: int) -> None:
    sample = index.samples[at]
    for column, expected in (("label", sample.label), ("group", sample.group), ("patient_id", sample.patient_id)):
        if row[column] != expected:
            raise cell_error(path, number, column, f"{row[column][:60]!r}, where the data says {expected!r}")
    # The root may have been given as the dataset's folder once and as the folder around it another time.
    if not (sample.path.endswith(row["path"]) or row["path"].endswith(sample.path)) or not row["path"]:
        raise cell_error(path, number, "path", f"{row['path'][:60]!r}, where the data says {sample.path!r}")
    if not row["part"]:
        raise cell_error(path, number, "part", "empty")
    if row["fold"] and not (row["fold"].isdecimal() and len(row["fold"]) <= 3):
        raise cell_error(path, number, "fold", f"{row['fold'][:20]!r} is not a fold's number")
