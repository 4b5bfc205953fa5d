"""`senoscope train`: what it refuses before anything is computed. Whole runs: `tests/learning/runs/test_run.py`."""

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.makers import busi

pytest.importorskip("torch", reason="training needs torch")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--set", "fit.epochz=5"], 1, "fit.epochz"),
        (["--set", "fit.epochs=many"], 1, "fit.epochs"),
        (["--set", "fit.epochs=0"], 1, "fit.epochs"),
        (["--set", "fit.batch=1"], 1, "fit.batch"),
        (["--set", "fit.epochs"], 2, "KEY=VALUE"),
        (["--set", "=5"], 2, "KEY=VALUE"),
        (["--set", "model.head=papers"], 1, "lbfgs"),
        (["--set", "task=horoscope"], 2, "there is no task"),
        (["--set", "dataset=horoscopes"], 2, "there is no dataset"),
        (["--set", "model.backbone=resnet51"], 1, "resnet51"),
        (["--set", "split.folds=20"], 1, "fewer than 20 folds"),
    ],
)
def test_recipe_that_makes_no_sense(
    senoscope: Command, tmp_path: Path, words: list[str], status: int, said: str
) -> None:
    root = busi(tmp_path / "busi")
    words = ["--set", "split.folds=3", *words]

    done = senoscope("train", "ultrasound", "--data", root, "--out", tmp_path / "run", *words)

    assert done.status == status
    assert said in done.err
    assert not (tmp_path / "run").exists()


def test_unknown_recipe(senoscope: Command, tmp_path: Path) -> None:
    done = senoscope("train", "ultrasond", "--data", tmp_path, "--out", tmp_path / "run")

    assert done.status == 2
    assert "did you mean: ultrasound" in done.err


def test_recipe_file_that_is_not_there(senoscope: Command, tmp_path: Path) -> None:
    done = senoscope("train", tmp_path / "mine.toml", "--data", tmp_path, "--out", tmp_path / "run")

    assert done.status == 1
    assert "mine.toml" in done.err


@pytest.mark.parametrize("text", ["", "   \n", "name = ", "\x00"])
def test_recipe_file_that_is_none(senoscope: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.toml").write_text(text)

    done = senoscope("train", tmp_path / "mine.toml", "--data", tmp_path, "--out", tmp_path / "run")

    assert done.status == 1
    assert done.err.startswith("error: ")


def test_folder_without_the_dataset(senoscope: Command, tmp_path: Path) -> None:
    done = senoscope("train", "ultrasound", "--data", tmp_path, "--out", tmp_path / "run")

    assert done.status == 1
    assert "looked for" in done.err


def test_without_torch_the_extra_is_named(senoscope: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    done = senoscope("train", "ultrasound", "--data", tmp_path, "--out", tmp_path / "run")

    assert done.status == 1
    assert "pip install 'senoscope[train]'" in done.err
