"""Figures of bundles that answer exams."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senoscope.core.domain.bundle import DatasetFingerprint
from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.comparison import check_question
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.evidence.index import Index
from senoscope.evidence.index.exams import exam_of, exams, exams_for
from senoscope.evidence.report.files import report_files
from senoscope.runtime.predictor import Model
from senoscope.runtime.store import load
from tests.makers import rsna_exams, tiny_exam_bundle

MakeModel = Callable[..., Model]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rsna_exams(tmp_path_factory.mktemp("data") / "rsna")


@pytest.fixture(scope="module")
def data(root: Path) -> Index:
    return DATASETS.get("rsna").samples_for(TASKS.get("screening"), root)


@pytest.fixture
def made(tmp_path: Path) -> MakeModel:
    def make(**asked: Any) -> Model:
        return load(tiny_exam_bundle(tmp_path / "bundle", **asked), threads=1)

    return make


def measured(model: Model, index: Index, **asked: Any) -> Evaluation:
    found = evaluate(model, index, **asked)
    assert isinstance(found, Evaluation)
    return found


def test_figures_count_exams_and_are_of_the_exams_answers(made: MakeModel, data: Index) -> None:
    model, seen = made(by="breast"), list[None]()

    found = measured(model, data, progress=lambda: seen.append(None))

    breasts = exams(data, "breast", 4)
    assert len(found.labels) == len(breasts) == len(seen) == 24
    assert list(found.sample_ids) == [sample.sample_id for sample in breasts.index.samples]
    answers = model.predict([exam_of(breasts, position) for position in range(24)])
    np.testing.assert_allclose(found.probabilities, [answer.probability for answer in answers], atol=1e-6)
    assert found.labels.sum() == 6
    assert found.protocol.endswith("; 24 exams of 46 images")
    assert found.metric_table().images == 24
    assert (found.unit, found.pooling) == ("patients", "each exam by itself")


def test_the_report_speaks_of_exams(made: MakeModel, data: Index) -> None:
    pytest.importorskip("matplotlib", reason="the report draws with it")

    text = report_files(measured(made(by="breast"), data))["report.html"]

    assert "all exams" in text
    assert "all images" not in text


def test_patients_are_exams(made: MakeModel, data: Index) -> None:
    found = measured(made(by="patient", most=3), data)

    assert len(found.labels) == 12
    assert found.protocol.endswith("; 12 exams of 36 images")
    assert any("exams of more than 3 images" in note for note in found.notes)


def test_breasts_may_be_pooled_by_woman_and_not_the_other_way(made: MakeModel, data: Index) -> None:
    found = measured(made(by="breast"), data, level="patient", rule="max")

    assert len(found.labels) == 12
    assert any("chosen on single exams" in note for note in found.notes)
    with pytest.raises(DatasetError, match="does not say which breast"):
        evaluate(made(by="patient"), data, level="breast")


def test_three_labels(made: MakeModel, root: Path) -> None:
    index = DATASETS.get("rsna").samples_for(TASKS.get("invasiveness"), root)

    found = evaluate(made(task="invasiveness"), index)

    assert "24 exams of 46 images" in found.protocol
    with pytest.raises(UsageError):
        evaluate(made(task="invasiveness"), index, level="patient")


def test_records_alone_need_no_pictures(made: MakeModel, data: Index) -> None:
    listed = replace(data, root=Path("nowhere"), samples=tuple(replace(one, path="") for one in data.samples))

    found = measured(made(sees=False), listed)

    assert len(found.labels) == 24
    assert not found.unread


def test_an_exam_with_an_unreadable_image_is_named(made: MakeModel, tmp_path: Path) -> None:
    folder = rsna_exams(tmp_path / "rsna")
    index = DATASETS.get("rsna").samples_for(TASKS.get("screening"), folder)
    (folder / index.samples[1].path).write_bytes(b"")

    found = measured(made(), index)

    (unread,) = found.unread
    assert unread.path == "20000 L"
    assert index.samples[1].path in unread.reason
    assert found.protocol.endswith("; 23 exams of 44 images")


def test_training_data_is_known_by_its_images(made: MakeModel, data: Index) -> None:
    model = made(by="breast")
    trained: DatasetFingerprint = exams_for(data, model.manifest.exam).read(range(24)).fingerprint()
    model.manifest = model.manifest.model_copy(update={"datasets": (trained,)})

    found = measured(model, data, held_out="part 'test' of split.csv")

    assert found.leak == "the model was trained on exactly these images"


def test_models_of_other_exams_are_not_compared(made: MakeModel) -> None:
    breasts = made(by="breast").manifest
    assert breasts.exam is not None
    women = breasts.model_copy(update={"exam": breasts.exam.model_copy(update={"by": "patient"})})
    images = breasts.model_copy(update={"exam": None})

    check_question([breasts, breasts], ["a", "b"])
    for other, said in ((women, "a: breast, b: patient"), (images, "a: breast, b: image")):
        with pytest.raises(UsageError, match=said):
            check_question([breasts, other], ["a", "b"])
