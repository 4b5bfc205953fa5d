"""What another model said of a dataset's images, as a fact of each: `density` called, `predicted_density` known."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.index.samples import Index
from senoscope.evidence.tables.rows import Row, read_rows, refuse_repeats

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
        said = _said(table, rows, "sample_id", "called", withheld="1")
        keys = [sample.sample_id for sample in index.samples]
    elif {"file", "label"} <= columns:
        said = {str(Path(file).resolve()): word for file, word in _said(table, rows, "file", "label", "true").items()}
        keys = [str((index.root / sample.path).resolve()) if sample.path else "" for sample in index.samples]
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


def _said(table: Path, rows: list[Row], key: str, column: str, withheld: str) -> dict[str, str]:
    refuse_repeats(table, key, [row[key] for row in rows])
    return {row[key]: row[column] for row in rows if row[key] and row.get("abstained") != withheld}
