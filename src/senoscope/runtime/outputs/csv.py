"""Predictions as comma-separated values, one row a file."""

import csv
import io
from collections.abc import Iterable, Iterator

from senoscope.core.domain.prediction import Prediction
from senoscope.runtime.predictor import Failure

COLUMNS = ("file", "task", "bundle", "label", "probability", "abstained", "warnings")


def row(answer: Prediction | Failure) -> tuple[str, ...]:
    """One answer in the order of `COLUMNS`; an abstained answer has a probability and no label."""
    if isinstance(answer, Failure):
        return answer.source, "", "", "", "", "", f"error: {answer.error}"
    label = "" if answer.abstained else answer.label
    warnings = "; ".join(flag.code for flag in answer.trust.flags)
    chance, abstained = f"{answer.probability:.6f}", str(answer.abstained).lower()
    return answer.source, answer.task, answer.bundle, label, chance, abstained, warnings


def lines(answers: Iterable[Prediction | Failure]) -> Iterator[str]:
    """A header, then one row a file in the order given; quoted as RFC 4180 has it."""
    yield _line(COLUMNS)
    for answer in answers:
        yield _line(row(answer))


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()
