"""What an evaluation finds, by image and by patient."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluation import Evaluation, assess
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.intervals import binary_table
from tests.evidence.answers import manifest
from tests.makers import bus_bra, busi


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Eight women, the first with two images."""
    return DATASETS.get("bus_bra").index(bus_bra(tmp_path_factory.mktemp("data"), patients=8))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Images of nobody knows whom."""
    index = DATASETS.get("busi").index(busi(tmp_path_factory.mktemp("data"), images=6))
    return index.with_labels(("benign", "malignant"))


def measured(index: Index, values: ArrayLike | None = None, **changes: Any) -> Evaluation:
    chances = np.linspace(0.1, 0.9, len(index)) if values is None else values
    given: dict[str, Any] = {
        "positive": "malignant",
        "title": "",
        "bundle": "tiny",
        "version": "1",
        "threshold": 0.5,
        "operating_point": "balanced",
        "protocol": "held out",
        "replicates": 100,
    }
    return assess(index, chances, **(given | changes))


def of_first(index: Index) -> np.ndarray[Any, np.dtype[np.bool_]]:
    first = index.samples[0].patient_id
    return np.array([sample.patient_id == first for sample in index.samples])


@pytest.mark.parametrize(("rule", "expected"), [("mean", 0.5), ("max", 0.8), ("noisy_or", 1 - (1 - 0.2) * (1 - 0.8))])
def test_a_patient_s_images_are_pooled_by_the_rule(patients: Index, rule: Any, expected: float) -> None:
    values = np.full(len(patients), 0.4)
    values[of_first(patients)] = 0.2, 0.8

    found = measured(patients, values, level="patient", rule=rule)

    row = next(row for row, members in enumerate(found.members) if len(members) == 2)
    assert len(found.labels) == patients.units == 8
    assert found.probabilities[row] == pytest.approx(expected)
    assert len(found.images) == len(patients) == 9
    assert found.table == binary_table(found.labels, found.probabilities, found.groups, 0.5, replicates=100)
    assert any("chosen on single images" in note for note in found.notes)


def test_breasts_of_one_woman_stay_apart(patients: Index) -> None:
    found = measured(patients, level="breast")

    assert len(found.labels) == 9
    assert len(np.unique(found.groups)) == 8


def test_the_level_is_in_the_table_a_bundle_carries(patients: Index) -> None:
    by_image, by_patient = measured(patients), measured(patients, level="patient", rule="max")

    assert by_image.metric_table().protocol == "held out"
    assert by_patient.metric_table().protocol == "held out; each patient by the highest of its images' probabilities"
    assert by_patient.metric_table().images == by_image.metric_table().images == 9


def test_an_abstained_image_leaves_the_patient_s_others(patients: Index) -> None:
    values = np.linspace(0.1, 0.9, len(patients))
    first = np.flatnonzero(of_first(patients))
    values[first] = 0.2, 0.8
    abstained = np.zeros(len(patients), np.bool_)
    abstained[first[1]] = True

    found = measured(patients, values, level="patient", rule="max", abstained=abstained)

    row = next(row for row, members in enumerate(found.members) if len(members) == 2)
    kept = found.probabilities.copy()
    assert kept[row] == 0.8
    kept[row] = 0.2
    assert not found.abstained.any()
    assert found.answered == binary_table(found.labels, kept, found.groups, 0.5, replicates=100)


def test_no_figures_by_patient_where_nobody_knows_the_patients(strangers: Index) -> None:
    with pytest.raises(DatasetError, match="does not say whose image is whose"):
        measured(strangers, level="patient")


def test_exact_intervals_only_where_each_group_has_one_sample(patients: Index, strangers: Index) -> None:
    stats = pytest.importorskip("scipy.stats")
    alone, several, pooled = measured(strangers), measured(patients), measured(patients, level="patient")

    counts = alone.confusion
    hits, positives = counts.true_positives, counts.true_positives + counts.false_negatives
    expected = stats.binomtest(hits, positives).proportion_ci(0.95, "exact")
    exact = alone.findings.exact["sensitivity"]
    assert (exact.low, exact.high) == pytest.approx((expected.low, expected.high))
    assert several.findings.exact == {}
    assert any("clustered bootstrap's applies" in note for note in several.notes)
    assert set(pooled.findings.exact) == {"sensitivity", "specificity"}


def test_delong_agrees_with_the_table(patients: Index) -> None:
    found = measured(patients)

    assert found.findings.delong is not None
    assert found.findings.delong.value == pytest.approx(found.table["roc_auc"].value)
    assert found.findings.delong.low <= found.findings.delong.value <= found.findings.delong.high


def test_a_threshold_is_transferred_only_from_another_dataset(patients: Index) -> None:
    here = manifest()
    own = here.model_copy(update={"recipe": here.recipe.model_copy(update={"dataset": "bus_bra"})})

    assert measured(patients).findings.transfer == ()
    assert measured(patients, manifest=own).findings.transfer == ()
    assert len(measured(patients, manifest=here).findings.transfer) == 3


def test_predictive_values_follow_from_sensitivity_and_specificity(patients: Index) -> None:
    found = measured(patients)

    sensitivity, specificity = (found.table[name].value for name in ("sensitivity", "specificity"))
    share = float(found.labels.mean())
    assert share in [row.prevalence for row in found.findings.predictive]
    for row in found.findings.predictive:
        hits, alarms = row.prevalence * sensitivity, (1 - row.prevalence) * (1 - specificity)
        assert row.ppv is not None
        assert row.ppv.value == pytest.approx(hits / (hits + alarms))
        assert row.ppv.low <= row.ppv.value <= row.ppv.high
    here = next(row for row in found.findings.predictive if row.prevalence == share)
    assert here.ppv is not None
    assert here.ppv.value == pytest.approx(found.table["ppv"].value)


def test_a_stated_prevalence_moves_the_decision_curve_with_its_probabilities(patients: Index) -> None:
    found = measured(patients, prevalence=0.006, manifest=manifest())

    stated, curve = found.findings.stated, found.findings.decision
    assert stated is not None
    at = int(np.argmin(np.abs(curve.thresholds - 0.05)))
    threshold = curve.thresholds[at]
    called = stated.probabilities >= threshold
    hits, alarms = called[found.labels == 1].mean(), called[found.labels == 0].mean()
    expected = 0.006 * hits - 0.994 * alarms * threshold / (1 - threshold)
    assert curve.model[at] == pytest.approx(expected)


def test_chance_is_said(patients: Index) -> None:
    labels = patients.labels_as("malignant")

    coin, good = measured(patients), measured(patients, 0.2 + 0.6 * labels)

    assert coin.table["roc_auc"].low <= 0.5
    assert any("not shown to be better than chance" in note for note in coin.notes)
    assert not any("better than chance" in note for note in good.notes)


def test_calls_are_counted_for_every_label(patients: Index) -> None:
    found = measured(patients)

    counts = found.confusion
    assert {label: called for label, called, _ in found.findings.classes} == {
        "benign": counts.false_positives,
        "malignant": counts.true_positives,
    }
    assert sum(called + passed for _, called, passed in found.findings.classes) == 9


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 6.0, float("nan")])
def test_a_prevalence_that_is_none_is_refused(patients: Index, prevalence: float) -> None:
    with pytest.raises(UsageError, match="prevalence"):
        measured(patients, prevalence=prevalence)


@pytest.mark.parametrize("wrong", [float("nan"), -0.01, 1.01, float("inf")])
def test_scores_that_are_none_name_their_row(patients: Index, wrong: float) -> None:
    values = np.full(len(patients), 0.4)
    values[3] = wrong

    with pytest.raises(DatasetError, match="row 3"):
        measured(patients, values)
