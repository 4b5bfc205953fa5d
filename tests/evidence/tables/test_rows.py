from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.evidence.tables.rows import read_rows, refuse_contradictions, refuse_repeats


def write(folder: Path, text: str) -> Path:
    (folder / "table.csv").write_text(text, encoding="utf-8", newline="")
    return folder / "table.csv"


def test_line_breaks_are_taken_out_where_the_caller_knows_of_them_and_nowhere_else(tmp_path: Path) -> None:
    path = write(tmp_path, 'name,path\r\na,"one/two.dcm\r\n"\r\nb,"three\n/four.dcm\n"\r\n')

    rows = read_rows(path, ("name", "path"), broken_lines=("path",))

    assert [row["path"] for row in rows] == ["one/two.dcm", "three/four.dcm"]
    with pytest.raises(DatasetError, match="row 1, column 'path': control characters"):
        read_rows(path, ("name", "path"))
    with pytest.raises(DatasetError, match="row 1, column 'path': control characters"):
        read_rows(path, ("name", "path"), broken_lines=("name",))


def test_other_control_signs_stay_refused_in_a_mended_column(tmp_path: Path) -> None:
    path = write(tmp_path, 'path\n"one\x1b[2J\n"\n')

    with pytest.raises(DatasetError, match="row 1, column 'path': control characters"):
        read_rows(path, ("path",), broken_lines=("path",))


def test_a_formula_behind_a_line_break_stays_a_formula(tmp_path: Path) -> None:
    path = write(tmp_path, 'path\n"\n=1+1"\n')

    with pytest.raises(DatasetError, match="row 1, column 'path': a spreadsheet formula"):
        read_rows(path, ("path",), broken_lines=("path",))


def test_repeats_name_both_rows_and_empty_cells_are_no_names(tmp_path: Path) -> None:
    refuse_repeats(tmp_path, "id", ["a", "", "b", ""])

    with pytest.raises(DatasetError, match="row 3, column 'id': 'a' is in row 1 already"):
        refuse_repeats(tmp_path, "id", ["a", "b", "a"])


def test_contradictions_name_both_rows(tmp_path: Path) -> None:
    rows = [
        {"who": "7", "label": "x"},
        {"who": "", "label": "y"},
        {"who": "", "label": "z"},
        {"who": "7", "label": "x"},
    ]
    refuse_contradictions(tmp_path, "who", "label", rows)

    with pytest.raises(DatasetError, match="row 5, column 'label': who '7' is 'y' here and 'x' in row 1"):
        refuse_contradictions(tmp_path, "who", "label", [*rows, {"who": "7", "label": "y"}])
