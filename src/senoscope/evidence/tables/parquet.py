"""Tables of text as Parquet, by pyarrow (extra `data`), with the bounds that CSV has."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senoscope.core.errors import DatasetError, MissingExtraError
from senoscope.evidence.tables.rows import (
    LARGEST_TABLE,
    LONGEST_CELL,
    MOST_ROWS,
    Row,
    cell_error,
    checked_cell,
    write_bytes,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH = 4096
"""Rows unpacked at once."""

LARGEST_UNPACKED = 4 * LARGEST_TABLE
"""Bytes that the file may say it unpacks to."""


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write a Parquet file of text columns, atomically; a column that a row lacks stays empty.

    Raises:
        DatasetError: the place cannot be written.
        MissingExtraError: pyarrow is not installed.
    """
    pa, pq = _pyarrow("writing Parquet")
    # Lone surrogates, as in undecodable file names, are escaped as in CSV.
    cells = {
        name: [row.get(name, "").encode("utf-8", "backslashreplace").decode("utf-8") for row in rows]
        for name in columns
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in cells.items()})
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_bytes(path, buffer.getvalue())


def read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """Read the named columns of a Parquet file, each of which must be text.

    Returns:
        One dictionary a row, in order; an empty cell is "".

    Raises:
        DatasetError: missing, too large, not Parquet, a column missing or not text, or a cell that no honest table
            holds; names row and column where there is one.
        MissingExtraError: pyarrow is not installed.
    """
    pa, pq = _pyarrow("reading Parquet")
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise DatasetError(f"{path} has more than {LARGEST_TABLE // 2**20} MiB", "is this the right file?")
        with pq.ParquetFile(path) as file:
            _check_header(path, file, columns)
        # Columns stay dictionaries, so that a long cell repeated a million times is held once until it is measured.
        with pq.ParquetFile(path, read_dictionary=list(columns)) as file:
            rows: list[Row] = []
            room = LARGEST_TABLE
            for batch in file.iter_batches(BATCH, columns=list(columns)):
                room -= _measured(path, batch, columns)
                if room < 0:
                    raise DatasetError(f"{path} unpacks to more than {LARGEST_TABLE // 2**20} MiB of text")
                rows += _unpacked(path, batch, columns, len(rows))
            return rows
    except pa.ArrowException as error:
        raise DatasetError(f"{path} is not a Parquet table", "make it again") from error
    except OSError as error:
        reason = error.strerror or "it is damaged"
        raise DatasetError(f"{path} cannot be read: {reason}", "make it again") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} holds text that is not UTF-8", "make it again") from error


def _pyarrow(feature: str) -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(feature, "data") from error
    return pa, pq


def _check_header(path: Path, file: "pq.ParquetFile", columns: Sequence[str]) -> None:
    about = file.metadata
    if about.num_rows > MOST_ROWS:
        raise DatasetError(f"{path} has more than {MOST_ROWS} rows")
    if sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups)) > LARGEST_UNPACKED:
        raise DatasetError(f"{path} unpacks to more than {LARGEST_UNPACKED // 2**20} MiB", "is this the right file?")
    names = file.schema_arrow.names
    missing = [column for column in columns if names.count(column) != 1]
    if missing:
        raise DatasetError(f"{path} has no column {', '.join(missing)}", f"it has: {', '.join(names)[:200] or 'none'}")
    for column in columns:
        kind = file.schema.column(names.index(column))
        if kind.physical_type != "BYTE_ARRAY" or kind.max_repetition_level:
            raise DatasetError(f"{path}: the column {column} is not text")


def _measured(path: Path, batch: "pa.RecordBatch", columns: Sequence[str]) -> int:
    """Bytes of text in a batch; no cell of a column may be longer than the bound."""
    import pyarrow.compute as pc

    total = 0
    for column in columns:
        values = batch.column(column)
        lengths = pc.binary_length(values.dictionary)
        if (pc.max(lengths).as_py() or 0) > 4 * LONGEST_CELL:
            raise DatasetError(f"{path}: a cell of column {column!r} is longer than {LONGEST_CELL} characters")
        total += pc.sum(pc.take(lengths, values.indices)).as_py() or 0
    return total


def _unpacked(path: Path, batch: "pa.RecordBatch", columns: Sequence[str], before: int) -> list[Row]:
    cells = {column: batch.column(column).to_pylist() for column in columns}
    rows: list[Row] = []
    for place in range(batch.num_rows):
        number = before + place + 1
        row: Row = {}
        for column in columns:
            value = cells[column][place]
            if value is not None and not isinstance(value, str):
                raise cell_error(path, number, column, "not text")
            row[column] = checked_cell(path, number, column, value or "")
        rows.append(row)
    return rows
