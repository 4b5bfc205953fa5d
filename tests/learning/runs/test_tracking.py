"""What MLflow is told of a run, and that nothing it does harms the run."""

import logging
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from senoscope.core.domain.recipe import parse_recipe
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.learning.runs.run import train
from senoscope.learning.runs.tracking import tracked
from tests.learning.runs.test_run import TEXT
from tests.makers import busi

RECIPE = parse_recipe(TEXT, {"split.mode": "holdout"})


class CutShort(BaseException):
    """The process was killed."""


@pytest.fixture(autouse=True)
def tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENOSCOPE_TRACK")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("senoscope.learning.runs.tracking.EVERY", 0.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi(tmp_path_factory.mktemp("data"), 18)


def test_a_run_that_is_cut_and_taken_up_is_one_run_with_every_epoch_once(root: Path, tmp_path: Path) -> None:
    def cut(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("final: head", 3):
            raise CutShort

    out = tmp_path / "runs" / "mine"
    with pytest.raises(CutShort):
        train(RECIPE, root, out, cut)
    client = MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("senoscope")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "KILLED"
    assert [figure.step for figure in client.get_metric_history(run.info.run_id, "final/head/loss")] == [1, 2, 3]

    outcome = train(RECIPE, root, out)

    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "mine"
    assert run.data.params["fit.epochs"] == "5"
    assert run.data.params["model.backbone"] == "test_resnet"
    for name in ("loss", "validation_loss", "validation_auc"):
        steps = [figure.step for figure in client.get_metric_history(run.info.run_id, f"final/head/{name}")]
        assert steps == [1, 2, 3, 4, 5]
    assert isinstance(outcome.evaluation, Evaluation)
    auc = outcome.evaluation.table["roc_auc"]
    found = [run.data.metrics[f"final/roc_auc{end}"] for end in ("", "_low", "_high")]
    assert found == [auc.value, auc.low, auc.high]
    assert Path(run.data.tags["bundle"]) == outcome.bundle
    assert {item.path for item in client.list_artifacts(run.info.run_id, "report")} >= {"report/report.json"}
    assert {item.path for item in client.list_artifacts(run.info.run_id, "bundle")} == {
        "bundle/bundle.json",
        "bundle/card.md",
    }
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_relative_to(tmp_path / "runs" / "mlflow")


def test_a_run_that_fails_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{}")

    def fail() -> None:
        with tracked(RECIPE, tmp_path / "out") as tracker:
            tracker.look()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("senoscope")
    assert experiment is not None
    assert client.search_runs([experiment.experiment_id])[0].info.status == "FAILED"


def test_a_tracker_that_fails_harms_nothing_and_says_so_once(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'no folder' / 'mlflow.db'}")

    with caplog.at_level(logging.WARNING, logger="senoscope"):
        outcome = train(RECIPE, root, tmp_path / "out")

    assert (outcome.bundle / "model.onnx").is_file()
    said = [record.getMessage() for record in caplog.records if record.name.startswith("senoscope")]
    assert len(said) == 1
    assert "the training goes on" in said[0]
    assert "\n" not in said[0]


@pytest.mark.parametrize("how", ["absent", "off"])
def test_without_the_extra_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    assert mlflow.__name__ in sys.modules
    (tmp_path / "run.json").write_text("{}")
    if how == "off":
        monkeypatch.setenv("SENOSCOPE_TRACK", "off")
    else:
        monkeypatch.setattr("senoscope.learning.runs.tracking.find_spec", lambda name: None)

    with tracked(RECIPE, tmp_path) as tracker:
        tracker.following(lambda stage, done, total: None)("0: head", 1, 5)
        tracker.finished({})

    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert not caplog.records
