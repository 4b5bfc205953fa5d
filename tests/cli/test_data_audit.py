import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from senoscope.cli.data import data_app
from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.splits import write_split
from tests.makers import bus_bra, busi, mini_mias


def run(*words: object) -> str:
    """What the command prints, without its progress; its error is raised."""
    result = CliRunner().invoke(data_app, ["audit", *(str(word) for word in words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_it_prints_findings_and_writes_page_and_json(tmp_path: Path) -> None:
    root = busi(tmp_path / "data")
    shutil.copy(root / "benign" / "benign (3).png", root / "malignant" / "malignant (9).png")
    shutil.copy(root / "benign" / "benign (2).png", root / "benign" / "benign (7).png")

    shown = run("busi", root, "--out", tmp_path / "out")

    assert "dropped benign/benign (3).png: the same picture as malignant (9)" in shown
    assert "AMBER No patients known" in shown
    assert shown.index("AMBER") < shown.index("GREEN Copies, kept together")
    found = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    assert found["format"] == 1
    assert found["pairs"]["exact copies"] == 1
    assert found["group_sizes"] == {"1": 7, "2": 1}
    assert json.loads(run("busi", root, "--format", "json")) == found
    assert "Audit of busi" in (tmp_path / "out" / "audit.html").read_text("utf-8")


def test_a_leaking_split_is_told_in_red_and_exits_in_peace(tmp_path: Path) -> None:
    root = bus_bra(tmp_path / "data")
    index = DATASETS.get("bus_bra").index(root)
    parts = ["test" if sample.sample_id == "bus_0001-r" else "train" for sample in index.samples]
    write_split(tmp_path / "split.csv", index, parts)

    shown = run("bus_bra", root, "--split-file", tmp_path / "split.csv")

    assert "RED Patients on both sides of split.csv: 1 of 4 patients lie on more than one side: 1." in shown


def test_the_task_chooses_what_is_guessed(tmp_path: Path) -> None:
    root = mini_mias(tmp_path / "data")

    found = json.loads(run("mini_mias", root, "--task", "abnormality", "--format", "json"))

    assert found["task"] == "abnormality"
    assert found["shortcuts"]["question"] == "abnormal or normal"


def test_errors_are_ours(tmp_path: Path) -> None:
    root = busi(tmp_path / "data")
    with pytest.raises(UsageError, match="no task"):
        run("busi", root, "--task", "weather")
    with pytest.raises(UsageError, match="does not answer"):
        run("busi", root, "--task", "density")
    (tmp_path / "split.csv").write_text("sample_id,side\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="has no column part"):
        run("busi", root, "--split-file", tmp_path / "split.csv")
