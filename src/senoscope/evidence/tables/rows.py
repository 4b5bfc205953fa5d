"""CSV files that others wrote are hostile; those we write appear whole or not at all."""

import csv
import io
import os
import tempfile
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from senoscope.core.errors import DatasetError

LARGEST_TABLE = 256 * 2**20
"""Bytes of a CSV file; a million samples take about half of it."""

LONGEST_CELL = 20_000
"""Characters of one cell."""

MOST_ROWS = 2_000_000

FORMULAS = ("=", "@", "+")
"""Signs that make a spreadsheet compute a cell."""

Row = dict[str, str]


def read_rows(
    path: Path,
    columns: Sequence[str],
    *,
    delimiter: str = ",",
    headless: bool = False,
    broken_lines: Collection[str] = (),
) -> list[Row]:
    """Read a CSV file.

    Args:
        path: the file, UTF-8 with or without a byte-order mark.
        columns: names the header must hold; others are kept too.
        delimiter: sign between two cells.
        headless: the file has no header line, and its columns are exactly `columns`.
        broken_lines: columns whose cells the publisher damaged with line breaks, which are taken out.

    Returns:
        One dictionary a row, in order; row 1 is the first below the header, as `cell_error` counts.

    Raises:
        DatasetError: missing, too large, not UTF-8, not CSV, a column missing, or a cell that no honest table holds
            (control characters, a spreadsheet formula, longer than `LONGEST_CELL`); names row and column.
    """
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise DatasetError(f"{path} has more than {LARGEST_TABLE // 2**20} MiB", "is this the right file?")
        text = path.read_text("utf-8-sig")
        names = columns if headless else None
        reader = csv.DictReader(io.StringIO(text, newline=""), names, strict=True, delimiter=delimiter)
        header = reader.fieldnames or []
        _check_header(path, header, columns)
        return [_checked(path, number, row, broken_lines) for number, row in enumerate(reader, 1)]
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text", "save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise DatasetError(f"{path} is not a CSV table: {error}") from error


def _check_header(path: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    if len(set(header)) != len(header):
        raise DatasetError(f"{path}: a column is named twice in {', '.join(header)[:200]}")
    missing = [column for column in columns if column not in header]
    if missing:
        raise DatasetError(f"{path} has no column {', '.join(missing)}", f"it has: {', '.join(header)[:200] or 'none'}")


def _checked(
    path: Path, number: int, row: Mapping[str | None, str | list[str] | None], broken_lines: Collection[str]
) -> Row:
    if number > MOST_ROWS:
        raise DatasetError(f"{path} has more than {MOST_ROWS} rows")
    result: Row = {}
    for column, content in row.items():
        if column is None or not isinstance(content, str):
            raise DatasetError(f"{path}, row {number}: it has more or fewer cells than the header")
        cell = content.replace("\r", "").replace("\n", "") if column in broken_lines else content
        result[column] = checked_cell(path, number, column, cell)
    return result


def checked_cell(path: Path, number: int, column: str, cell: str) -> str:
    """Return a cell as it is, or refuse one that no honest table holds."""
    if len(cell) > LONGEST_CELL:
        raise cell_error(path, number, column, f"longer than {LONGEST_CELL} characters")
    if not cell.isprintable() and any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in cell):
        raise cell_error(path, number, column, f"control characters in {cell[:40]!r}")
    if cell.startswith(FORMULAS):
        raise cell_error(path, number, column, f"a spreadsheet formula, {cell[:40]!r}")
    return cell


def cell_error(path: Path, number: int, column: str, problem: str) -> DatasetError:
    """Say which cell of which file is at fault; `number` counts rows from 1 below the header."""
    return DatasetError(f"{path}, row {number}, column {column!r}: {problem}")


def refuse_repeats(path: Path, column: str, cells: Iterable[str]) -> None:
    """Refuse a column that names one thing twice, naming both rows; empty cells name nothing."""
    first: dict[str, int] = {}
    for number, cell in enumerate(cells, 1):
        earlier = first.setdefault(cell, number)
        if cell and earlier != number:
            raise cell_error(path, number, column, f"{cell[:60]!r} is in row {earlier} already")


def refuse_contradictions(path: Path, key: str, column: str, rows: Iterable[Mapping[str, str]]) -> None:
    """Refuse two answers in `column` for one `key`, such as two labels of a patient, naming both rows."""
    first: dict[str, tuple[str, int]] = {}
    for number, row in enumerate(rows, 1):
        answer, earlier = first.setdefault(row[key], (row[column], number))
        if row[key] and answer != row[column]:
            said = f"{key} {row[key][:40]!r} is {row[column][:40]!r} here and {answer[:40]!r} in row {earlier}"
            raise cell_error(path, number, column, said)


def path_inside(root: Path, relative: str) -> Path | None:
    """Return `root/relative`, or None where that is not a plain path within the root, links followed."""
    pure = Path(relative)
    if not relative or "\\" in relative or "\0" in relative or pure.is_absolute() or ".." in pure.parts:
        return None
    try:
        whole = (root / pure).resolve()
    except (OSError, RuntimeError):
        return None
    return root / pure if whole.is_relative_to(root.resolve()) else None


def rows_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as CSV; a column that a row lacks stays empty."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV file, atomically; see `rows_text`."""
    write_text(path, rows_text(columns, rows))


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file as `write_bytes` does; lone surrogates, as in undecodable file names, are escaped."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary one beside it; folders are made.

    Raises:
        DatasetError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error.strerror}") from error
