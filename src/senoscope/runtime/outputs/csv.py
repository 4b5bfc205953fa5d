"""Predictions as comma-separated values, one row a file or an exam."""

import csv
import io
from collections.abc import Iterable, Iterator

from senoscope.core.domain.prediction import Answer
from senoscope.runtime.reading import Failure

COLUMNS = ("file", "task", "bundle", "label", "probability", "abstained", "warnings")


def row(answer: Answer | Failure) -> tuple[str, ...]:
    """One answer in the order of `COLUMNS`; an abstained answer has a probability and no label."""
    if isinstance(answer, Failure):
        return answer.source, "", "", "", "", "", f"error: {answer.error}"
    label = "" if answer.abstained else answer.label
    warnings = "; ".join(dict.fromkeys(flag.code for flag in answer.trust.flags))
    chance, abstained = f"{answer.probability:.6f}", str(answer.abstained).lower()
    return answer.source, answer.task, answer.bundle, label, chance, abstained, warnings


def lines(answers: Iterable[Answer | Failure]) -> Iterator[str]:
    """A header, then one row a file or an exam in the order given; quoted as RFC 4180 has it."""
    yield _line(COLUMNS)
    for answer in answers:
        yield _line(row(answer))


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()
