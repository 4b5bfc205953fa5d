"""What is wrong with a dataset as it lies on this disk: copies, contradictions, gaps, leaks, marks and shortcuts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from senoscope.core.errors import InputError
from senoscope.core.tasks import TASKS
from senoscope.core.tasks.base import Task
from senoscope.evidence.audit.acquisition import recorded
from senoscope.evidence.audit.copies import Copies, copies
from senoscope.evidence.audit.leaks import Leaks, read_sides
from senoscope.evidence.audit.shortcut_model import Column
from senoscope.evidence.audit.shortcuts import Shortcuts, shortcuts
from senoscope.evidence.audit.survey import Look, survey
from senoscope.evidence.datasets.base import Dataset
from senoscope.evidence.index import Dropped, Index

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and of how much."""

MOST_SIZES = 8
"""Sizes of pictures shown for a class; the others are counted together."""

NUMBERS_FROM = 12
"""Different values from which on a stated fact that is numeric throughout counts as a number and not as a word."""


@dataclass(frozen=True)
class MarkedShare:
    """Pictures of one label with burned-in marks.

    Args:
        judged: pictures that could be judged.
        marked: of them, with any mark.
        text: with letters, digits or a body mark.
        callipers: with crosses.
        colour: with coloured marks or a Doppler overlay.
    """

    judged: int
    marked: int
    text: int
    callipers: int
    colour: int


@dataclass(frozen=True)
class Audit:
    """Findings about one dataset folder.

    Args:
        dataset: name of the dataset.
        title: its full name.
        labels: samples of each label in the index.
        published: images of each label in the whole set.
        counted: what `published` counts.
        unit: "patients", or "duplicate groups" where the publisher gives no patients.
        units: how many of them.
        read: pictures that were looked at.
        listed: samples whose picture is not on this disk.
        group_sizes: number of groups by their number of images.
        mixed_groups: groups whose samples have several labels.
        copies: the same picture under several names.
        leaks: what the given split does; None where none was given.
        sizes: pictures by "width×height" for each label, commonest first, the rest as "other".
        marks: burned-in marks by label; empty where they were not looked for.
        shortcuts: what facts of acquisition tell about the label.
        task: name of the task whose labels were guessed; "" where the publisher's labels were.
        dropped: files that are there and not in the index.
        unreadable: indexed files that cannot be read.
        notes: the index's notes.
    """

    dataset: str
    title: str
    labels: dict[str, int]
    published: dict[str, int | None]
    counted: str
    unit: str
    units: int
    read: int
    listed: int
    group_sizes: dict[int, int]
    mixed_groups: tuple[str, ...]
    copies: Copies
    leaks: Leaks | None
    sizes: dict[str, dict[str, int]]
    marks: dict[str, MarkedShare]
    shortcuts: Shortcuts
    task: str
    dropped: tuple[Dropped, ...]
    unreadable: tuple[Dropped, ...]
    notes: tuple[str, ...]

    def pairs(self) -> dict[str, int]:
        """Numbers of pairs of copies; see `Copies.pairs`."""
        return self.copies.pairs()

    def to_json(self) -> dict[str, Any]:
        """Return what was found as plain JSON values."""
        return asdict(self) | {"pairs": self.pairs()}


def audit(
    dataset: Dataset,
    index: Index,
    *,
    task: Task | None = None,
    split: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Read every indexed image once and say what is wrong with the set.

    Args:
        dataset: the facts to compare with.
        index: the samples, as `dataset.index` made them.
        task: whose positive label the shortcut test guesses; the dataset's first where none is named.
        split: table of a division to look for leaks in.
        seed: deals the folds of the shortcut test.
        progress: told how far it is.

    Raises:
        DatasetError: the split cannot be read, or no sample answers the task.
        UsageError: the dataset does not answer the task.
    """
    tell = progress or (lambda stage, done, total: None)
    chosen = task or next((TASKS.get(name) for name in dataset.tasks), None)
    asked = index if chosen is None else dataset.answering(chosen, index)
    leaks, sides = (None, ("",) * len(index)) if split is None else read_sides(split, index)
    looks, unreadable = _looked(dataset, index, tell)
    # Several samples may be of one picture, such as two lesions; it is no copy of itself.
    first = {sample.path: at for at, sample in reversed([*enumerate(index.samples)])}
    kept = sorted(first[path] for path in looks)
    found = copies(
        index.take(kept),
        [looks[index.samples[at].path].signature for at in kept],
        np.array([looks[index.samples[at].path].detail for at in kept]),
        [sides[at] for at in kept] if leaks else (),
    )
    return Audit(
        dataset=index.dataset,
        title=dataset.title,
        labels=index.counts(),
        published=dict(dataset.published),
        counted=dataset.counted,
        unit="patients" if index.has_patients else "duplicate groups",
        units=index.units,
        read=len(looks),
        listed=sum(not sample.path for sample in index.samples),
        group_sizes=dict(sorted(Counter(Counter(sample.group for sample in index.samples).values()).items())),
        mixed_groups=_mixed(index),
        copies=found,
        leaks=leaks,
        sizes=_sizes(index, looks),
        marks=_marks(index, looks),
        shortcuts=_shortcuts(asked, chosen, looks, seed, tell),
        task=chosen.name if chosen else "",
        dropped=index.dropped,
        unreadable=unreadable,
        notes=index.notes,
    )


def _looked(dataset: Dataset, index: Index, tell: Progress) -> tuple[dict[str, Look], tuple[Dropped, ...]]:
    """Findings by path, each file read once, and files that cannot be read."""
    paths = list(dict.fromkeys(sample.path for sample in index.samples if sample.path))
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        tell("looking at pictures", done, len(paths))

    seek = not any(TASKS.get(name).color for name in dataset.tasks)
    found = survey([index.root / path for path in paths], seek_marks=seek, progress=more)
    looks: dict[str, Look] = {}
    unreadable: list[Dropped] = []
    for path, look in zip(paths, found, strict=True):
        if isinstance(look, InputError):
            unreadable.append(Dropped(path, look.message))
        else:
            looks[path] = look
    return looks, tuple(unreadable)


def facts_of(dataset: Dataset, index: Index, progress: Progress | None = None) -> dict[str, Column]:
    """Facts of acquisition by name, (N,) each in the order of the samples: stated ones, and measured ones of each file.

    Raises:
        InputError: a picture cannot be read.
    """
    looks, unreadable = _looked(dataset, index, progress or (lambda stage, done, total: None))
    if unreadable:
        raise InputError(f"{unreadable[0].path}: {unreadable[0].reason}")
    return _columns(index, looks)


def _mixed(index: Index) -> tuple[str, ...]:
    labels_of: dict[str, set[str]] = {}
    for sample in index.samples:
        labels_of.setdefault(sample.group, set()).add(sample.label)
    return tuple(sorted(group for group, labels in labels_of.items() if len(labels) > 1))


def _sizes(index: Index, looks: dict[str, Look]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for sample in index.samples:
        if sample.path in looks:
            facts = looks[sample.path].measured
            found.setdefault(sample.label, Counter())[f"{facts['width']:.0f}×{facts['height']:.0f}"] += 1
    result: dict[str, dict[str, int]] = {}
    for label, counts in sorted(found.items()):
        common = dict(counts.most_common(MOST_SIZES))
        rest = counts.total() - sum(common.values())
        result[label] = common | ({"other": rest} if rest else {})
    return result


def _marks(index: Index, looks: dict[str, Look]) -> dict[str, MarkedShare]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for sample in index.samples:
        marks = looks[sample.path].marks if sample.path in looks else None
        if marks is not None:
            found.setdefault(sample.label, []).append(marks.kinds)
    return {
        label: MarkedShare(
            len(kinds),
            sum(bool(one) for one in kinds),
            *(sum(kind in one for one in kinds) for kind in ("text", "callipers", "colour")),
        )
        for label, kinds in sorted(found.items())
    }


def _shortcuts(asked: Index, task: Task | None, looks: dict[str, Look], seed: int, tell: Progress) -> Shortcuts:
    """Guess the label among the samples that were looked at, or among all where no picture is here."""
    seen = [sample.path in looks for sample in asked.samples]
    part = asked.take([at for at, there in enumerate(seen) if there]) if any(seen) else asked
    labels = part.counts()
    positive = task.positive if task else min(labels, key=lambda label: (labels[label], label))
    columns = _columns(part, looks if any(seen) else {})
    return shortcuts(part, positive, columns, seed=seed, progress=partial(tell, "looking for shortcuts"))


def _columns(index: Index, looks: dict[str, Look]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    if looks:
        seen = [looks[sample.path] for sample in index.samples]
        columns = {name: np.array([look.measured[name] for look in seen]) for name in seen[0].measured}
        columns["format"] = np.array([look.stored_as for look in seen], np.str_)
        if any(look.marks is not None for look in seen):
            kinds = [("not judged",) if look.marks is None else look.marks.kinds or ("none",) for look in seen]
            columns["burned_in"] = np.array([" and ".join(one) for one in kinds], np.str_)
    stated = [recorded(sample.facts, view=sample.view, laterality=sample.laterality) for sample in index.samples]
    for name in sorted({name for facts in stated for name in facts}):
        columns[name] = _column([facts.get(name, "") for facts in stated])
    return columns


def _column(values: Sequence[str]) -> Column:
    """Stated values as numbers where they are numbers with many values, else as words."""
    if len(set(values)) >= NUMBERS_FROM:
        try:
            return np.array([float(value) if value else np.nan for value in values])
        except ValueError:
            pass
    return np.array(values, np.str_)
