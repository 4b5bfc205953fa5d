"""What another model said of a dataset's images, as a fact of each: `density` called, `predicted_density` known."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.index.samples import Index
from senoscope.evidence.tables.rows import Row, cell_error, read_rows, refuse_contradictions, refuse_repeats

PREFIX = "predicted_"
NAME = re.compile(r"^[a-z0-9_]{1,30}$")


def with_answers(index: Index, answers: Mapping[str, Path]) -> Index:
    """Add the labels that models called to the facts of the images they were called for.

    Two tables are read: `predictions.csv` of a report, by `sample_id`, whose answers a cross-validation gave out of
    fold; and what `senoscope predict --format csv` prints, by `file`. An image without an answer, or whose answer was
    withheld, goes without the fact.

    Args:
        index: images.
        answers: name of each question and its table; the fact is called `predicted_<name>`.

    Raises:
        UsageError: a name that no fact can have.
        DatasetError: a table that is neither, lists an image twice, or answers none of the images.
    """
    for name, table in answers.items():
        if NAME.match(name) is None:
            raise UsageError(f"{name[:40]!r} cannot be a fact's name", "use lower-case letters, digits and _")
        index = _answered(index, PREFIX + name, table)
    return index


def _answered(index: Index, fact: str, table: Path) -> Index:
    rows = read_rows(table, ())
    columns = set(rows[0]) if rows else set()
    if {"sample_id", "called"} <= columns:
        said = _said(table, rows, "sample_id", [row["sample_id"] for row in rows], _called(table, rows), "1")
        keys = [sample.sample_id for sample in index.samples]
    elif {"file", "label"} <= columns:
        files = [_resolved(Path(row["file"])) if row["file"] else "" for row in rows]
        said = _said(table, rows, "file", files, [row["label"] for row in rows], "true")
        keys = [_resolved(index.root / sample.path) if sample.path else "" for sample in index.samples]
    else:
        raise DatasetError(
            f"{table} holds no answers: it has neither sample_id and called nor file and label",
            "give a report's predictions.csv, or what senoscope predict --format csv prints",
        )
    known = [said.get(key, "") for key in keys]
    if not any(known):
        raise DatasetError(
            f"{table} answers none of the {len(index):,} images of {index.dataset}", "was it made on this folder?"
        )
    samples = tuple(
        replace(sample, facts=sample.facts | {fact: word}) if word else sample
        for sample, word in zip(index.samples, known, strict=True)
    )
    note = f"fact {fact} of {sum(map(bool, known)):,} of {len(index):,} images is a model's answer, read from a table"
    return replace(index, samples=samples, notes=(*index.notes, note))


def _called(table: Path, rows: list[Row]) -> list[str]:
    """Labels called; a report of two labels says 1 or 0, and its own rows which label each of them is."""
    if "truth" not in rows[0] or "label" not in rows[0]:
        return [row["called"] for row in rows]
    refuse_contradictions(table, "truth", "label", rows)
    labels = {row["truth"]: row["label"] for row in rows}
    for number, row in enumerate(rows, 1):
        if row["called"] not in labels:
            raise cell_error(table, number, "called", f"no row says which label {row['called'][:20]!r} is")
    return [labels[row["called"]] for row in rows]


def _resolved(path: Path) -> str:
    """Where a path leads; "" for one that leads nowhere, such as a link to itself."""
    try:
        return str(path.resolve())
    except (OSError, RuntimeError, ValueError):
        return ""


def _said(
    table: Path, rows: list[Row], column: str, keys: list[str], words: list[str], withheld: str
) -> dict[str, str]:
    refuse_repeats(table, column, keys)
    answers = zip(rows, keys, words, strict=True)
    return {key: word for row, key, word in answers if key and row.get("abstained") != withheld}
