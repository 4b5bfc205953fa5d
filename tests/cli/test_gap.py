"""`senoscope evaluate … --protocol paper`: what it takes, what it prints, what it refuses."""

import json
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from senoscope.cli import gap as gaps
from senoscope.cli.evaluate import evaluate
from senoscope.core.domain.recipe import dump_recipe
from senoscope.core.errors import DatasetError, RecipeError, UsageError
from tests.learning.runs.test_gap import RECIPE, noise

torch.set_num_threads(1)


def run(*words: object) -> str:
    """Output of the command; its error is raised."""
    app = typer.Typer()
    app.command()(evaluate)
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENOSCOPE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "mini.toml"
    path.write_text(dump_recipe(RECIPE), encoding="utf-8")
    return path


def test_both_sides_and_their_difference_are_printed(recipe: Path, tmp_path: Path) -> None:
    root = noise(tmp_path / "data")

    shown = run(recipe, "--protocol", "paper", "--data", root, "--out", tmp_path / "out")

    found = json.loads((tmp_path / "out" / "leakage.json").read_text("utf-8"))
    assert "LEAKY" in shown
    assert "leakage gap" in shown
    for side in (found["paper"]["figures"], found["honest"]["figures"], found["leakage_gap"]):
        assert f"{side['roc_auc']['value']:.3f}" in shown
    assert f"{found['images']} images of 18 patients" in shown
    assert str(tmp_path / "out" / "leakage.html") in shown.replace("\n", "")


def test_changes_reach_the_recipe(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("senoscope.learning.runs.gap.measure_gap", lambda recipe, *rest: asked.append(recipe))
    monkeypatch.setattr(gaps, "_show", lambda found: None)

    run(recipe, "--protocol", "paper", "--data", ".", "--out", "x", "--set", "split.folds=4", "--dataset", "busi")
    run("ultrasound", "--protocol", "paper", "--data", ".", "--out", "x", "--set", "split.folds=4")

    assert [one.split.folds for one in asked] == [4, 4]
    assert [one.dataset for one in asked] == ["busi", "busi"]
    assert asked[0].name == "mini"


@pytest.mark.parametrize(
    "words",
    [
        ["--split", "test"],
        ["--level", "patient"],
        ["--prevalence", "0.1"],
        ["--operating-point", "screening"],
        ["--trained-on"],
        ["--record"],
    ],
)
def test_what_does_not_go_with_it_is_refused(recipe: Path, words: list[str]) -> None:
    with pytest.raises(UsageError, match=words[0]):
        run(recipe, "--protocol", "paper", "--data", ".", "--out", "x", *words)


def test_other_misuse(recipe: Path) -> None:
    with pytest.raises(UsageError, match="no such protocol"):
        run(recipe, "--protocol", "image", "--data", ".", "--out", "x")
    with pytest.raises(UsageError, match="one bundle or recipe"):
        run(recipe, recipe, "--protocol", "paper", "--data", ".", "--out", "x")
    with pytest.raises(UsageError, match="a bundle is finished"):
        run("ultrasound", "--data", ".", "--out", "x", "--set", "split.folds=4")
    with pytest.raises(UsageError, match="neither a bundle nor a recipe"):
        run("nothing_of_that_name", "--protocol", "paper", "--data", ".", "--out", "x")
    with pytest.raises(RecipeError, match="foldz"):
        run(recipe, "--protocol", "paper", "--data", ".", "--out", "x", "--set", "split.foldz=4")
    with pytest.raises(DatasetError, match="is not a folder"):
        run(recipe, "--protocol", "paper", "--data", "nowhere", "--out", "x")
