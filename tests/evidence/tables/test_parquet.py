"""Indexes as Parquet: the same as CSV, and as hostile."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError, MissingExtraError
from senoscope.evidence.index import COLUMNS, Dropped, Index, Sample, read_index, write_index
from senoscope.evidence.tables.rows import write_rows

ROW = {
    "kind": "sample",
    "dataset": "busi",
    "sample_id": "a",
    "group": "g",
    "path": "a.png",
    "label": "benign",
    "masks": "[]",
    "boxes": "[]",
    "facts": "{}",
}


def index(root: Path) -> Index:
    samples = (
        Sample("a", "7", "7", "one, two/ä.png", "benign", ("m 1.png", "m2.png"), (Box(1, 2, 3, 4),), "L", "CC"),
        Sample("b", "7", "7", "b.png", "malignant", facts={"birads": "4", "machine": 'says "hm"'}),
        Sample("c", "9", "9", "", "normal"),
    )
    return Index("busi", root, samples, (Dropped("d.png", "a reason, with comma"),), ("a note",))


def write(target: Path, **cells: object) -> Path:
    rows: list[dict[str, object]] = [{**ROW}, {**ROW, "sample_id": "b"} | cells]
    pq.write_table(pa.table({name: [row.get(name, "") for row in rows] for name in COLUMNS}), target)
    return target


def test_an_index_comes_back_and_equals_the_csv(tmp_path: Path) -> None:
    write_index(index(tmp_path), tmp_path / "new" / "index.parquet")
    write_index(index(tmp_path), tmp_path / "index.csv")

    found = read_index(tmp_path / "new" / "index.parquet", tmp_path)

    assert found == index(tmp_path)
    assert found == read_index(tmp_path / "index.csv", tmp_path)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.parquet"]
    assert pq.read_table(tmp_path / "new" / "index.parquet").column_names == list(COLUMNS)


def test_an_undecodable_name_is_escaped_as_in_csv(tmp_path: Path) -> None:
    odd = Index("busi", tmp_path, index(tmp_path).samples, (Dropped("x\udcff.png", "odd"),))
    for name in ("index.parquet", "index.csv"):
        write_index(odd, tmp_path / name)

        assert read_index(tmp_path / name, tmp_path).dropped == (Dropped("x\\udcff.png", "odd"),)


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("path", "../../etc/passwd", "leaves the dataset's folder"),
        ("masks", '["../m.png"]', "leaves the dataset's folder"),
        ("boxes", "[[1, 2, 0, 4]]", "left, top, width, height"),
        ("label", "=cmd|' /C calc'!A0", "a spreadsheet formula"),
        ("label", "benign\x00", "control characters"),
        ("label", "x" * 30_000, "longer than"),
        ("label", None, "empty"),
        ("sample_id", "a", "is in row 1 already"),
    ],
)
def test_a_hostile_cell_is_named_by_row_and_column(tmp_path: Path, column: str, cell: str | None, problem: str) -> None:
    path = write(tmp_path / "index.parquet", **{column: cell})

    with pytest.raises(DatasetError, match=f"row 2, column '{column}'.*{problem}"):
        read_index(path, tmp_path)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (pa.table({"a": ["1"]}), "has no column kind"),
        (pa.table({name: [1] for name in COLUMNS}), "the column kind is not text"),
        (pa.table({name: [["x"]] for name in COLUMNS}), "has no column kind|the column kind is not text"),
        (pa.table({name: pa.array([b"\xff\xfe"], pa.binary()) for name in COLUMNS}), "not text"),
        (pa.table({name: pa.array([], pa.string()) for name in COLUMNS}), "lists no sample"),
        (pa.table({name: [ROW.get(name, "x" * 90_000)] for name in COLUMNS}), "column 'patient_id' is longer than"),
    ],
    ids=["other columns", "numbers", "lists", "bytes", "empty", "long"],
)
def test_a_table_that_is_no_index_is_refused(tmp_path: Path, table: pa.Table, problem: str) -> None:
    pq.write_table(table, tmp_path / "index.parquet")

    with pytest.raises(DatasetError, match=problem):
        read_index(tmp_path / "index.parquet", tmp_path)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    zeros = pa.array(np.zeros(60_000, np.int32))
    cells = {name: ROW.get(name, "") for name in COLUMNS} | {"text": "x" * 19_000}
    table = pa.table({name: pa.DictionaryArray.from_arrays(zeros, [cell]) for name, cell in cells.items()})
    pq.write_table(table, tmp_path / "index.parquet")
    assert (tmp_path / "index.parquet").stat().st_size < 200_000

    with pytest.raises(DatasetError, match="unpacks to more than"):
        read_index(tmp_path / "index.parquet", tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 100, b"kind,dataset\n"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.parquet").write_bytes(content)

    with pytest.raises(DatasetError, match=r"index\.parquet"):
        read_index(tmp_path / "index.parquet", tmp_path)


def test_damage_anywhere_is_ours_to_report(tmp_path: Path) -> None:
    path = tmp_path / "index.parquet"
    write_index(index(tmp_path), path)
    whole, random = path.read_bytes(), np.random.default_rng(1)
    refused = 0
    for _ in range(200):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 3):
            data[place] = int(random.integers(256))
        path.write_bytes(bytes(data))
        try:
            read_index(path, tmp_path)
        except DatasetError:
            refused += 1

    assert refused > 50


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"index\.parquet cannot be read"):
        read_index(tmp_path / "index.parquet", tmp_path)


def test_without_the_extra_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(MissingExtraError) as caught:
        write_index(index(tmp_path), tmp_path / "index.parquet")

    assert "senoscope[data]" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
    write_rows(tmp_path / "index.csv", COLUMNS, [ROW])
    assert len(read_index(tmp_path / "index.csv", tmp_path)) == 1
