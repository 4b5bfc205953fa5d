"""Evaluations of a bundle that marks: asked about every picture, and its answers measured."""

from dataclasses import replace
from pathlib import Path

import pytest
import scipy

import senoscope
from senoscope.core.domain.bundle import DatasetFingerprint
from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import card, record
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.outlines import PRESENCE
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.store import load_any, read_manifest
from tests.makers import bus_bra, busi_outlined, tiny_outline_bundle

assert scipy  # distances between outlines need it, and an install without it leaves these tests out

TASK = TASKS.get("ultrasound_outline")


@pytest.fixture
def data(tmp_path: Path) -> Index:
    return DATASETS.get("busi").samples_for(TASK, busi_outlined(tmp_path / "busi", images=5))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Outliner:
    return loaded(tiny_outline_bundle(tmp_path_factory.mktemp("bundle")))


def loaded(folder: Path) -> Outliner:
    found = load_any(folder, threads=1)
    assert isinstance(found, Outliner)
    return found


def test_a_bundle_is_asked(data: Index, model: Outliner) -> None:
    seen: list[None] = []

    found = evaluate(model, data, progress=lambda: seen.append(None))

    assert isinstance(found, OutlineEvaluation)
    assert len(seen) == len(found.samples) == 15
    assert (found.threshold, found.smallest, found.operating_point) == (0.5, 0.005, "balanced")
    assert found.protocol == "external: the model was not trained on busi"
    assert found.pictures.probabilities is not None
    assert found.pictures.called is not None
    for row, path in enumerate(data.paths()):
        answer = model.predict(path)
        assert found.pictures.probabilities[row] == pytest.approx(answer.probability)
        assert found.pictures.called[row] == (answer.label == "lesion")
        if answer.label == "lesion":
            assert found.fits[row].marked == (answer.codes > 0).sum()
    assert found.table["dice"].value > 0.5


def test_what_is_not_called_is_measured_all_the_same(data: Index, tmp_path: Path) -> None:
    from tests.runtime.conftest import spoil

    strict = loaded(
        spoil(
            tiny_outline_bundle(tmp_path / "strict"),
            lambda values: [point.update(threshold=1.0) for point in values["operating_points"]],
        )
    )

    found = evaluate(strict, data)

    assert found.table["dice"].value > 0.5
    assert found.table["dice_called"].value == 0
    assert (found.table["sensitivity"].value, found.table["specificity"].value) == (0, 1)


def test_the_operating_point_is_the_one_asked_for(data: Index, model: Outliner) -> None:
    found = evaluate(model, data, operating_point="screening")

    assert isinstance(found, OutlineEvaluation)
    assert found.operating_point == "screening"
    assert found.thresholds is not None
    assert set(found.thresholds) == {0.2}
    with pytest.raises(UsageError, match="no operating point 'hopeful'"):
        evaluate(model, data, operating_point="hopeful")


def test_a_bundle_that_always_marks_has_no_presence(data: Index, tmp_path: Path) -> None:
    found = evaluate(loaded(tiny_outline_bundle(tmp_path / "always", calibrated=False)), data)

    assert not {*PRESENCE, "dice_called"} & set(found.table)
    assert found.operating_point == ""


def test_unreadable_pictures_and_leaks_are_said(data: Index, tmp_path: Path) -> None:
    victim = data.samples[3]
    (data.root / victim.path).write_bytes(b"no picture")
    folder = tiny_outline_bundle(tmp_path / "trained")
    trained = DatasetFingerprint(name="busi", title="", licence="", citation="", images=1, patients=1, sha256="1" * 64)
    model = loaded(folder)
    leaky = Outliner(
        model.manifest.model_copy(update={"datasets": (trained,)}), model.task, model._session, model.folder
    )

    readable = replace(data, samples=tuple(sample for sample in data.samples if sample != victim))
    with pytest.raises(DatasetError, match="none of the 1 samples"):
        evaluate(model, replace(data, samples=(replace(victim, masks=()),)))
    found = evaluate(leaky, readable)
    assert found.leaky
    assert "trained on images of busi" in found.leak
    whole = evaluate(model, readable)
    assert not whole.leaky


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, model: Outliner) -> None:
    index = DATASETS.get("bus_bra").samples_for(TASK, bus_bra(tmp_path, patients=6))
    victim = index.root / index.samples[2].path
    victim.write_bytes(victim.read_bytes()[:60])

    found = evaluate(model, index)

    assert [item.path for item in found.unread] == [index.samples[2].path]
    assert found.unit == "patients"
    assert "roc_auc" not in found.table
    assert any("every picture has a true region" in note for note in found.notes)


def test_figures_by_patient_or_prevalence_make_no_sense(data: Index, model: Outliner) -> None:
    for asked in ({"level": "patient"}, {"prevalence": 0.1}):
        with pytest.raises(UsageError, match="would be of labels"):
            evaluate(model, data, **asked)


def test_more_than_two_labels_have_no_figures_here(data: Index, model: Outliner) -> None:
    several = Outliner(
        model.manifest.model_copy(update={"labels": ("a", "b", "c")}), model.task, model._session, model.folder
    )

    with pytest.raises(UsageError, match="tells 3 labels apart"):
        evaluate(several, data)


def test_figures_are_recorded_in_bundle_and_card(data: Index, tmp_path: Path) -> None:
    folder = tiny_outline_bundle(tmp_path / "recorded")
    found = evaluate(loaded(folder), data)

    updated = record(folder, read_manifest(folder), found.metric_table())

    assert read_manifest(folder).metrics == updated.metrics == (found.metric_table(),)
    text = card(updated)
    assert f"| 95 % surface distance, median, pixels | {found.table['hd95_median']}" in text
    assert f"| Dice | {found.table['dice']}" in text
    assert "Overlap and distance are over the positive ones." in text


def test_the_packages_own_names_lead_here(data: Index, model: Outliner) -> None:
    assert isinstance(senoscope.evaluate(model, data.take([0, 1, 12])), OutlineEvaluation)
