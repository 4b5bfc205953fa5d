from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.evidence.audit.leaks import Divided, read_sides
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.splits import folds, write_split

INDEX = Index("made", Path(), tuple(Sample(str(at), "", f"w{at // 2}", f"{at}.png", "ab"[at % 2]) for at in range(8)))


def table(path: Path, *rows: str, head: str = "sample_id,part") -> Path:
    path.write_text("\n".join((head, *rows, "")), encoding="utf-8")
    return path


def test_who_lies_on_two_sides_is_named(tmp_path: Path) -> None:
    rows = ["0,train", "1,test", "2,test", "3,test", "4,train", "4,test", "9,train"]

    leaks, sides = read_sides(table(tmp_path / "s.csv", *rows), INDEX)

    assert leaks.groups == (Divided("w0", {"test": 1, "train": 1}), Divided("w2", {"test": 1, "train": 1}))
    assert leaks.repeated == ("4",)
    assert (leaks.unknown, leaks.absent) == (1, 3)
    assert sides == ("train", "test", "test", "test", "train", "", "", "")


def test_our_own_split_by_folds_has_no_leak(tmp_path: Path) -> None:
    write_split(tmp_path / "s.csv", INDEX, ["crossval"] * 8, folds(INDEX, folds=2, seed=0))

    leaks, sides = read_sides(tmp_path / "s.csv", INDEX)

    assert leaks.groups == ()
    assert leaks.repeated == ()
    assert set(sides) == {"crossval, fold 0", "crossval, fold 1"}


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("sample_id,part", "0,", "row 1, column 'part': empty"),
        ("sample_id,side", "0,train", "no column part"),
        ("sample_id,part", "77,train", "lists no sample"),
        ("sample_id,part", "0,=cmd()", "a spreadsheet formula"),
    ],
)
def test_a_table_that_is_no_split_is_refused(tmp_path: Path, head: str, row: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        read_sides(table(tmp_path / "s.csv", row, head=head), INDEX)
