from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.evidence.tables.records import read_records
from tests.makers import write_table

CELLS = [["ID", "Age", "Kind", "Note"], ["a1", "057.5", " Mass ", "not available"], ["a1", "57Y", "cyst", "seen"]]


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.xls"])
def test_every_kind_of_table_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    records = read_records(write_table(tmp_path / name, CELLS), ("ID", "Age"))

    first, second = records
    assert (first.text("ID"), first.text("Kind"), first.text("Note"), first.text("none")) == ("a1", "Mass", "", "")
    assert (first.whole("Age"), second.whole("Age"), second.whole("Note")) == ("57", "", "")
    assert first.facts({"Kind": "lesion", "Note": "note"}) == {"lesion": "Mass"}
    assert first.word("Kind", {"mass": "m"}) == "m"
    assert len(records) == 2


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_errors_name_file_row_and_column(tmp_path: Path, name: str) -> None:
    first, second = records = read_records(write_table(tmp_path / name, CELLS), ("ID",))

    records.once(first, "ID", "a1")
    with pytest.raises(DatasetError, match=rf"{name}.*, row 2, column 'ID': 'a1' is in row 1 already"):
        records.once(second, "ID", "a1")
    with pytest.raises(DatasetError, match=r"row 2, column 'Kind': 'cyst' is none of m"):
        second.word("Kind", {"mass": "m"})
    (hostile,) = read_records(write_table(tmp_path / name, [["Kind"], ["a/b"]]), ("Kind",))
    with pytest.raises(DatasetError, match="row 1, column 'Kind': 'a/b' is not an id"):
        hostile.identifier("Kind")
    with pytest.raises(DatasetError, match="leaves the dataset's folder"):
        first.path(tmp_path, "ID", "../x")
    assert first.path(tmp_path, "ID", "x/y") == "x/y"


def test_other_separators_and_tables_without_names_are_read(tmp_path: Path) -> None:
    semicolons = write_table(tmp_path / "s.csv", CELLS, ";")
    bare = write_table(tmp_path / "b.csv", [["n001.tif", "Normal"]])

    assert len(read_records(semicolons, ("ID",), delimiter=";")) == 2
    (line,) = read_records(bare, ("file", "label"), headless=True)
    assert (line.number, line.text("label")) == (1, "Normal")
