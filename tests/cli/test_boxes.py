"""`senoscope predict` and `senoscope evaluate` with a bundle that puts boxes around lesions."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest

from tests.cli.conftest import Command
from tests.makers import bus_bra, tiny_box_bundle

assert mpl.__version__


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_box_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bus_bra(tmp_path_factory.mktemp("sets") / "bus_bra", 5)


def test_predict_draws_the_boxes_and_lists_them(senoscope: Command, bundle: Path, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    done = senoscope("predict", "lesions", root / "Images", "--bundle", bundle, "--format", "json", "--out", out)

    assert done.status == 0
    answers = [json.loads(line) for line in (out / "predictions.json").read_text("utf-8").splitlines()]
    assert len(answers) == 6
    shown = [answer for answer in answers if not answer["abstained"]]
    assert any(answer["boxes"] for answer in shown)
    assert len(list(out.glob("*_evidence.png"))) == len(shown)


def test_evaluate_writes_figures_of_boxes(senoscope: Command, bundle: Path, root: Path, tmp_path: Path) -> None:
    words = ("evaluate", bundle, "--data", root, "--dataset", "bus_bra", "--out", tmp_path / "out")

    done = senoscope(*words)

    assert done.status == 0
    assert "AP at an IoU of 0.5" in done.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("predictions.csv", "pictures.csv", "report.json", "report.html")
    }
    refused = senoscope(*words, "--level", "patient")
    assert refused.status == 2
