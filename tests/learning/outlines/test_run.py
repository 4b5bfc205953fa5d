"""A run that marks regions: trained, taken up, reported and packed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil
from safetensors.numpy import load_file

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import DatasetError, RecipeError, RunError, UsageError
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.learning.outlines.run import masked
from senoscope.learning.runs.kinds import train_any
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.store import load_any, verify
from tests.makers import busi_outlined, mini_mias

SMALL = {
    "split.folds": "3",
    "split.validation": "fold",
    "input.size": "64",
    "input.fit": "pad",
    "outline.by": "",
    "jitter.crop": "0.6",
    "model.backbone": "test_resnet",
    "model.pretrained": "false",
    "outline.channels": "[16, 8, 8, 8, 8]",
    "finetune.epochs": "12",
    "finetune.warmup": "0",
    "finetune.rate": "0.005",
    "finetune.batch": "4",
}


def small(**changes: str) -> Recipe:
    asked = SMALL | {key.replace("__", "."): value for key, value in changes.items()}
    return parse_recipe(recipe_text("ultrasound_outline"), asked)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("busi")
    busi_outlined(folder, 10)
    return folder


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    train_any(small(), root, out)
    return out


def test_a_run_marks_what_it_has_not_seen(run: Path) -> None:
    report = json.loads((run / "report" / "report.json").read_text())
    text = json.dumps(report)

    assert "dice" in text
    assert (run / "report" / "report.html").is_file()
    rows = (run / "report" / "predictions.csv").read_text().splitlines()
    assert len(rows) == 31
    manifest = verify(run)
    assert manifest.metrics[0].values["dice"].value > 0.7
    assert manifest.metrics[0].positives == 20
    assert "Dice" in (run / "bundle" / "card.md").read_text()


def test_the_bundle_marks_the_lesion(run: Path, root: Path) -> None:
    model = load_any(run)
    assert isinstance(model, Outliner)
    index = DATASETS.get("busi").samples_for(TASKS.get("ultrasound_outline"), root)
    dices = []
    for sample, path in zip(index.samples, index.paths(), strict=True):
        answer = model.predict(path)
        truth = np.asarray(Pil.open(root / sample.masks[0])) > 0
        assert answer.codes.shape == truth.shape
        assert sum(region.pixels for region in answer.regions) == int((answer.codes == 1).sum())
        if sample.label == "lesion" and answer.label == "lesion":
            marked = answer.codes == 1
            dices.append(2 * (marked & truth).sum() / (marked.sum() + truth.sum()))
    assert np.mean(dices) > 0.7


def test_a_run_that_was_cut_short_ends_as_one_that_was_not(run: Path, root: Path, tmp_path: Path) -> None:
    class Cut(Exception):  # noqa: N818 # it is no error
        pass

    def cut(stage: str, done: int, total: int) -> None:
        if stage.startswith("1:") and done == 3:
            raise Cut

    out = tmp_path / "run"
    with pytest.raises(Cut):
        train_any(small(), root, out, cut)
    assert (out / "folds" / "0" / "scores.json").is_file()
    train_any(small(), root, out)

    for fold in "012":
        whole, pieces = (load_file(folder / "folds" / fold / "maps.safetensors")["maps"] for folder in (run, out))
        np.testing.assert_array_equal(whole, pieces)
        first, second = ((folder / "folds" / fold / "scores.json").read_text() for folder in (run, out))
        assert first == second
    assert (run / "bundle" / "model.onnx").read_bytes() == (out / "bundle" / "model.onnx").read_bytes()


def test_without_a_fold_kept_out_all_epochs_are_run_and_other_folds_calibrate(root: Path, tmp_path: Path) -> None:
    train_any(small(split__validation="none", finetune__epochs="2"), root, tmp_path / "run")

    for fold in range(3):
        kept = json.loads((tmp_path / "run" / "folds" / str(fold) / "scores.json").read_text())
        log = (tmp_path / "run" / "folds" / str(fold) / "log.csv").read_text().splitlines()
        assert kept["epoch"] == 2
        assert kept["validation"] == []
        assert all(line.endswith(",,") for line in log[1:])
    notes = json.loads((tmp_path / "run" / "report" / "report.json").read_text())["notes"]
    assert any("out-of-fold answers to the other folds" in note for note in notes)


def test_other_masks_are_another_run(run: Path, root: Path, tmp_path: Path) -> None:
    changed = tmp_path / "data"
    busi_outlined(changed, 10)
    Pil.fromarray(np.full((128, 160), 255, np.uint8)).save(
        changed / "Dataset_BUSI_with_GT" / "benign" / "benign (3)_mask.png"
    )

    with pytest.raises(RunError, match="other facts"):
        train_any(small(), changed, run)


def test_masks_that_cannot_be_used_are_left_out_and_named(tmp_path: Path) -> None:
    base = busi_outlined(tmp_path, 6)
    Pil.fromarray(np.zeros((9, 9), np.uint8)).save(base / "benign" / "benign (1)_mask.png")
    Pil.fromarray(np.zeros((128, 160), np.uint8)).save(base / "malignant" / "malignant (2)_mask.png")
    task = TASKS.get("ultrasound_outline")

    found = masked(DATASETS.get("busi").samples_for(task, tmp_path), task)

    assert len(found) == 16
    reasons = {item.path.rsplit("/", 1)[-1]: item.reason for item in found.dropped}
    assert "another size" in reasons["benign (1).png"]
    assert "mark nothing" in reasons["malignant (2).png"]
    assert any("2 images" in note for note in found.notes)


def test_a_dataset_without_masks(tmp_path: Path) -> None:
    mini_mias(tmp_path)
    asked = small(dataset="mini_mias")

    with pytest.raises(UsageError, match="does not answer"):
        train_any(asked, tmp_path, tmp_path / "run")


def test_every_mask_missing(tmp_path: Path) -> None:
    base = busi_outlined(tmp_path / "data", 4)
    for path in base.rglob("*_mask.png"):
        path.unlink()

    with pytest.raises(DatasetError, match="needs masks"):
        train_any(small(), tmp_path / "data", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("split__mode", "holdout", "crossval"),
        ("finetune__epochs", "0", "finetune.epochs"),
        ("finetune__balance", "weights", "balance"),
        ("input__views", "8", "input.views"),
        ("input__region", "breast", "input.region"),
    ],
)
def test_what_makes_no_sense_is_said_first(root: Path, tmp_path: Path, key: str, value: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        train_any(small(**{key: value}), root, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_answers_of_other_models_are_for_classifiers(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--answers"):
        train_any(small(), root, tmp_path / "run", answers={"density": tmp_path / "x.csv"})
