"""Whole runs on a miniature of BUSI: what they leave behind, who is trained on, and what a kill changes."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pil
from safetensors.torch import save_file

from senoscope.cli import main
from senoscope.core.domain.recipe import Recipe, dump_recipe, parse_recipe
from senoscope.core.errors import DatasetError, RecipeError, RunError
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.splits import read_split
from senoscope.learning.data.material import gather, indexed
from senoscope.learning.fitting.fit import Examples, fit_head
from senoscope.learning.models.weights import resolve
from senoscope.learning.runs import fold as folding
from senoscope.learning.runs.run import Outcome, train
from senoscope.runtime.store import load, read_manifest, verify
from tests.makers import busi

TEXT = """
name = "mini"
task = "ultrasound"
dataset = "busi"

[split]
mode = "crossval"
folds = 3

[input]
size = 64
fit = "stretch"

[model]
backbone = "test_resnet"
pretrained = false
head = "logistic"

[augment]
views = 1

[fit]
epochs = 5
batch = 4
rate = 0.003
"""
PIPELINE = Pipeline((Gray(), Resize(64, 64, "stretch")))
CROSSVAL = parse_recipe(TEXT)
HOLDOUT = parse_recipe(
    TEXT, {"split.mode": "holdout", "model.head": "papers", "model.hidden": "32", "fit.rate": "0.01"}
)


class Run:
    """A finished run and what the spy saw of its fits."""

    def __init__(self, recipe: Recipe, root: Path, out: Path) -> None:
        self.recipe, self.root, self.out = recipe, root, out
        self.fits: list[tuple[str, Examples]] = []
        self.outcome = self.go()

    def go(self) -> Outcome:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SENOSCOPE_CACHE", str(self.out.parent / "cache"))
            patch.setattr(folding, "fit_head", self._spy)
            return train(self.recipe, self.root, self.out)

    def _spy(self, head: Any, examples: Examples, validation: Any, recipe: Any, folder: Path, progress: Any) -> Any:
        self.fits.append((str(folder.relative_to(self.out / "folds")), examples))
        return fit_head(head, examples, validation, recipe, folder, progress)

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "report" / "report.json").read_text("utf-8"))
        return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen pictures of each kind, and one of them twice under another name and brightness."""
    base = busi(tmp_path_factory.mktemp("data with ü"), 18)
    first = Pil.open(base / "malignant" / "malignant (3).png")
    first.point(lambda level: min(255, level + 1)).save(base / "malignant" / "malignant (19).png")
    shutil.copy(base / "malignant" / "malignant (3)_mask.png", base / "malignant" / "malignant (19)_mask.png")
    return base


@pytest.fixture(scope="module")
def crossval(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(CROSSVAL, root, tmp_path_factory.mktemp("run") / "out")


@pytest.fixture(scope="module")
def holdout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(HOLDOUT, root, tmp_path_factory.mktemp("run") / "out")


@pytest.fixture(params=["crossval", "holdout"])
def run(request: pytest.FixtureRequest) -> Run:
    """Either of the two."""
    found: Run = request.getfixturevalue(request.param)
    return found


def test_run_folder_can_be_read_by_anyone(run: Run) -> None:
    assert parse_recipe((run.out / "recipe.toml").read_text("utf-8")) == run.recipe
    assert {"data", "weights"} <= json.loads((run.out / "run.json").read_text()).keys()
    logs = sorted(run.out.glob("folds/**/log.csv"))
    assert logs
    for log in logs:
        with log.open() as file:
            rows = list(csv.DictReader(file))
        assert 1 <= len(rows) <= 5
        assert (log.parent / "checkpoint.safetensors").is_file()
    assert "<html" in (run.out / "report" / "report.html").read_text("utf-8").lower()
    assert {path.name for path in (run.out / "bundle").iterdir()} == {"model.onnx", "bundle.json", "card.md"}


def test_run_leaves_no_temporary_files(run: Run) -> None:
    names = [path.name for path in run.out.rglob("*") if path.is_file()]

    assert not [name for name in names if name.startswith(".") or name.endswith(".part")]


def test_no_group_lies_on_both_sides(run: Run) -> None:
    index = DATASETS.get("busi").index(run.root).with_labels(("benign", "malignant"))

    split = read_split(run.out / "split.csv", index)

    twins = [
        position for position, sample in enumerate(index.samples) if sample.sample_id.endswith(("t (3)", "t (19)"))
    ]
    assert len(twins) == 2
    assert len({index.samples[position].group for position in twins}) == 1
    assert len(set(split.folds[twins])) == 1
    if run.recipe is HOLDOUT:
        assert set(split.parts) == {"train", "validation", "test"}


def test_nobody_is_tested_by_a_network_that_saw_her(run: Run, tmp_path: Path) -> None:
    index = DATASETS.get("busi").index(run.root).with_labels(("benign", "malignant"))
    split = read_split(run.out / "split.csv", index)
    plain = _plain_features(run)
    tested = {
        fold: {plain[row].tobytes() for row in np.flatnonzero(split.folds == fold)}
        for fold in range(run.recipe.split.folds)
    }
    assert len(set.union(*tested.values())) == len(index)

    checked = 0
    for name, examples in run.fits:
        fold = 0 if run.recipe is HOLDOUT else int(name.split("/")[0]) if name[0].isdigit() else None
        if fold is None:
            continue  # the bundle's own fit, on everyone
        seen = {row.tobytes() for row in examples.features}
        assert seen & set.union(*tested.values())
        assert not seen & tested[fold], name
        checked += 1
    assert checked >= (1 if run.recipe is HOLDOUT else 3)


def _plain_features(run: Run) -> Any:
    """Features of the samples as they are, from the store the run has filled."""
    recipe = run.recipe
    divided = indexed(recipe, run.root)
    backbone = resolve(recipe.model.backbone, pretrained=False, seed=recipe.fit.seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENOSCOPE_CACHE", str(run.out.parent / "cache"))
        return gather(recipe, divided, backbone, lambda stage, done, total: None).plain


def test_bundle_is_intact_and_carries_its_figures(run: Run) -> None:
    manifest = verify(run.out)

    assert manifest.name == "mini"
    assert manifest.recipe == run.recipe
    assert manifest.datasets[0].name == "busi"
    (table,) = manifest.metrics
    assert table.values["roc_auc"].value == run.report()["figures"]["all"]["roc_auc"]["value"]
    assert f"{table.values['roc_auc']}" in (run.out / "bundle" / "card.md").read_text("utf-8")


def test_every_sample_of_the_test_part_is_reported_once(run: Run) -> None:
    with (run.out / "report" / "predictions.csv").open(encoding="utf-8") as file:
        names = [row["sample_id"] for row in csv.DictReader(file)]
    with (run.out / "split.csv").open(encoding="utf-8") as file:
        split = list(csv.DictReader(file))

    expected = [row["sample_id"] for row in split if row["part"] in ("test", "crossval")]
    assert sorted(names) == sorted(expected)
    assert len(names) == (len(split) if run.recipe is CROSSVAL else sum(row["fold"] == "0" for row in split))


def test_bundle_answers_as_the_report_says(holdout: Run) -> None:
    with (holdout.out / "report" / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    answers = load(holdout.out).predict([holdout.root / row["path"] for row in rows])

    for row, answer in zip(rows, answers, strict=True):
        assert answer.probability == pytest.approx(float(row["probability"]), abs=1e-5)


def test_run_again_trains_nothing_and_gives_the_same(run: Run) -> None:
    states = {path: path.stat().st_mtime_ns for path in run.out.glob("folds/**/checkpoint.safetensors")}
    logs = {path: path.read_bytes() for path in run.out.glob("folds/**/log.csv")}
    before = run.report()

    outcome = run.go()

    assert {path: path.stat().st_mtime_ns for path in states} == states
    assert {path: path.read_bytes() for path in run.out.glob("folds/**/log.csv")} == logs
    assert run.report() == before
    assert outcome.evaluation.table == run.outcome.evaluation.table
    verify(run.out)


@pytest.mark.parametrize(
    ("key", "value", "word"), [("fit.epochs", "6", "recipe"), ("name", "other", "recipe"), ("fit.seed", "1", "weights")]
)
def test_folder_of_another_run_is_left_alone(run: Run, key: str, value: str, word: str) -> None:
    before = _contents(run.out)

    with pytest.raises(RunError, match=word) as caught:
        train(parse_recipe(dump_recipe(run.recipe), {key: value}), run.root, run.out)

    assert caught.value.hint
    assert _contents(run.out) == before


def _contents(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_folder_of_a_run_on_other_data_is_left_alone(run: Run, root: Path, tmp_path: Path) -> None:
    other = shutil.copytree(root, tmp_path / "other")
    path = other / "benign" / "benign (5).png"
    Pil.open(path).point(lambda level: 255 - level).save(path)

    with pytest.raises(RunError, match="data"):
        train(run.recipe, other, run.out)


def test_folder_of_a_run_with_other_groups_is_left_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senoscope.evidence.datasets.ultrasound.busi.SAME_SCENE", -1)
    before = _contents(run.out)

    with pytest.raises(RunError, match="other split"):
        train(run.recipe, run.root, run.out)

    assert _contents(run.out) == before


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", '{"recipe": 1, "data": 2}'])
def test_damaged_run_file(root: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)

    with pytest.raises(RunError, match=r"run\.json cannot be read"):
        train(CROSSVAL, root, tmp_path)


@pytest.mark.parametrize("what", ["a file", "a full folder"])
def test_place_that_is_taken(root: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    if what == "a file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "thesis.docx").write_text("mine")

    with pytest.raises(RunError, match="holds no run"):
        train(CROSSVAL, root, out)


def test_what_a_kill_left_before_the_run_began_is_no_hindrance(root: Path, tmp_path: Path) -> None:
    (tmp_path / ".run.json.x1y2").write_text("")

    with pytest.raises(InterruptedError):
        train(CROSSVAL, root, tmp_path, _interrupt)

    assert (tmp_path / "run.json").is_file()
    assert (tmp_path / "recipe.toml").is_file()


def _interrupt(stage: str, done: int, total: int) -> None:
    raise InterruptedError


def test_unknown_backbone_leaves_no_folder_behind(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no backbone"):
        train(parse_recipe(TEXT, {"model.backbone": "resnet51"}), root, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_classifier_wants_a_fold_to_calibrate_by(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is for tasks that ask where"):
        train(parse_recipe(TEXT, {"split.validation": "none"}), root, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_too_little_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="fewer than 3 folds"):
        train(CROSSVAL, busi(tmp_path / "busi", 2), tmp_path / "out")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"logits": [1]}'])
def test_damaged_scores(crossval: Run, tmp_path: Path, content: str) -> None:
    out = shutil.copytree(crossval.out, tmp_path / "out")
    (out / "folds" / "1" / "scores.json").write_text(content)

    with pytest.raises(RunError, match=r"scores\.json cannot be read"):
        train(CROSSVAL, crossval.root, out)


def test_scores_of_other_samples_are_refused(crossval: Run, tmp_path: Path) -> None:
    out = shutil.copytree(crossval.out, tmp_path / "out")
    path = out / "folds" / "1" / "scores.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({key: value[1:] if isinstance(value, list) else value for key, value in values.items()}))

    with pytest.raises(RunError, match=r"scores\.json cannot be read"):
        train(CROSSVAL, crossval.root, out)


def test_fine_tuned_run(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_weights(root, tmp_path)
    monkeypatch.setenv("SENOSCOPE_WEIGHTS", str(tmp_path))
    changes = {"split.mode": "holdout", "finetune.epochs": "1", "finetune.rate": "1e-5", "model.pretrained": "true"}
    recipe = parse_recipe(TEXT, changes)

    train(recipe, root, tmp_path / "out")

    assert (tmp_path / "out" / "folds" / "final" / "backbone" / "checkpoint.safetensors").is_file()
    assert "fine-tuned" in (tmp_path / "out" / "bundle" / "card.md").read_text("utf-8")
    assert verify(tmp_path / "out").recipe == recipe


def _write_weights(root: Path, folder: Path) -> None:
    """Random weights whose batch normalisation has seen the pictures, so that training does not turn them over."""
    network = resolve("test_resnet", pretrained=False).network
    paths = sorted(root.glob("*/* (?).png"))
    images = torch.from_numpy(np.stack([PIPELINE.apply(read(path)).array for path in paths])) / 127.5 - 1
    network.train()
    with torch.no_grad():
        for _ in range(40):
            network.forward_features(images)  # type: ignore[operator]
    save_file(network.state_dict(), folder / "test_resnet.safetensors")


@pytest.fixture
def killed(root: Path, tmp_path: Path) -> Path:
    """A run by the command line that was killed when its second fold was done."""
    (tmp_path / "mini.toml").write_text(TEXT)
    command = [sys.executable, "-c", "from senoscope.cli import main; main()", *_words(root, tmp_path)]
    env = {**os.environ, "SENOSCOPE_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _wait_for(tmp_path / "out" / "folds" / "1" / "scores.json", process)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "report").exists()
    return tmp_path


def _words(root: Path, folder: Path) -> list[str]:
    words = ["train", folder / "mini.toml", "--data", root, "--out", folder / "out", "--set", "model.pretrained=false"]
    return [str(word) for word in words]


def _wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    for _ in range(4000):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"{path} did not appear")


def test_killed_halfway_and_run_again_ends_as_an_uninterrupted_run(
    crossval: Run, killed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = crossval
    assert not (killed / "out" / "folds" / "final" / "head" / "log.csv").exists()

    monkeypatch.setattr(sys, "argv", ["senoscope", *_words(run.root, killed)])
    monkeypatch.setenv("SENOSCOPE_CACHE", str(killed / "cache"))
    with pytest.raises(SystemExit) as ended:
        main()

    assert not ended.value.code
    assert str(run.outcome.evaluation.table["roc_auc"]) in capsys.readouterr().out
    assert json.loads((killed / "out" / "report" / "report.json").read_text("utf-8")) == run.report()
    same = [Path("report") / "predictions.csv", Path("split.csv"), Path("recipe.toml")]
    same += [path.relative_to(run.out) for path in run.out.glob("folds/**/log.csv")]
    for path in same:
        assert (killed / "out" / path).read_bytes() == (run.out / path).read_bytes(), path
    first, second = read_manifest(killed / "out" / "bundle"), read_manifest(run.out / "bundle")
    assert first.metrics == second.metrics
    assert first.operating_points == second.operating_points
