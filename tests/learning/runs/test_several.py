"""Whole runs of more than two labels on a miniature: what they answer, and what a kill changes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from senoscope.cli import main
from senoscope.core.domain.bundle import MostProbable, SoftmaxCalibration
from senoscope.core.domain.recipe import Recipe, dump_recipe, parse_recipe
from senoscope.core.errors import RecipeError, RunError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.learning.runs.run import Outcome, crossvalidate, train
from senoscope.runtime.store import load, read_manifest, verify
from tests.makers import mias_densities

TEXT = """
name = "mini"
task = "density"
dataset = "mini_mias"
calibration = "temperature"

[split]
mode = "crossval"
folds = 3

[input]
size = 64

[model]
backbone = "test_resnet"
pretrained = false
head = "logistic"

[augment]
views = 1

[fit]
solver = "lbfgs"
epochs = 100
decay = 0.1
balance = true
"""
CROSSVAL = parse_recipe(TEXT)
MACHINES = parse_recipe(TEXT, {"model.head": "svm_rbf", "fit.solver": "libsvm", "fit.gamma": "0.3"})
TOGETHER = parse_recipe(TEXT, {"split.ensemble": "true", "input.views": "2"})
ADAM = {"model.head": "papers", "model.hidden": "16", "model.standardise": "true", "fit.solver": "adam"}
HOLDOUT = parse_recipe(TEXT, {"split.mode": "holdout", **ADAM, "fit.epochs": "5", "fit.rate": "0.01"})
LABELS = TASKS.get("density").labels


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mias_densities(tmp_path_factory.mktemp("data"))


def trained(recipe: Recipe, root: Path, out: Path) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENOSCOPE_CACHE", str(out.parent / "cache"))
        return train(recipe, root, out)


RUNS = {"crossval": CROSSVAL, "holdout": HOLDOUT, "machines": MACHINES, "ensemble": TOGETHER}


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return trained(RUNS[request.param], root, tmp_path_factory.mktemp("run") / "out")


def test_bundle_tells_the_labels_apart(run: Outcome, root: Path) -> None:
    manifest = verify(run.bundle)
    assert (manifest.labels, manifest.operating_point) == (LABELS, "most_probable")
    assert isinstance(manifest.calibration, SoftmaxCalibration)
    assert isinstance(manifest.point(), MostProbable)
    assert sum(manifest.calibration.shares.values()) == pytest.approx(1)

    index = DATASETS.get("mini_mias").samples_for(TASKS.get("density"), root)
    answers = load(run.bundle, threads=1).predict(list(index.paths()))

    right = [answer.label == sample.label for answer, sample in zip(answers, index.samples, strict=True)]
    assert np.mean(right) > 0.6


def test_figures_are_in_the_report_and_the_bundle(run: Outcome) -> None:
    found = run.evaluation
    assert isinstance(found, MulticlassEvaluation)
    assert found.table["macro_auc"].value > 0.7
    (table,) = read_manifest(run.bundle).metrics
    assert table.values == found.table
    values = json.loads((run.bundle.parent / "report" / "report.json").read_text("utf-8"))
    assert values["figures"]["all"]["overall"]["macro_auc"]["value"] == found.table["macro_auc"].value
    assert values["leaky"] is False


def test_every_film_is_tested_once_by_a_model_that_had_not_seen_the_woman(root: Path, tmp_path: Path) -> None:
    found = trained(CROSSVAL, root, tmp_path / "out").evaluation

    assert isinstance(found, MulticlassEvaluation)
    assert len(found.samples) == len(found.probabilities) == 36
    assert sorted(sample.sample_id for sample in found.samples.samples) == [f"mdb{n:03d}" for n in range(1, 37)]
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    scores = [json.loads((tmp_path / "out" / "folds" / str(fold) / "scores.json").read_text()) for fold in range(3)]
    assert all(np.shape(score["logits"])[1] == 3 and score["threshold"] is None for score in scores)


@pytest.mark.parametrize("recipe", [CROSSVAL, HOLDOUT, MACHINES], ids=["crossval", "holdout", "machines"])
def test_a_run_cut_short_ends_where_a_whole_one_does(recipe: Recipe, root: Path, tmp_path: Path) -> None:
    whole = trained(recipe, root, tmp_path / "out")
    before = read_manifest(whole.bundle)
    shutil.rmtree(whole.bundle)
    for name in ("1", "final"):
        shutil.rmtree(tmp_path / "out" / "folds" / name, ignore_errors=True)

    again = trained(recipe, root, tmp_path / "out")

    assert again.evaluation.table == whole.evaluation.table
    assert read_manifest(again.bundle).calibration == before.calibration
    assert read_manifest(again.bundle).metrics == before.metrics


def test_scores_of_other_labels_are_not_taken_up(root: Path, tmp_path: Path) -> None:
    trained(CROSSVAL, root, tmp_path / "out")
    path = tmp_path / "out" / "folds" / "1" / "scores.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"logits": [row[0] for row in values["logits"]]}))

    with pytest.raises(RunError, match=r"scores\.json cannot be read"):
        trained(CROSSVAL, root, tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"calibration": "platt"}, "calibration = 'platt' is for two labels"),
    ],
)
def test_what_is_for_two_labels_is_refused(changes: dict[str, str], words: str, root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=words):
        train(parse_recipe(TEXT, changes), root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_leakage_gap_of_several_labels_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="more than two labels"):
        crossvalidate(CROSSVAL, root, tmp_path / "out")


def test_command_line_trains_measures_and_records(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mini.toml").write_text(dump_recipe(CROSSVAL), "utf-8")

    def said(*words: object) -> str:
        monkeypatch.setattr("sys.argv", ["senoscope", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "160")
        with pytest.raises(SystemExit) as caught:
            main()
        out = capsys.readouterr()
        assert not caught.value.code, out.err
        return out.out

    text = said("train", tmp_path / "mini.toml", "--data", root, "--out", tmp_path / "run")
    assert "macro_auc" in text
    assert "weighted_kappa" in text

    text = said("evaluate", tmp_path / "run", "--data", root, "--out", tmp_path / "report", "--trained-on", "--record")
    assert "Macro ROC AUC" in text
    assert "called glandular" in text
    assert "LEAKY" in text
    assert (tmp_path / "report" / "report.html").is_file()
    tables = read_manifest(tmp_path / "run" / "bundle").metrics
    assert [table.leaky for table in tables] == [False, True]

    rows = said("predict", "density", root / "mdb001.pgm", "--bundle", tmp_path / "run", "--format", "csv").splitlines()
    assert rows[0] == "file,task,bundle,label,probability,abstained,warnings"
    assert rows[1].split(",")[1:3] == ["density", "mini"]
