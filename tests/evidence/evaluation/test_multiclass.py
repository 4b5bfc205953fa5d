"""Evaluations of more than two labels, and their reports."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix, recall_score, roc_auc_score

from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import card, record
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.comparison import check_question
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation, assess_multiclass
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.multiclass import OF_CLASS, WORDS
from senoscope.evidence.report.checklists import CLAIM, TRIPOD
from senoscope.evidence.report.files import write_report
from senoscope.evidence.report.multiclass_disclosed import known
from senoscope.runtime.store import load, read_manifest
from tests.makers import mias_densities, tiny_bundle

DENSITY = TASKS.get("density")
LABELS = DENSITY.labels


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return DATASETS.get("mini_mias").samples_for(DENSITY, mias_densities(tmp_path_factory.mktemp("data")))


def chances(data: Index, strength: float = 1.0) -> np.ndarray:
    truth = np.array([LABELS.index(sample.label) for sample in data.samples])
    raised = np.exp(strength * np.eye(3)[truth] + np.random.default_rng(1).normal(size=(len(truth), 3)))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def made(data: Index, probabilities: np.ndarray | None = None, **changes: Any) -> MulticlassEvaluation:
    given: dict[str, Any] = {
        "task": DENSITY,
        "title": "tiny on mini_mias",
        "bundle": "tiny",
        "version": "1",
        "protocol": "grouped",
        "replicates": 100,
    }
    return assess_multiclass(data, chances(data) if probabilities is None else probabilities, **(given | changes))


def test_figures_equal_the_reference(data: Index) -> None:
    found = made(data)

    truth = [LABELS.index(label) for label in found.labels]
    called = found.probabilities.argmax(axis=1)
    overall = found.figures.overall
    assert overall["macro_auc"].value == pytest.approx(roc_auc_score(truth, found.probabilities, multi_class="ovr"))
    assert overall["weighted_kappa"].value == pytest.approx(cohen_kappa_score(truth, called, weights="quadratic"))
    np.testing.assert_array_equal(found.confusion, confusion_matrix(truth, called))
    recalls = recall_score(truth, called, average=None)
    assert [found.table[f"{label}.sensitivity"].value for label in LABELS] == pytest.approx(recalls.tolist())
    assert set(overall) == set(WORDS)
    assert found.unit == "patients"
    assert (found.dataset.images, found.dataset.patients) == (36, 18)


def test_table_of_the_bundle_has_every_figure_and_the_card_shows_it(data: Index, tmp_path: Path) -> None:
    found = made(data, leak="for once")
    folder = tiny_bundle(tmp_path / "tiny", task="density")

    record(folder, read_manifest(folder), found.metric_table())

    (table,) = read_manifest(folder).metrics
    assert table.values == found.table
    assert (table.images, table.patients, table.positives, table.leaky, table.abstained) == (36, 18, 12, True, None)
    text = (folder / "card.md").read_text("utf-8")
    assert text == card(read_manifest(folder))
    assert f"| Macro ROC AUC | {found.table['macro_auc']} | – |" in text
    assert f"| dense: ROC AUC | {found.table['dense.roc_auc']} | – |" in text
    assert "too good to be believed" in text
    assert "| fatty | 0.900 (0.800–0.950) |" in text


def test_chance_is_said_first(data: Index, tmp_path: Path) -> None:
    found = made(data, chances(data, strength=0))
    folder = tiny_bundle(tmp_path / "tiny", task="density")

    updated = record(folder, read_manifest(folder), found.metric_table())

    assert any("not shown to be better than chance" in note for note in found.notes)
    assert "Not better than chance on mini_mias" in card(updated).split("## Answer")[0]


def test_abstentions_are_left_out_apart(data: Index) -> None:
    doubted = np.arange(36) < 7

    found = made(data, abstained=doubted)

    kept = made(data.take(np.flatnonzero(~doubted)), chances(data)[~doubted])
    assert found.answered == kept.figures
    assert found.answered != found.figures
    assert found.metric_table().abstained == 7
    assert found.metric_table().answered["macro_auc"] == kept.table["macro_auc"]


def test_abstaining_from_a_whole_label_leaves_no_figures(data: Index) -> None:
    found = made(data, abstained=[sample.label == "dense" for sample in data.samples])

    assert found.answered.overall == {}
    assert "without abstained images a label is missing: no figures" in found.notes


def test_few_women_of_a_label_are_said(data: Index) -> None:
    assert sum("groups with" in note for note in made(data).notes) == 3


def test_probabilities_that_are_none_name_the_row(data: Index) -> None:
    wrong = chances(data)
    wrong[4] = 0.9
    with pytest.raises(DatasetError, match="row 4"):
        made(data, wrong)
    with pytest.raises(DatasetError, match="no sample is labelled dense"):
        made(data.take([row for row, sample in enumerate(data.samples) if sample.label != "dense"]), chances(data)[:24])


def test_report_shows_what_the_json_holds(data: Index, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    found = made(data, abstained=np.arange(36) < 3, unread=[Unread("gone.pgm", hostile)], notes=[hostile])

    page = write_report(found, tmp_path).read_text("utf-8")
    values = json.loads((tmp_path / "report.json").read_text("utf-8"))

    assert values["figures"]["all"]["overall"].keys() == WORDS.keys()
    for label in LABELS:
        assert tuple(values["figures"]["all"]["labels"][label]) == OF_CLASS
        figure = values["figures"]["all"]["labels"][label]["roc_auc"]
        assert f"{figure['value']:.3f} <span" in page
        assert sum(values["confusion"][label].values()) == values["counts"]["labels"][label] == 12
        curve = values["curves"][label]["roc"]
        assert np.trapezoid(curve["sensitivity"], curve["one_minus_specificity"]) == pytest.approx(figure["value"])
    for name, words in WORDS.items():
        assert words in page
        assert f"{values['figures']['all']['overall'][name]['value']:.3f} <span" in page
    assert values["operating_point"] == {"name": "most_probable", "threshold": None}
    assert values["counts"]["abstained"] == 3
    assert hostile not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == 2
    assert "Research use only" in page


def test_every_answer_is_written(data: Index, tmp_path: Path) -> None:
    found = made(data)

    write_report(found, tmp_path)

    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == list(found.labels)
    assert [row["called"] for row in rows] == list(found.called)
    given = [[float(row[f"probability_{label}"]) for label in LABELS] for row in rows]
    np.testing.assert_allclose(given, found.probabilities)


def test_what_checklists_ask_for_is_known(data: Index) -> None:
    names = {key for *_, key in (*CLAIM, *TRIPOD) if key}

    said = known(made(data))

    assert {"numbers", "performance", "accuracy", "measures", "uncertainty", "failures", "outcome"} <= set(said) & names
    assert "“fatty”, “glandular”, “dense”" in said["outcome"]


def test_a_bundle_is_evaluated_with_all_its_labels(data: Index, tmp_path: Path) -> None:
    model = load(tiny_bundle(tmp_path / "tiny", task="density"), threads=1)

    found = evaluate(model, data)

    assert isinstance(found, MulticlassEvaluation)
    answers = model.predict(list(data.paths()))
    np.testing.assert_allclose(found.probabilities, [list(answer.probabilities.values()) for answer in answers])
    assert list(found.abstained) == [answer.abstained for answer in answers]
    assert found.called == tuple(answer.label for answer in answers)
    assert found.protocol == "external: the model was not trained on mini_mias"


def test_what_is_of_two_labels_is_refused_before_any_answer(data: Index, tmp_path: Path) -> None:
    model = load(tiny_bundle(tmp_path / "tiny", task="density"), threads=1)
    asked: list[None] = []

    def count() -> None:
        asked.append(None)

    with pytest.raises(UsageError, match="figures by patient would be of two"):
        evaluate(model, data, level="patient", progress=count)
    with pytest.raises(UsageError, match="a prevalence would be of two"):
        evaluate(model, data, prevalence=0.1, progress=count)
    left = data.take([row for row, sample in enumerate(data.samples) if sample.label != "dense"])
    with pytest.raises(DatasetError, match="none of the 24 samples of mini_mias is dense"):
        evaluate(model, left, progress=count)
    with pytest.raises(UsageError, match="more than two labels"):
        check_question([model.manifest, model.manifest], ["a", "b"])
    assert asked == []
