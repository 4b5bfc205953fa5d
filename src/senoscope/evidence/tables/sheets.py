"""Spreadsheets that publishers ship: `.xlsx` and `.xls`, values only, hostile until read."""

import datetime
import io
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from senoscope.core.errors import DatasetError
from senoscope.evidence.tables.extents import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, TooFarError, check_xls, check_xml
from senoscope.evidence.tables.rows import LONGEST_CELL, Row

LARGEST_SHEET = 16 * 2**20
"""Bytes of a spreadsheet's file; those of breast imaging have less than one million."""

UNZIPPED = 128 * 2**20
"""Bytes of all its XML parts together."""

MOST_PARTS = 500

COMPOUND, ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"


def read_sheet(path: Path, columns: tuple[str, ...], sheet: str = "") -> tuple[str, list[Row]]:
    """Read one sheet whose first filled row holds the names of its columns.

    Of a formula its stored value is taken; nothing is computed. A whole number loses the point that spreadsheets give
    it, a date is written as ISO 8601, spaces around names and values are dropped, and so are columns without a name and
    empty rows at the end.

    Args:
        path: an `.xlsx` or `.xls` file, told by its contents.
        columns: names the header must hold; others are kept too.
        sheet: name of the sheet; the first where "".

    Returns:
        Name of the sheet, and one dictionary a row; row 1 is the first below the header.

    Raises:
        DatasetError: missing, too large, not a spreadsheet, no such sheet, a column missing or named twice, or a cell
            no honest table holds; names sheet, row and column.
    """
    from python_calamine import CalamineError, load_workbook

    content = _safe(path)
    try:
        book = load_workbook(io.BytesIO(content))
        names = book.sheet_names
        name = sheet or (names[0] if names else "")
        if name not in names:
            raise DatasetError(f"{path} has no sheet {sheet!r}", f"it has: {', '.join(names)[:200] or 'none'}")
        cells = book.get_sheet_by_name(name).to_python()
    except CalamineError as error:
        raise _not_one(path, str(error)) from error
    except BaseException as error:
        # A panic within the reader is no Exception, and its class has no name to import.
        if type(error).__name__ != "PanicException":
            raise
        raise _not_one(path, str(error)) from error
    place = f"{path}, sheet {name!r}"
    return name, _rows(place, cells, columns)


def _safe(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_SHEET:
            raise DatasetError(f"{path} has more than {LARGEST_SHEET // 2**20} MiB", "is this the right file?")
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    try:
        if content.startswith(ZIP):
            return _repacked(content)
        if not content.startswith(COMPOUND):
            raise _not_one(path, "neither .xlsx nor .xls")
        check_xls(content)
    except TooFarError as error:
        limits = f"at most {MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns and {MOST_CELLS:,} cells are read"
        raise DatasetError(f"{path}: {error}, far beyond a table", limits) from error
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _not_one(path, str(error)) from error
    return content


def _repacked(content: bytes) -> bytes:
    """Keep the XML parts only, unzipped and looked at, so that the reader meets no byte that was not counted."""
    kept, left = io.BytesIO(), UNZIPPED
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(kept, "w", zipfile.ZIP_STORED) as safe:
        parts = [part for part in archive.infolist() if part.filename.endswith((".xml", ".rels"))]
        if len(parts) > MOST_PARTS or len({part.filename for part in parts}) != len(parts):
            raise ValueError("too many parts, or one twice")
        for part in parts:
            with archive.open(part) as stream:
                body = stream.read(left + 1)
            left -= len(body)
            if left < 0:
                raise ValueError(f"more than {UNZIPPED // 2**20} MiB unzipped")
            check_xml(body)
            safe.writestr(zipfile.ZipInfo(part.filename), body)
    return kept.getvalue()


def _not_one(path: Path, why: str) -> DatasetError:
    return DatasetError(f"{path} is not a spreadsheet that can be read: {why[:120]}", "save it as .xlsx again")


def _rows(place: str, cells: Sequence[Sequence[object]], columns: tuple[str, ...]) -> list[Row]:
    filled = [number for number, row in enumerate(cells) if any(cell != "" for cell in row)]
    head = [str(_text(cell)) for cell in cells[filled[0]]] if filled else []
    named = [name for name in head if name]
    if len(set(named)) != len(named):
        raise DatasetError(f"{place}: a column is named twice in {', '.join(named)[:200]}")
    missing = [column for column in columns if column not in named]
    if missing:
        raise DatasetError(f"{place} has no column {', '.join(missing)}", f"it has: {', '.join(named)[:200] or 'none'}")
    body = cells[filled[0] + 1 : filled[-1] + 1] if filled else []
    return [_row(place, number, head, row) for number, row in enumerate(body, 1)]


def _row(place: str, number: int, head: list[str], cells: Sequence[object]) -> Row:
    result: Row = {}
    for column, cell in zip(head, cells, strict=True):
        if not column:
            continue
        text = _text(cell)
        if len(text) > LONGEST_CELL or any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in text):
            raise DatasetError(
                f"{place}, row {number}, column {column!r}: control characters, or more than {LONGEST_CELL}, in "
                f"{text[:40]!r}"
            )
        result[column] = text
    return result


def _text(cell: object) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 2**53:
            return str(int(cell))
        case datetime.datetime() if cell.time() == datetime.time():
            return cell.date().isoformat()
        case datetime.date() | datetime.time():
            return cell.isoformat()
    # A line break within a cell is honest in a spreadsheet.
    return " ".join(str(cell).split())
