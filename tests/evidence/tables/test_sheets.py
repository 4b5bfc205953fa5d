import datetime
import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest
import xlwt

from senoscope.core.errors import DatasetError
from senoscope.evidence.tables import extents, sheets
from senoscope.evidence.tables.extents import TooFarError, check_xls, check_xml
from senoscope.evidence.tables.sheets import read_sheet
from tests.makers import write_table
from tests.makers.records import Cells

CELLS: Cells = [["ID", " Name ", "", "When"], [1.0, "a\nb", "lost", datetime.date(2020, 1, 2)], [2.5, True, None, None]]
READ = [
    {"ID": "1", "Name": "a b", "When": "2020-01-02"},
    {"ID": "2.5", "Name": "true", "When": ""},
]


def test_values_are_read_as_text(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.xlsx", CELLS, sheet="Clinical")

    assert read_sheet(path, ("ID", "Name")) == ("Clinical", READ)


def test_the_old_format_is_read_too(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.xls", [["ID", "Bi-Rads"], [22678622, "4a"], [22678623, 2]])

    assert read_sheet(path, ("ID",))[1] == [
        {"ID": "22678622", "Bi-Rads": "4a"},
        {"ID": "22678623", "Bi-Rads": "2"},
    ]


def test_a_small_workbook_of_the_old_format_lies_in_short_sectors(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("only").write(0, 0, "ID")
    path = tmp_path / "t.xls"
    book.save(str(path))

    assert read_sheet(path, ("ID",)) == ("only", [])


def test_a_formula_gives_its_stored_value_and_none_is_computed(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.xlsx", [["ID"], ['=HYPERLINK("http://x")'], ["b"]])

    assert [row["ID"] for row in read_sheet(path, ("ID",))[1]] == ["", "b"]


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["A"])
    other = book.create_sheet("second")
    other.append(["B"])
    other.append([7])
    book.save(tmp_path / "t.xlsx")

    assert read_sheet(tmp_path / "t.xlsx", ("B",), "second") == ("second", [{"B": "7"}])
    with pytest.raises(DatasetError, match="has no sheet 'third'"):
        read_sheet(tmp_path / "t.xlsx", (), "third")


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([["A", "A"], [1, 2]], "sheet 'Sheet1': a column is named twice"),
        ([["A"], [1]], "sheet 'Sheet1' has no column ID"),
        ([], "has no column ID"),
        ([["ID"], ["x"], ["y" * 20_001]], "sheet 'Sheet1', row 2, column 'ID'"),
        ([["ID"], ["\u202egnp.exe"]], "sheet 'Sheet1', row 1, column 'ID'"),
    ],
)
def test_a_bad_table_names_sheet_row_and_column(tmp_path: Path, cells: Cells, problem: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_sheet(write_table(tmp_path / "t.xlsx", cells), ("ID",))

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"PK\x03\x04" + bytes(40), sheets.COMPOUND + bytes(600), sheets.COMPOUND, b"ID\n1\n"],
)
def test_what_is_no_spreadsheet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)

    with pytest.raises(DatasetError, match="not a spreadsheet that can be read"):
        read_sheet(path, ())


def test_missing_and_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_sheet(tmp_path / "none.xlsx", ())
    path = write_table(tmp_path / "t.xlsx", CELLS)
    monkeypatch.setattr(sheets, "UNZIPPED", 1000)
    with pytest.raises(DatasetError, match="MiB unzipped"):
        read_sheet(path, ())
    monkeypatch.setattr(sheets, "LARGEST_SHEET", 1000)
    with pytest.raises(DatasetError, match="has more than"):
        read_sheet(path, ())


@pytest.mark.parametrize("cell", ["XFD1048576", "A1048576", "XFD1", "ALM90000"])
def test_a_far_cell_is_refused_before_room_is_made_for_it(tmp_path: Path, cell: str) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active[cell] = "ID", "far"
    book.save(tmp_path / "t.xlsx")

    with pytest.raises(DatasetError, match="far beyond a table"):
        read_sheet(tmp_path / "t.xlsx", ())


def old_book() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    sheet.write(0, 0, 1.5)
    sheet.write(100, 200, 2.5)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (struct.pack("<HH", 100, 200), struct.pack("<HH", 65535, 65535)),
        (struct.pack("<IIHH", 0, 101, 0, 201), struct.pack("<IIHH", 0, 2**28, 0, 65535)),
    ],
)
def test_a_far_cell_of_the_old_format_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    content = old_book()
    assert content.count(old) == 1
    path = tmp_path / "t.xls"
    path.write_bytes(content.replace(old, new))

    with pytest.raises(DatasetError, match="far beyond a table"):
        read_sheet(path, ())


def test_a_sheet_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    """Room for a negative number of rows is room for four thousand million."""
    old = struct.pack("<IIHH", 0, 101, 0, 201)
    path = tmp_path / "t.xls"
    path.write_bytes(old_book().replace(old, struct.pack("<IIHH", 500, 101, 0, 201)))

    with pytest.raises(DatasetError, match="ends before it begins"):
        read_sheet(path, ())


@pytest.mark.parametrize("suffix", ["xlsx", "xls"])
def test_an_empty_sheet_has_no_columns_and_no_rows(tmp_path: Path, suffix: str) -> None:
    path = write_table(tmp_path / f"t.{suffix}", [])

    assert read_sheet(path, ())[1] == []
    with pytest.raises(DatasetError, match="has no column ID"):
        read_sheet(path, ("ID",))


def test_a_panic_of_the_reader_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A formula's record that is cut short makes calamine 0.9 panic."""
    panic = type("PanicException", (BaseException,), {})

    def panicking(_: object) -> None:
        raise panic("range end index 129 out of range for slice of length 11")

    monkeypatch.setattr("python_calamine.load_workbook", panicking)

    with pytest.raises(DatasetError, match="not a spreadsheet that can be read: range end index"):
        read_sheet(write_table(tmp_path / "t.xlsx", CELLS), ())


def test_an_interrupt_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("python_calamine.load_workbook", interrupted)

    with pytest.raises(KeyboardInterrupt):
        read_sheet(write_table(tmp_path / "t.xlsx", CELLS), ())


@pytest.mark.parametrize("position", range(0, 2560, 31))
def test_a_damaged_old_book_never_ends_in_a_traceback(tmp_path: Path, position: int) -> None:
    content = bytearray(old_book())
    content[position : position + 4] = b"\xff\xff\xff\x7f"
    path = tmp_path / "t.xls"
    path.write_bytes(content)

    with suppress(DatasetError):
        assert read_sheet(path, ())[0] == "S"


@pytest.mark.parametrize(
    ("xml", "error"),
    [
        (b"<s><row><c/><c/></row></s>", None),
        (b"<x:s xmlns:x='u'><x:row r='2'><x:c r='B2'/></x:row></x:s>", None),
        (b"<s><row r='1048576'/></s>", TooFarError),
        (b"<x:s xmlns:x='u'><x:c r='XFD1'/></x:s>", TooFarError),
        (b"<s><row r='99999'/><row/><row/></s>", TooFarError),
        (b"<s><c r='-1'/></s>", ValueError),
        (b"<!DOCTYPE s [<!ENTITY a 'b'>]><s>&a;</s>", ValueError),
        (b"<s>", ValueError),
        ("<s/>".encode("utf-16"), ValueError),
    ],
)
def test_corners_are_found_in_any_spelling_of_the_markup(xml: bytes, error: type[Exception] | None) -> None:
    if error is None:
        check_xml(xml)
    else:
        with pytest.raises(error):
            check_xml(xml)


def test_only_markup_reaches_the_reader(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.xlsx", CELLS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
        archive.writestr("../../evil.xml", b"<a/>")

    assert read_sheet(path, ("ID",))[1] == READ


def test_bounds_leave_room_for_every_table_that_is_read() -> None:
    extents.check_corner(5_000, 60)
    check_xls(old_book())
