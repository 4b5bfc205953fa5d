"""The phases of a dynamic contrast-enhanced study: the same slices again and again, sorted by time.

Makers of scanners say the phase in different places (PS3.3 C.8.3.1, C.7.6.16.2.2): Philips and newer objects number
it (TemporalPositionIdentifier), GE writes the milliseconds since the start (TriggerTime), Siemens the acquisition's
number or time, and many put every phase in a series of its own. Each place is asked in that order, and believed if it
parts a series into two or more phases of as many slices each: that is what tells phases from slices.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from senoscope.core.io.dicom.archive import DicomFile, Series, Study

FEWEST = 2
"""Phases that make a study dynamic: before the contrast agent, and after."""

Key = Callable[[DicomFile], Hashable | None]

KEYS: tuple[Key, ...] = (
    lambda file: file.facts.times.phase,
    lambda file: file.facts.times.trigger,
    lambda file: file.facts.times.acquisition,
    lambda file: file.facts.times.acquired,
    lambda file: file.facts.times.shown,
)


MOMENTS: tuple[Callable[[DicomFile], datetime | None], ...] = (
    lambda file: file.facts.times.acquired,
    lambda file: file.facts.times.shown,
    lambda file: file.facts.times.series,
)
"""Times of the clock, the most exact first."""

_WEIGHTING = re.compile(r"(?<![a-z])t([12])(?!\d)")


@dataclass(frozen=True)
class Phase:
    """One pass over the slices.

    Args:
        seconds: since the first phase; None where nothing says it.
        contrast: whether it began after the injection; None where nothing says when that was.
        files: its slices, by their instance numbers.
    """

    seconds: float | None
    contrast: bool | None
    files: tuple[DicomFile, ...]


def dynamics_of(study: Study) -> tuple[tuple[Phase, ...], ...]:
    """Find the dynamic acquisitions of a study, each as its phases, the earliest first.

    A series that holds several phases is one acquisition; series that hold one phase each are joined where they have as
    many slices of the same size, and descriptions that differ in numbers alone.
    """
    alone = [found for series in study.series if (found := phases_of(series))]
    rest = [series for series in study.series if not phases_of(series)]
    alike: dict[Hashable, list[Series]] = {}
    for series in rest:
        facts = series.files[0].facts
        alike.setdefault((_words(facts.series_text), len(series.files), facts.rows, facts.columns), []).append(series)
    joined = [_timed([one.files for one in group]) for group in alike.values() if _is_dynamic(group)]
    return (*alone, *joined)


def phases_of(series: Series) -> tuple[Phase, ...]:
    """Part a series into its phases, the earliest first; empty where it is not dynamic."""
    for key in KEYS:
        groups: dict[Hashable, list[DicomFile]] = {}
        for file in series.files:
            groups.setdefault(key(file), []).append(file)
        sizes = {len(files) for files in groups.values()}
        # One file a group is a stack of slices of which each has a number or time of its own.
        if None not in groups and len(groups) >= FEWEST and len(sizes) == 1 and sizes != {1}:
            return _timed(list(groups.values()))
    return ()


def _is_dynamic(group: Sequence[Series]) -> bool:
    """Whether series are phases: two or more of the same kind, of several slices, at different times."""
    times = {_began(series.files) for series in group}
    return len(group) >= FEWEST and len(group[0].files) > 1 and None not in times and len(times) == len(group)


def _timed(groups: Sequence[Sequence[DicomFile]]) -> tuple[Phase, ...]:
    """Sort groups of files by time, or where nothing says it by the number of the phase, and tell the time of each."""
    ordered = sorted(groups, key=_order)
    seconds = _seconds(ordered)
    return tuple(
        Phase(after, _after_contrast(files), tuple(sorted(files, key=_slice)))
        for after, files in zip(seconds, ordered, strict=True)
    )


def _order(files: Sequence[DicomFile]) -> tuple[float, float, float]:
    times, began = files[0].facts.times, _began(files)
    number = times.phase if times.phase is not None else times.acquisition
    return (
        began.timestamp() if began else 0.0,
        times.trigger if times.trigger is not None else 0.0,
        float(number if number is not None else 0),
    )


def _seconds(ordered: Sequence[Sequence[DicomFile]]) -> list[float | None]:
    triggers = [files[0].facts.times.trigger for files in ordered]
    if len(set(triggers)) == len(triggers) and None not in triggers:
        start = triggers[0] or 0.0
        return [((trigger or 0.0) - start) / 1000 for trigger in triggers]
    began = [_began(files) for files in ordered]
    if len(set(began)) < len(began) or None in began:
        return [None] * len(ordered)
    first = began[0]
    assert first is not None
    return [(moment - first).total_seconds() if moment else None for moment in began]


def _began(files: Sequence[DicomFile]) -> datetime | None:
    """When the first slice of a phase was taken, by the first kind of time that all of them have."""
    for said in MOMENTS:
        moments = [moment for file in files if (moment := said(file)) is not None]
        if len(moments) == len(files):
            return min(moments)
    return None


def _words(text: str) -> str:
    """A description without the numbers that count phases; T1 and T2 are kinds of picture, and stay."""
    kinds = _WEIGHTING.sub(lambda found: f" {'one' if found[1] == '1' else 'two'} ", text.lower())
    return re.sub(r"[\d\W_]+", " ", kinds).strip()


def _after_contrast(files: Sequence[DicomFile]) -> bool | None:
    injected, began = files[0].facts.times.contrast, _began(files)
    return None if injected is None or began is None else began >= injected


def _slice(file: DicomFile) -> tuple[bool, int, str]:
    number = file.facts.ids.instance_number
    return number is None, number or 0, str(file.path)
