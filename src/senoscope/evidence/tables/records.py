"""A publisher's table, whatever kind of file it comes in, whose cells are asked for by name and refused by name."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from senoscope.core.errors import DatasetError
from senoscope.evidence.tables.rows import Row, path_inside, read_rows
from senoscope.evidence.tables.sheets import read_sheet

SPREADSHEETS = (".xlsx", ".xls")
NOT_STATED = frozenset({"", "-", "--", "na", "n/a", "nan", "none", "not available", "unknown"})
"""Words, in lower case, by which publishers say that they do not know."""

IDENTIFIER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
"""Ids that can be a part of a file's name: no separator, no blank, no leading dot."""


@dataclass(frozen=True)
class Line:
    """One row of a table, and where it is."""

    place: str
    number: int
    cells: Row

    def error(self, column: str, problem: str) -> DatasetError:
        """Say which cell of which file is at fault; rows count from 1 below the header."""
        return DatasetError(f"{self.place}, row {self.number}, column {column!r}: {problem}")

    def text(self, column: str, words: Collection[str] = ()) -> str:
        """Return a cell, trimmed; "" where it says that nobody knows, or there is no such column.

        A cell that is one of `words` is that word, as `none` is where it names an implant.
        """
        cell = self.cells.get(column, "").strip()
        return "" if cell.lower() in NOT_STATED and cell not in words else cell

    def word(self, column: str, words: Mapping[str, str]) -> str:
        """Return what a cell's word, in lower case, stands for; another word raises `DatasetError`."""
        said = self.cells[column].strip()
        if said.lower() not in words:
            raise self.error(column, f"{said[:40]!r} is none of {', '.join(filter(None, words))}")
        return words[said.lower()]

    def identifier(self, column: str, pattern: re.Pattern[str] = IDENTIFIER) -> str:
        """Return a cell that is an id; one that is empty or could leave a folder raises `DatasetError`."""
        said = self.cells[column].strip()
        if pattern.match(said) is None:
            raise self.error(column, f"{said[:60]!r} is not an id")
        return said

    def whole(self, column: str) -> str:
        """Return a cell's number without its fraction, as text; "" where it holds none."""
        match = re.fullmatch(r"0*(\d{1,9}?)(?:\.\d*)?", self.text(column))
        return match[1] if match else ""

    def path(self, root: Path, column: str, relative: str) -> str:
        """Return a path that lies within the root; another raises `DatasetError`."""
        if path_inside(root, relative) is None:
            raise self.error(column, f"{relative[:80]!r} leaves the dataset's folder")
        return relative

    def facts(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return what the columns say, by the facts' names; what is not stated is left out."""
        return {fact: said for column, fact in names.items() if (said := self.text(column))}


@dataclass(frozen=True)
class Records:
    """A table: where it is and what its rows hold."""

    place: str
    rows: tuple[Row, ...]
    seen: dict[str, int] = field(default_factory=dict, hash=False, compare=False)

    def __iter__(self) -> Iterator[Line]:
        return (Line(self.place, number, row) for number, row in enumerate(self.rows, 1))

    def __len__(self) -> int:
        return len(self.rows)

    def once(self, line: Line, column: str, key: str) -> None:
        """Remember a key; one that an earlier row had raises `DatasetError`."""
        earlier = self.seen.setdefault(key, line.number)
        if earlier != line.number:
            raise line.error(column, f"{key!r} is in row {earlier} already")


def read_records(
    path: Path, columns: tuple[str, ...], *, sheet: str = "", delimiter: str = ",", headless: bool = False
) -> Records:
    """Read a table: a spreadsheet by its suffix (see `read_sheet`), else CSV (see `read_rows`).

    Raises:
        DatasetError: the file cannot be read, or lacks a column; names it.
    """
    if path.suffix.lower() in SPREADSHEETS:
        name, rows = read_sheet(path, columns, sheet)
        return Records(f"{path}, sheet {name!r}", tuple(rows))
    return Records(str(path), tuple(read_rows(path, columns, delimiter=delimiter, headless=headless)))
