"""Predictions to text formats: one file each, one line in `OUTPUTS`; pictures are in `overlay`."""

from collections.abc import Callable, Iterable, Iterator

from senoscope.core.domain.prediction import Answer
from senoscope.core.registry import Registry
from senoscope.runtime.outputs import csv, json, table
from senoscope.runtime.reading import Failure

Output = Callable[[Iterable[Answer | Failure]], Iterator[str]]
"""Answers in, lines of text out, one answer at a time, so that a long run prints as it goes."""

OUTPUTS: Registry[Output] = Registry("format", [("table", table.lines), ("json", json.lines), ("csv", csv.lines)])

__all__ = ["OUTPUTS", "Output"]
