"""Whole runs over exams: who is tested with whom, the baseline beside, the bundle that comes of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senoscope.core.domain.exam import Exam, View
from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError, RunError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.evidence.index import Sample
from senoscope.evidence.index.splits import read_split
from senoscope.learning.data.material import indexed
from senoscope.learning.runs.run import train
from senoscope.runtime.store import load
from tests.learning.exams.conftest import recipe
from tests.makers import rsna_exams

LIGHT = {"model__backbone": "test_resnet", "exam__pool": "attention", "record__network": "gru", "fit__epochs": "3"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rsna_exams(tmp_path_factory.mktemp("data") / "rsna")


@pytest.fixture(scope="module")
def runs(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cross-validation by breast, of pictures and records."""
    out = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENOSCOPE_CACHE", str(out / "cache"))
        train(recipe(**LIGHT), root, out / "both")
    return out


def _report(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "report" / "report.json").read_text("utf-8"))
    return found


def _breasts(root: Path) -> list[Sample]:
    return list(DATASETS.get("rsna").index(root).samples)


def test_every_breast_is_answered_once_and_a_woman_is_in_one_fold(root: Path, runs: Path) -> None:
    asked = recipe(**LIGHT)
    divided = indexed(asked, root)

    split = read_split(runs / "both" / "split.csv", divided.index)

    breasts = {(sample.patient_id, sample.laterality) for sample in _breasts(root)}
    assert len(divided.index) == len(breasts) < len(divided.images)
    folds: dict[str, set[int]] = {}
    for sample, fold in zip(divided.index.samples, split.folds, strict=True):
        folds.setdefault(sample.patient_id, set()).add(int(fold))
    assert {len(found) for found in folds.values()} == {1}


def test_the_report_says_what_the_record_alone_comes_to_on_the_same_folds(runs: Path) -> None:
    notes = " ".join(_report(runs / "both")["notes"])

    assert "the record alone (age, machine), without pictures, on the same folds: ROC AUC 0." in notes
    assert "what the pictures add to it: ROC AUC " in notes
    assert len(list((runs / "both" / "records_alone").glob("*/scores.json"))) == 3


def test_the_bundle_answers_any_subset_of_views_and_facts(root: Path, runs: Path) -> None:
    model = load(runs / "both" / "bundle")
    films = [sample for sample in _breasts(root) if sample.patient_id == "20000" and sample.laterality == "L"]
    views = tuple(View(root / film.path, film.facts | {"view": film.view}) for film in films)

    whole = model.predict(Exam("both views", views))
    one = model.predict(Exam("one view", views[:1]))
    bare = model.predict(Exam("nothing known", (View(views[0].source),)))

    assert len(views) == 2
    assert sum(view.share for view in whole.views) == pytest.approx(1.0)
    assert {len(one.views), len(bare.views)} == {1}
    assert len({round(answer.probability, 6) for answer in (whole, one, bare)}) == 3
    assert bare.missing == ("age", "machine")


def test_the_words_of_the_held_out_fold_are_not_learnt(root: Path, runs: Path) -> None:
    spec = load(runs / "both" / "bundle").manifest.exam

    assert spec is not None
    assert (spec.by, spec.most) == ("breast", 4)
    assert [fact.kind for fact in spec.coding.facts] == ["number", "word"]
    assert spec.coding.facts[1].words == ("29", "48")


def test_a_run_taken_up_again_changes_nothing(root: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_CACHE", str(runs / "cache"))
    before = (runs / "both" / "bundle" / "model.onnx").read_bytes(), _report(runs / "both")
    (runs / "both" / "folds" / "1" / "scores.json").unlink()

    train(recipe(**LIGHT), root, runs / "both")

    assert ((runs / "both" / "bundle" / "model.onnx").read_bytes(), _report(runs / "both")) == before


def test_exams_of_which_one_image_is_read_are_tested_by_the_label_of_all(tmp_path: Path) -> None:
    root = rsna_exams(tmp_path / "rsna", 36)
    changes = {"exam__by": "patient", "exam__most": "1", "split__mode": "holdout", "record__facts": "[]"}
    asked = recipe(**{**LIGHT, **changes})

    found = train(asked, root, tmp_path / "run").evaluation

    divided = indexed(asked, root)
    tested = read_split(tmp_path / "run" / "split.csv", divided.index).positions("test")
    assert isinstance(found, Evaluation)
    expected = divided.index.take(tested).labels_as("cancer")
    assert (len(found.labels), int(found.labels.sum())) == (len(expected), int(expected.sum()))


def test_another_models_answers_are_facts_to_go_by(root: Path, runs: Path, tmp_path: Path) -> None:
    table = tmp_path / "density.csv"
    rows = [f"{sample.sample_id},{'dense' if sample.label == 'cancer' else 'fatty'}" for sample in _breasts(root)]
    table.write_text("\n".join(["sample_id,called", *rows]) + "\n", encoding="utf-8")
    asked = recipe(model__backbone="none", model__head="logistic", record__facts='["predicted_density"]')

    with pytest.raises(RecipeError, match="predicted_density"):
        train(asked, root, tmp_path / "without")
    found = train(asked, root, tmp_path / "run", answers={"density": table})

    assert isinstance(found.evaluation, Evaluation)
    assert found.evaluation.table["roc_auc"].value > 0.9
    report = _report(tmp_path / "run")
    assert any("fact predicted_density of" in note for note in report["notes"])
    table.write_text(table.read_text().replace("fatty", "dense", 1), encoding="utf-8")
    with pytest.raises(RunError, match="other facts"):
        train(asked, root, tmp_path / "run", answers={"density": table})


@pytest.mark.parametrize(
    "changes",
    [
        {
            "model__head": "logistic",
            "fit__solver": "lbfgs",
            "exam__pool": "mean",
            "exam__gain": "1.0",
            "record__network": "table",
            "record__drop": "0.0",
        },
        {
            "task": "invasiveness",
            "calibration": "temperature",
            "finetune__epochs": "4",
            "finetune__rate": "0.003",
            "finetune__statistics": "learnt",
            "finetune__smoothing": "0.1",
        },
        {"model__backbone": "none", "model__head": "logistic"},
        {"record__facts": "[]", "exam__by": "patient", "split__mode": "holdout"},
        {"exam__by": "image", "split__mode": "holdout"},
        {"task": "invasiveness", "calibration": "temperature", "model__head": "logistic"},
        {
            "model__backbone": "smallcnn",
            "model__pretrained": "false",
            "finetune__epochs": "8",
            "finetune__rate": "0.01",
            "finetune__balance": "sampling",
            "exam__drop": "0.25",
        },
    ],
    ids=[
        "solved",
        "three-labels-fine-tuned",
        "records-alone",
        "pictures-by-patient",
        "image-and-record",
        "three-labels",
        "from-scratch",
    ],
)
def test_other_exams_train_and_answer(root: Path, runs: Path, tmp_path: Path, changes: dict[str, str]) -> None:
    asked: Recipe = recipe(**{**LIGHT, **changes})

    outcome = train(asked, root, tmp_path / "run")

    divided = indexed(asked, root)
    model = load(outcome.bundle)
    assert outcome.bundle.is_dir()
    assert model.manifest.exam is not None
    assert model.manifest.exam.by == asked.exam.by
    film = divided.images.samples[0]
    source = root / film.path if asked.model.sees else None
    answer = model.predict(Exam("one", (View(source, film.facts),)))
    assert np.isfinite(list(answer.probabilities.values())).all()
    assert answer.probabilities.keys() == set(model.manifest.labels)
