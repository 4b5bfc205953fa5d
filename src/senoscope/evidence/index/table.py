"""The one table of a dataset: an index as CSV or Parquet, and back."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError, printable
from senoscope.evidence.index.samples import Dropped, Index, Sample
from senoscope.evidence.tables import parquet
from senoscope.evidence.tables.rows import (
    FORMULAS,
    Row,
    cell_error,
    checked_cell,
    path_inside,
    read_rows,
    refuse_contradictions,
    refuse_repeats,
    write_rows,
)

COLUMNS = (
    "kind",
    "dataset",
    "sample_id",
    "patient_id",
    "group",
    "path",
    "label",
    "masks",
    "boxes",
    "laterality",
    "view",
    "facts",
    "text",
)
"""Columns of the saved table; `kind` is `sample`, `dropped` (a path, the reason in `text`) or `note` (in `text`)."""


def write_index(index: Index, path: Path) -> None:
    """Write an index, atomically, so that `read_index` gives it back: Parquet where the name ends so, else CSV.

    Both hold the same cells, as text; masks, boxes and facts are JSON. Names of dropped files are anybody's: control
    signs in them are escaped, and one that a spreadsheet would take for a formula begins with "./".

    Raises:
        DatasetError: the place cannot be written, or a cell is one that `read_index` refuses; names row and column.
        MissingExtraError: Parquet needs the extra `data`.
    """
    rows: list[dict[str, str]] = [
        {
            "kind": "sample",
            "dataset": index.dataset,
            "sample_id": sample.sample_id,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "path": sample.path,
            "label": sample.label,
            "masks": json.dumps(sample.masks),
            "boxes": json.dumps([(box.left, box.top, box.width, box.height) for box in sample.boxes]),
            "laterality": sample.laterality,
            "view": sample.view,
            "facts": json.dumps(sample.facts, sort_keys=True),
        }
        for sample in index.samples
    ]
    rows += [
        {"kind": "dropped", "dataset": index.dataset, "path": _harmless(item.path), "text": _plain(item.reason)}
        for item in index.dropped
    ]
    rows += [{"kind": "note", "dataset": index.dataset, "text": note} for note in index.notes]
    for number, row in enumerate(rows, 1):
        for column, cell in row.items():
            checked_cell(path, number, column, cell)
    write = parquet.write_rows if _is_parquet(path) else write_rows
    write(path, COLUMNS, rows)


def read_index(path: Path, root: Path) -> Index:
    """Read an index that `write_index` wrote.

    Args:
        path: the table, Parquet where its name ends so, else CSV.
        root: folder its paths are relative to.

    Raises:
        DatasetError: a cell is not what it must be, a path leaves the root, a sample is there twice, a patient is in
            two groups, or has two labels where the dataset labels patients; names row and column.
        MissingExtraError: Parquet needs the extra `data`.
    """
    rows = parquet.read_rows(path, COLUMNS) if _is_parquet(path) else read_rows(path, COLUMNS)
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    notes: list[str] = []
    for number, row in enumerate(rows, 1):
        if row["dataset"] != rows[0]["dataset"]:
            raise cell_error(path, number, "dataset", f"{row['dataset']!r} among {rows[0]['dataset']!r}")
        match row["kind"]:
            case "sample":
                samples.append(_sample(path, number, row, root))
            case "dropped":
                dropped.append(Dropped(row["path"], row["text"]))
            case "note":
                notes.append(row["text"])
            case other:
                raise cell_error(path, number, "kind", f"{other!r} is not sample, dropped or note")
    if not samples:
        raise DatasetError(f"{path} lists no sample")
    _check_whole(path, rows)
    return Index(rows[0]["dataset"], root, tuple(samples), tuple(dropped), tuple(notes))


def _plain(text: str) -> str:
    return printable(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _harmless(name: str) -> str:
    return f"./{_plain(name)}" if name.startswith(FORMULAS) else _plain(name)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _check_whole(path: Path, rows: Sequence[Row]) -> None:
    """Refuse what no single row shows: repeats, patients in two groups or classes, labels the dataset does not have."""
    # Facts live with the adapters, and adapters build indexes.
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.datasets import DATASETS

    # Rows of other kinds keep their numbers and name no sample and no patient.
    listed = [row if row["kind"] == "sample" else {**row, "sample_id": "", "patient_id": ""} for row in rows]
    refuse_repeats(path, "sample_id", (row["sample_id"] for row in listed))
    refuse_contradictions(path, "patient_id", "group", listed)
    if rows[0]["dataset"] not in DATASETS.names():
        return
    facts = DATASETS.get(rows[0]["dataset"])
    if facts.label_of == "patient":
        refuse_contradictions(path, "patient_id", "label", listed)
    known = {*facts.published, *(label for task in facts.tasks for label in TASKS.get(task).labels)}
    for number, row in enumerate(listed, 1):
        if row["sample_id"] and row["label"] not in known:
            raise cell_error(path, number, "label", f"{row['label'][:40]!r} is no label of {facts.name}")


def _sample(csv_path: Path, number: int, row: Row, root: Path) -> Sample:
    for column in ("sample_id", "group", "label"):
        if not row[column]:
            raise cell_error(csv_path, number, column, "empty")
    masks = _json(csv_path, number, row, "masks", list)
    if not all(isinstance(mask, str) for mask in masks):
        raise cell_error(csv_path, number, "masks", "not a list of paths")
    for column, path in [("path", row["path"]), *(("masks", mask) for mask in masks)]:
        if (path or column == "masks") and path_inside(root, path) is None:
            raise cell_error(csv_path, number, column, f"{path[:80]!r} leaves the dataset's folder")
    facts = _json(csv_path, number, row, "facts", dict)
    if not all(isinstance(value, str) for value in facts.values()):
        raise cell_error(csv_path, number, "facts", "a value is not text")
    return Sample(
        sample_id=row["sample_id"],
        patient_id=row["patient_id"],
        group=row["group"],
        path=row["path"],
        label=row["label"],
        masks=tuple(masks),
        boxes=tuple(_box(csv_path, number, values) for values in _json(csv_path, number, row, "boxes", list)),
        laterality=row["laterality"],
        view=row["view"],
        facts=facts,
    )


def _json(csv_path: Path, number: int, row: Row, column: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    try:
        values = json.loads(row[column] or ("[]" if kind is list else "{}"))
    except (ValueError, RecursionError) as error:
        raise cell_error(csv_path, number, column, f"not JSON: {row[column][:40]!r}") from error
    if not isinstance(values, kind):
        raise cell_error(csv_path, number, column, f"not a JSON {'list' if kind is list else 'object'}")
    return values


def _box(csv_path: Path, number: int, values: object) -> Box:
    match values:
        case [int(left), int(top), int(width), int(height)] if left >= 0 and top >= 0 and width > 0 and height > 0:
            return Box(left, top, width, height)
    raise cell_error(csv_path, number, "boxes", f"{str(values)[:40]} is not [left, top, width, height] in pixels")
