"""`senoscope evaluate` with bundles that mark regions."""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image as Pil

from tests.cli.conftest import Command
from tests.makers import bus_bra, busi_outlined, tiny_bundle, tiny_outline_bundle

assert mpl  # the report needs it, and an install without it leaves these tests out


@pytest.fixture(scope="module")
def outlines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_outline_bundle(tmp_path_factory.mktemp("outlines") / "tiny")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi_outlined(tmp_path_factory.mktemp("data"), images=4)


def test_figures_are_shown_and_reported(senoscope: Command, outlines: Path, data: Path, tmp_path: Path) -> None:
    done = senoscope("evaluate", outlines, "--data", data, "--out", tmp_path / "out")

    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert done.status == 0
    assert "95 % surface distance" in done.out
    assert "12 images of" in done.out
    assert "8 with a" in done.out
    assert report["figures"]["all"]["dice"]["value"] > 0.5
    assert report["protocol"] == "external: the model was not trained on busi"
    assert (tmp_path / "out" / "predictions.csv").is_file()
    assert "Report: " in done.out


def test_figures_can_be_recorded(senoscope: Command, data: Path, tmp_path: Path) -> None:
    bundle = tiny_outline_bundle(tmp_path / "mine")

    done = senoscope("evaluate", bundle, "--data", data, "--out", tmp_path / "out", "--record")

    assert done.status == 0
    assert json.loads((bundle / "bundle.json").read_text("utf-8"))["metrics"][0]["values"]["dice"]
    assert "| Dice |" in (bundle / "card.md").read_text("utf-8")


def test_another_dataset_and_another_threshold(senoscope: Command, outlines: Path, tmp_path: Path) -> None:
    words = ["--data", bus_bra(tmp_path / "bra"), "--dataset", "bus_bra", "--operating-point", "screening"]

    done = senoscope("evaluate", outlines, *words, "--out", tmp_path / "out")

    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert done.status == 0
    assert report["operating_point"] == {"name": "screening", "threshold": 0.2}
    assert report["figures"]["all"]["specificity"] is None
    assert "every picture has a true region" in " ".join(report["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--level", "patient"], "--level is for answers that are labels"),
        (["--prevalence", "0.006"], "--prevalence is for answers that are labels"),
        (["--operating-point", "hopeful"], "no operating point 'hopeful'"),
        (["--dataset", "idc"], "idc"),
        (["--split", "test"], "split.csv"),
        (["--protocol", "paper"], "is for answers that are labels"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    senoscope: Command, outlines: Path, data: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    done = senoscope("evaluate", outlines, "--data", data, "--out", tmp_path / "out", *words)

    assert done.status in (1, 2)
    assert said in done.err
    assert len(done.err.splitlines()) <= 2
    assert not (tmp_path / "out").exists()


def test_outlines_and_labels_are_not_compared(senoscope: Command, outlines: Path, data: Path, tmp_path: Path) -> None:
    labels = tiny_bundle(tmp_path / "labels")

    done = senoscope("evaluate", labels, outlines, "--data", data, "--out", tmp_path / "out")

    assert done.status == 2
    assert "its answers are not labels" in done.err


def test_a_mask_of_another_size_is_named_and_the_others_count(
    senoscope: Command, outlines: Path, tmp_path: Path
) -> None:
    data = busi_outlined(tmp_path / "data", images=4)
    Pil.fromarray(np.ones((50, 60), bool)).save(data / "benign" / "benign (2)_mask.png")

    done = senoscope("evaluate", outlines, "--data", data, "--out", tmp_path / "out")

    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert done.status == 0
    assert report["counts"]["images"] == 11
    (unread,) = report["unread"]
    assert unread["path"] == "benign/benign (2).png"
    assert "a mask of another size" in unread["reason"]
    assert "1 could not be measured" in done.out.replace("\n", " ")
