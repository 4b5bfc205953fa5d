"""What a run says of itself in checklists."""

from dataclasses import replace
from pathlib import Path

import pytest

from senoscope.core.domain.recipe_parts import SplitRecipe
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.evidence.index import Index
from senoscope.evidence.report.checklists import CLAIM, TRIPOD
from senoscope.evidence.report.disclosed import known
from tests.evidence.answers import Answers, manifest
from tests.makers import bus_bra


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return DATASETS.get("bus_bra").index(bus_bra(tmp_path_factory.mktemp("data"), patients=8))


def measured(data: Index, split: SplitRecipe | None = None) -> Evaluation:
    chances = {s.sample_id: 0.2 + 0.5 * (row % 3) / 2 for row, s in enumerate(data.samples)}
    found = evaluate(Answers(chances, of=manifest(split=split)).as_model(), data)
    assert isinstance(found, Evaluation)
    return found


def test_every_name_a_checklist_asks_for_can_be_known(data: Index) -> None:
    names = {key for *_, key in (*CLAIM, *TRIPOD) if key}

    found = known(measured(data))

    # The miniature's publisher says neither dates nor sites.
    assert names - set(found) <= {"dates", "centres", "clusters", "cluster_results", "internal", "fairness"} | {
        "acquisition",
        "characteristics",
        "differences",
        "robustness",
    }
    assert set(found) <= names


def test_nothing_is_said_of_a_model_that_is_not_known(data: Index) -> None:
    found = known(replace(measured(data), manifest=None, recipe=None))

    assert not {"technology", "use", "model", "training", "start", "output", "ensemble", "explanation"} & set(found)


def test_what_is_said_is_what_was_measured(data: Index) -> None:
    evaluation = measured(data)
    found = known(evaluation)

    assert str(evaluation.table["roc_auc"]) in found["performance"]
    assert str(evaluation.table["sensitivity"]) in found["accuracy"]
    assert f"{len(data):,} images of {data.units:,} patients" in found["numbers"]
    assert found["external"].startswith(evaluation.dataset.title)
    assert evaluation.dataset.licence in found["source"]


def test_a_leak_is_said(data: Index) -> None:
    found = known(replace(measured(data), leak="it saw them all"))

    assert found["disjoint"] == "leaky: it saw them all"
    assert found["performance"].startswith("too good to be believed")
    assert found["limits"].startswith("it saw them all")


def test_a_dataset_of_one_s_own_is_not_called_published(data: Index, tmp_path: Path) -> None:
    found = known(measured(replace(data, dataset="mine")))

    assert not {"source", "design", "data_available"} & set(found)
