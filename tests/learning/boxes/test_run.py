"""A run that trains what puts boxes around lesions: cross-validated, reported, packed; taken up where it was cut."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import RecipeError, RunError, UsageError
from senoscope.core.recipes import recipe_text
from senoscope.learning.boxes.run import BoxOutcome, train_boxes
from senoscope.learning.runs.kinds import train_any
from senoscope.runtime.detecting import Detector
from senoscope.runtime.store import load_any, verify
from tests.learning.conftest import halves
from tests.makers import mias_lesions
from tests.makers.ultrasound_sets import busi_outlined

SMALL = {
    "split.folds": "3",
    "input.size": "64",
    "model.backbone": "test_efficientnet",
    "model.pretrained": "false",
    "boxes.channels": "16",
    "split.validation": "fold",
    "finetune.epochs": "1",
    "finetune.warmup": "0",
    "finetune.statistics": "learnt",
    "finetune.rate": "2e-3",
}


def small(name: str = "lesions", **changes: str) -> Recipe:
    return parse_recipe(recipe_text(name), SMALL | changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi_outlined(tmp_path_factory.mktemp("busi"), 7)


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[BoxOutcome, Path]:
    out = tmp_path_factory.mktemp("runs") / "run"
    return train_boxes(small(), data, out), out


def test_every_picture_is_answered_once_by_a_network_that_had_not_seen_it(
    run: tuple[BoxOutcome, Path], data: Path
) -> None:
    outcome, out = run
    evaluation = outcome.evaluation

    assert len(evaluation.samples) == 21
    assert int(evaluation.labels.sum()) == 14
    with (out / "split.csv").open() as file:
        folds = {row["sample_id"]: int(row["fold"]) for row in csv.DictReader(file)}
    for fold in range(3):
        kept = json.loads((out / "folds" / str(fold) / "scores.json").read_text())
        assert len(kept["tested"]) == sum(one == fold for one in folds.values())
    assert not evaluation.leaky
    assert any("fitted again on all samples" in note for note in evaluation.notes)


def test_the_bundle_answers_by_itself(run: tuple[BoxOutcome, Path], data: Path) -> None:
    outcome, out = run
    assert outcome.bundle == out / "bundle"
    verify(outcome.bundle)
    assert halves(outcome.bundle / "model.onnx") > 0
    model = load_any(outcome.bundle, threads=1)
    assert isinstance(model, Detector)

    manifest = model.manifest
    assert manifest.recipe == small()
    assert [table.dataset for table in manifest.metrics] == ["busi"]
    assert manifest.calibration is not None
    assert {point.name for point in manifest.operating_points} == {"screening", "balanced"}
    assert 0 <= manifest.shown <= 1
    picture = sorted((data / "benign").glob("benign (?).png"))[0]
    answer = model.predict(picture)
    assert len(answer.boxes) + len(answer.unshown) > 0
    assert "ROC curve" in (out / "report" / "report.html").read_text("utf-8")


def test_it_is_taken_up_without_fitting_again(run: tuple[BoxOutcome, Path], data: Path) -> None:
    outcome, out = run
    scores = [(out / "folds" / str(fold) / "scores.json").stat().st_mtime_ns for fold in range(3)]

    again = train_boxes(small(), data, out)

    assert again.evaluation.table == outcome.evaluation.table
    assert [(out / "folds" / str(fold) / "scores.json").stat().st_mtime_ns for fold in range(3)] == scores


def test_another_recipe_or_a_damaged_fold_is_refused(run: tuple[BoxOutcome, Path], data: Path) -> None:
    _, out = run
    with pytest.raises(RunError, match="other recipe"):
        train_boxes(small(**{"boxes.overlap": "0.4"}), data, out)
    path = out / "folds" / "1" / "scores.json"
    whole = path.read_text()
    try:
        path.write_text(whole[: len(whole) // 2])
        with pytest.raises(RunError, match=r"scores\.json cannot be read"):
            train_boxes(small(), data, out)
    finally:
        path.write_text(whole)


def test_without_a_fold_kept_out_other_folds_calibrate(data: Path, tmp_path: Path) -> None:
    outcome = train_boxes(small(**{"split.validation": "none", "finetune.epochs": "2"}), data, tmp_path / "run")

    assert any("out-of-fold answers to the other folds" in note for note in outcome.evaluation.notes)
    kept = json.loads((tmp_path / "run" / "folds" / "0" / "scores.json").read_text())
    assert kept["validation"] == []
    assert kept["epoch"] == 2


@pytest.mark.slow
def test_faster_rcnn_is_measured_and_makes_no_bundle(data: Path, tmp_path: Path) -> None:
    recipe = small(**{"boxes.architecture": "fasterrcnn", "model.backbone": "resnet18"})

    outcome = train_any(recipe, data, tmp_path / "run")

    assert isinstance(outcome, BoxOutcome)
    assert outcome.bundle is None
    assert not (tmp_path / "run" / "bundle").exists()
    assert (tmp_path / "run" / "report" / "report.html").is_file()
    assert {"ap50", "froc_1", "iou"} <= set(outcome.evaluation.table)
    assert any("no bundle of Faster R-CNN" in note for note in outcome.evaluation.notes)


@pytest.mark.slow
def test_films_in_squares_without_the_muscle(tmp_path: Path) -> None:
    root = mias_lesions(tmp_path / "mias", 16)
    recipe = small("film_lesions", **{"input.size": "128", "boxes.patch": "64"})

    outcome = train_boxes(recipe, root, tmp_path / "run")

    assert outcome.bundle is not None
    model = load_any(outcome.bundle, threads=1)
    assert isinstance(model, Detector)
    assert model.manifest.patch == 64
    answer = model.predict(root / "mdb003.pgm")
    assert answer.size.width == 1024
    rows = np.array([list(vars(one.box).values()) for one in (*answer.boxes, *answer.unshown)])
    assert len(rows) > 0
    assert ((rows[:, :2] + rows[:, 2:]) <= 1024).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split.mode": "holdout"}, r"split\.mode must be 'crossval'"),
        ({"finetune.epochs": "0"}, r"finetune\.epochs must be above 0"),
        ({"boxes.patch": "64"}, r"boxes\.patch must be below input\.size"),
        ({"input.size": "100"}, "multiples of 32"),
        ({"input.region": "breast"}, "is for mammograms"),
        ({"input.views": "2"}, r"input\.views must be 1"),
        ({"boxes.stride": "5"}, r"boxes\.stride"),
    ],
)
def test_recipes_that_make_no_sense_here(changes: dict[str, str], words: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=words):
        train_boxes(small(**changes), data, tmp_path / "run")

    assert not (tmp_path / "run").exists()


def test_answers_of_others_are_no_inputs(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="goes by pictures alone"):
        train_any(small(), data, tmp_path / "run", answers={"density": tmp_path / "x.csv"})
