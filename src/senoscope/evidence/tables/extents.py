"""How far a spreadsheet's cells reach, told before the reader of spreadsheets makes room for them.

The reader (calamine) lays a sheet out as one full rectangle: a file of five kilobytes with two cells, the first and the
last there can be, asks for half a terabyte and takes the whole process with it. So the corners are looked for here
first, in the parts of an `.xlsx` (ECMA-376, part 1, 18.3.1.4 and 18.3.1.73) and in the records of an `.xls`
([MS-XLS] 2.5, in the compound file of [MS-CFB]).
"""

import re
import struct
from collections.abc import Iterator
from itertools import pairwise
from xml.parsers import expat

MOST_ROWS = 100_000
MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
"""Cells of the rectangle around all that a sheet holds; the largest table read, of 5,000 rows, has about 100,000."""

MOST_SHEETS = 256

REFERENCE = re.compile(r"([A-Za-z]{0,4})(\d{1,9})")
CELLS = frozenset(
    {*range(0x0001, 0x0007), *range(0x0201, 0x0207), 0x0406, 0x007E, 0x027E, 0x00BD, 0x00BE, 0x00D6, 0x00FD}
)
DIMENSIONS, SHEET, END = 0x0200, 0x0085, 0x000A
FREE = 0xFFFFFFFA
"""Sector numbers from here on are marks: the end of a chain, or a sector that is not in one."""


class TooFarError(ValueError):
    """A cell lies beyond the bounds."""


def check_corner(rows: int, columns: int) -> None:
    """Raise `TooFarError` where a sheet that reaches so far is larger than the bounds."""
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise TooFarError(f"a cell in row {rows:,} and column {columns:,}")


def check_xml(content: bytes) -> None:
    """Look at one XML part of an `.xlsx`.

    Raises:
        TooFarError: a cell lies beyond the bounds.
        ValueError: it is not XML in UTF-8, or declares a document type.
    """
    content.decode()
    if b"\0" in content:
        raise ValueError("XML that is not UTF-8")
    parser = expat.ParserCreate("utf-8")
    corner = _Corner()
    parser.StartDoctypeDeclHandler = corner.refuse
    parser.StartElementHandler = corner.meet
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"damaged XML: {error}") from error


class _Corner:
    def __init__(self) -> None:
        self.row = self.column = self.rows = self.columns = 0

    def refuse(self, *_: object) -> None:
        raise ValueError("a document type in XML")

    def meet(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind not in ("row", "c"):
            return
        letters, digits = self._reference(attributes)
        if kind == "row":
            self.row, self.column = int(digits) if digits else self.row + 1, 0
        else:
            self.row = int(digits) if digits else self.row
            self.column = _column(letters) if letters else self.column + 1
        self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)
        check_corner(self.rows, self.columns)

    def _reference(self, attributes: dict[str, str]) -> tuple[str, str]:
        said = attributes.get("r")
        if said is None:
            return "", ""
        match = REFERENCE.fullmatch(said)
        if match is None:
            raise ValueError(f"{said[:20]!r} is no cell")
        return match[1], match[2]


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


def check_xls(content: bytes) -> None:
    """Look at a whole `.xls`.

    Raises:
        TooFarError: a cell lies beyond the bounds.
        ValueError: it is not a compound file, or holds no workbook.
    """
    try:
        streams = list(_workbooks(content))
        if not streams:
            raise ValueError("no workbook in it")
        for stream in streams:
            starts = [0]
            rows = columns = 0
            for position, kind, body in _records(stream, 0):
                if kind == SHEET and position and len(body) >= 4:
                    starts.append(struct.unpack_from("<I", body)[0])
            if len(starts) > MOST_SHEETS:
                raise ValueError(f"more than {MOST_SHEETS} sheets")
            for start in starts:
                for _, kind, body in _records(stream, start):
                    row, column = _reach(kind, body)
                    rows, columns = max(rows, row), max(columns, column)
                    check_corner(rows, columns)
    except (struct.error, IndexError) as error:
        raise ValueError("a damaged compound file") from error


def _records(stream: bytes, start: int) -> Iterator[tuple[int, int, bytes]]:
    position = start
    while position + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, position)
        yield position, kind, stream[position + 4 : position + 4 + length]
        if kind == END:
            return
        position += 4 + length


def _reach(kind: int, body: bytes) -> tuple[int, int]:
    if kind == DIMENSIONS and len(body) >= 8:
        top, rows, left, columns = struct.unpack_from("<IIHH" if len(body) >= 14 else "<HHHH", body)
        if top > rows or left > columns:
            raise ValueError("a sheet that ends before it begins")
        return rows, columns
    if kind in CELLS and len(body) >= 4:
        row, column = struct.unpack_from("<HH", body)
        # A record of many cells in a row holds at least two bytes of each.
        return row + 1, column + (len(body) // 2 if kind in (0x00BD, 0x00BE) else 1)
    return 0, 0


def _workbooks(content: bytes) -> Iterator[bytes]:
    size, small = (1 << shift for shift in struct.unpack_from("<HH", content, 30) if shift in (6, 9, 12))
    directory, cutoff, minifat, difat = (struct.unpack_from("<I", content, at)[0] for at in (48, 56, 60, 68))
    heads = list(struct.unpack_from("<109I", content, 76))
    while difat < FREE and len(heads) * size < len(content):
        more = struct.unpack(f"<{size // 4}I", _sector(content, size, difat))
        heads += more[:-1]
        difat = more[-1]
    table = b"".join(_sector(content, size, head) for head in heads[: len(content) // size] if head < FREE)
    fat = struct.unpack(f"<{len(table) // 4}I", table)
    entries = _follow(content, size, fat, directory)
    marks = _follow(content, size, fat, minifat)
    minor = struct.unpack(f"<{len(marks) // 4}I", marks)
    edges = range(0, len(entries) + 1, 128)
    whole = [entries[begin:end] for begin, end in pairwise(edges)]
    listed = [(_name(entry), *struct.unpack_from("<II", entry, 116)) for entry in whole]
    inner = _follow(content, size, fat, listed[0][1]) if listed else b""
    for name, start, length in listed:
        if name in ("workbook", "book"):
            held = _follow(content, size, fat, start) if length >= cutoff else _follow(inner, small, minor, start, 0)
            yield held[:length]


def _name(entry: bytes) -> str:
    return entry[:64].decode("utf-16-le", "replace").partition("\0")[0].lower()


def _sector(content: bytes, size: int, number: int, before: int = 1) -> bytes:
    begin = (number + before) * size
    return content[begin : begin + size].ljust(size, b"\0") if begin < len(content) else b""


def _follow(content: bytes, size: int, table: tuple[int, ...], start: int, before: int = 1) -> bytes:
    parts, seen = [], 0
    while start < FREE and seen <= len(content) // size:
        parts.append(_sector(content, size, start, before))
        start, seen = table[start], seen + 1
    return b"".join(parts)
