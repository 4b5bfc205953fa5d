import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from senoscope.cli.data import data_app
from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import read_index
from tests.makers import breastdcedl, bus_bra, cbis_ddsm, dmr_ir, mini_mias


def run(*words: object) -> str:
    """Output of the command; its error is raised."""
    result = CliRunner().invoke(data_app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_list_names_every_dataset_with_its_terms() -> None:
    shown = run("list")

    for name in DATASETS.names():
        assert name in shown
        assert DATASETS.get(name).url in shown


def test_index_writes_the_table(tmp_path: Path) -> None:
    root = bus_bra(tmp_path / "data")

    shown = run("index", "bus_bra", root, "--out", tmp_path / "out" / "index.csv")

    assert len(read_index(tmp_path / "out" / "index.csv", root)) == 5
    assert "5 of 1,875 images of BUS-BRA" in shown
    with (tmp_path / "out" / "index.csv").open(encoding="utf-8") as file:
        assert [row["laterality"] for row in csv.DictReader(file)][:2] == ["L", "R"]


def test_index_shows_classes_and_patients_beside_the_published_numbers(tmp_path: Path) -> None:
    shown = run("index", "mini_mias", mini_mias(tmp_path / "films"), "--out", tmp_path / "index.csv")

    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert "label films here published patients" in rows
    assert "malignant 2 52 2" in rows
    assert "normal 4 207 4" in rows
    assert "all 8 322 4 of 161" in rows
    assert "8 of 322 films of mini-MIAS" in shown


def test_index_counts_patients_where_labels_are_theirs_and_says_what_was_dropped(tmp_path: Path) -> None:
    shown = run("index", "breastdcedl", breastdcedl(tmp_path / "mri"), "--out", tmp_path / "index.csv")

    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert "label patients here published" in rows
    assert "unknown 1 not stated" in rows
    shown = run("index", "dmr_ir", dmr_ir(tmp_path / "thermal"), "--out", tmp_path / "index.csv")
    assert "dropped sick/T0261.1.1.S.2014-11-11.00.txt: patient 261: the diagnosis is uncertain" in shown


def test_index_says_that_tables_stand_without_images(tmp_path: Path) -> None:
    shown = run("index", "cbis_ddsm", cbis_ddsm(tmp_path / "tables"), "--out", tmp_path / "index.csv")

    assert "8 samples in" in shown
    assert "8 without an image here" in shown


def test_index_writes_parquet_by_the_name(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    root = bus_bra(tmp_path / "data")

    run("index", "bus_bra", root, "--out", tmp_path / "index.parquet")

    assert read_index(tmp_path / "index.parquet", root) == DATASETS.get("bus_bra").index(root)
    with pytest.raises(UsageError, match=r"neither \.csv nor \.parquet"):
        run("index", "bus_bra", root, "--out", tmp_path / "index.xlsx")


def test_the_help_of_index_ends_with_examples() -> None:
    shown = run("index", "--help")

    assert "senoscope data index idc DATASETS --out idc.parquet" in [line.strip() for line in shown.splitlines()]


def test_a_wrong_name_and_a_wrong_folder_are_our_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no dataset 'bus'"):
        run("index", "bus", tmp_path)
    with pytest.raises(DatasetError, match="looked for"):
        run("audit", "busi", tmp_path)
