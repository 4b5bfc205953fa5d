"""The report of an evaluation of boxes: a page that stands alone, JSON without holes, every box and picture as CSV."""

import csv
import json
from pathlib import Path

import matplotlib as mpl
import pytest

from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import card, record
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.boxes import BoxEvaluation
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.metrics.boxes import WORDS
from senoscope.evidence.report.files import write_report
from senoscope.runtime.detecting import Detector
from senoscope.runtime.store import load_any, read_manifest
from tests.makers import tiny_box_bundle
from tests.makers.ultrasound_sets import busi_outlined

assert mpl.__version__


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    found = load_any(tiny_box_bundle(tmp_path_factory.mktemp("boxes") / "tiny"), threads=1)
    assert isinstance(found, Detector)
    return found


@pytest.fixture(scope="module")
def found(model: Detector, tmp_path_factory: pytest.TempPathFactory) -> BoxEvaluation:
    root = busi_outlined(tmp_path_factory.mktemp("busi"), 6)
    return evaluate(model, DATASETS.get("busi").samples_for(TASKS.get("lesions"), root))


@pytest.fixture(scope="module")
def folder(found: BoxEvaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(found, tmp_path_factory.mktemp("report")).parent


def test_every_file_is_written(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "predictions.csv",
        "pictures.csv",
        "report.json",
        "report.html",
    }


def test_the_page_stands_alone_and_shows_every_figure(folder: Path, found: BoxEvaluation) -> None:
    page = (folder / "report.html").read_text("utf-8")

    assert all(WORDS[name] in page for name in found.table)
    assert all(f'id="{name}"' in page for name in ("measured", "figures", "presence", "curves", "checklists", "data"))
    assert page.count("<svg") == 4
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "src=" not in page


def test_json_holds_what_the_page_shows(folder: Path, found: BoxEvaluation) -> None:
    report = json.loads((folder / "report.json").read_text("utf-8"))

    assert set(report["figures"]["all"]) == set(WORDS)
    assert report["figures"]["all"]["froc_1"]["value"] == found.table["froc_1"].value
    assert report["counts"]["lesions"] == found.curve.lesions
    assert report["matching"] == {"iou": 0.5, "shown": 0.6}
    assert set(report["curves"]) == {"froc", "pr", "roc"}
    assert len(report["checklists"]) == 2
    assert sum(item["provided"] for item in report["checklists"][0]["items"]) > 15


def test_every_box_and_every_picture_has_its_row(folder: Path, found: BoxEvaluation) -> None:
    texts = [(folder / name).read_text("utf-8").splitlines() for name in ("predictions.csv", "pictures.csv")]
    boxes, pictures = (list(csv.DictReader(text)) for text in texts)

    assert len(pictures) == len(found.samples)
    assert len(boxes) == sum(int(row["boxes"]) for row in pictures)
    assert sum(int(row["shown"]) for row in boxes) == sum(int(row["shown"]) for row in pictures)
    shown_and_right = sum(int(row["right"]) for row in boxes if row["shown"] == "1")
    assert shown_and_right == sum(int(row["found"]) for row in pictures)
    assert sum(int(row["lesions"]) for row in pictures) == found.curve.lesions
    assert all(0 <= float(row["iou"]) <= 1 for row in boxes)


def test_figures_are_recorded_in_the_card_in_their_own_words(model: Detector, found: BoxEvaluation) -> None:
    record(model.folder, model.manifest, found.metric_table())

    text = card(read_manifest(model.folder))

    assert all(f"| {WORDS[name]} |" in text for name in found.table)
