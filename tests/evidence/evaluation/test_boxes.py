"""An evaluation of boxes says what was measured, of whom, and whether it leaks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.boxes import BoxAbout, Said, assess_boxes
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.evaluate_boxes import as_said
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.index import Index, Sample
from senoscope.runtime.detecting import Detector
from senoscope.runtime.store import load_any
from tests.makers import bus_bra, busi, tiny_box_bundle

ABOUT = BoxAbout(title="t", bundle="b", version="1", positive="lesion", protocol="by hand", replicates=50)
TRUE = Box(10, 10, 20, 20)


def said(*boxes: tuple[float, float], probability: float = 0.9, shown: int | None = None, **values: bool) -> Said:
    """Boxes by how far they are shifted to the right, and their scores."""
    rows = np.array([[10 + shift, 10, 20, 20] for shift, _ in boxes], np.float64).reshape(-1, 4)
    scores = np.array([score for _, score in boxes], np.float64)
    return Said(rows, scores, len(boxes) if shown is None else shown, probability, probability >= 0.5, **values)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    samples = []
    for number in range(12):
        Pil.fromarray(np.full((60, 60), number, np.uint8)).save(tmp_path / f"{number}.png")
        label = "lesion" if number % 2 else "tissue"
        boxes = (TRUE,) if number % 2 else ()
        name, facts = str(number), {"site": "AB"[number % 4 < 2]}
        samples.append(Sample(name, name, name, f"{name}.png", label, boxes=boxes, facts=facts))
    return Index("mine", tmp_path, tuple(samples))


def right(index: Index) -> list[Said | Unread]:
    return [said((0, 0.9)) if sample.boxes else said((0, 0.1), probability=0.1, shown=0) for sample in index.samples]


def test_right_answers_are_found_right(index: Index) -> None:
    found = assess_boxes(index, right(index), ABOUT)

    assert found.table["found"].value == found.table["froc_1"].value == found.table["roc_auc"].value == 1.0
    assert found.table["false_positives"].value == 0.0
    assert (len(found.samples), found.curve.lesions, found.dataset.patients, found.unit) == (12, 6, 12, "patients")
    assert [(group.fact, group.value, group.images) for group in found.subgroups] == [
        ("site", "A", 6),
        ("site", "B", 6),
    ]
    assert "ap" not in found.subgroups[0].table
    table = found.metric_table()
    assert (table.images, table.positives, table.abstained) == (12, 6, None)


def test_the_unread_are_named_and_in_no_figure(index: Index) -> None:
    answers = right(index)
    answers[1], answers[2] = Unread("1.png", "broken"), Unread("2.png", "gone")

    found = assess_boxes(index, answers, ABOUT, subgroups=False)

    assert [one.path for one in found.unread] == ["1.png", "2.png"]
    assert (len(found.samples), found.curve.lesions) == (10, 5)
    assert found.subgroups == ()


def test_abstained_answers_count_and_are_left_out_beside(index: Index) -> None:
    answers = right(index)
    answers[1] = said((15, 0.9), abstained=True)

    found = assess_boxes(index, answers, replace(ABOUT, abstains=True), subgroups=False)

    assert found.table["found"].value == pytest.approx(5 / 6)
    assert found.answered["found"].value == 1.0
    assert found.metric_table().abstained == 1


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (said((0, 0.5), (5, 0.9)), "not in order"),
        (said((0, 1.5)), "no probabilities"),
        (said((0, 0.5), probability=float("nan")), "no probabilities"),
        (said((0, 0.5), shown=2), "2 shown"),
    ],
)
def test_answers_that_are_none_are_named(index: Index, broken: Said, words: str) -> None:
    answers = right(index)
    answers[3] = broken

    with pytest.raises(DatasetError, match=f"sample '3'.*{words}"):
        assess_boxes(index, answers, ABOUT)


def test_too_few_answers_and_no_lesion(index: Index) -> None:
    with pytest.raises(DatasetError, match="11 answers do not fit 12 samples"):
        assess_boxes(index, right(index)[1:], ABOUT)
    tissue = index.take([0, 2, 4])
    with pytest.raises(DatasetError, match="figures need a picture with a lesion"):
        assess_boxes(tissue, right(tissue), ABOUT)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    found = load_any(tiny_box_bundle(tmp_path_factory.mktemp("boxes") / "tiny"), threads=1)
    assert isinstance(found, Detector)
    return found


def test_a_bundle_is_measured_on_what_it_has_not_seen(model: Detector, tmp_path: Path) -> None:
    index = DATASETS.get("bus_bra").samples_for(TASKS.get("lesions"), bus_bra(tmp_path / "bus_bra", 6))
    told = []

    found = evaluate(model, index, progress=lambda: told.append(1))

    assert len(told) == len(found.samples) == 7
    assert found.protocol.startswith("external")
    assert not found.leaky
    assert found.abstains
    assert found.operating_point == "balanced"
    assert found.shown == model.manifest.shown
    assert found.unit == "patients"
    assert "specificity" not in found.table
    said_again = as_said(model.predict(index.paths()[0]))
    np.testing.assert_array_equal(found.boxed.pictures[0].boxes, said_again.boxes)
    assert found.boxed.shown[0] == said_again.shown


def test_broken_pictures_are_named(model: Detector, tmp_path: Path) -> None:
    root = bus_bra(tmp_path / "bus_bra", 6)
    index = DATASETS.get("bus_bra").samples_for(TASKS.get("lesions"), root)
    (index.root / index.samples[2].path).write_bytes(b"no picture")

    found = evaluate(model, index)

    assert [one.path for one in found.unread] == [index.samples[2].path]
    assert len(found.samples) == 6


def test_what_cannot_be_measured_is_said_before(model: Detector, tmp_path: Path) -> None:
    index = DATASETS.get("busi").samples_for(TASKS.get("lesions"), busi(tmp_path / "busi"))

    with pytest.raises(UsageError, match="figures by patient would be of labels"):
        evaluate(model, index, level="patient")  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="no operating point 'strict'"):
        evaluate(model, index, operating_point="strict")
    tissue = index.take([place for place, sample in enumerate(index.samples) if sample.label == "tissue"])
    with pytest.raises(DatasetError, match="needs boxes or masks"):
        evaluate(model, tissue)
