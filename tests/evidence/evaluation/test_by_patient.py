"""The sentence about patients beside figures by image."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.answers import Answers
from senoscope.evidence.evaluation.by_patient import by_patient
from senoscope.evidence.index import Index
from tests.makers import bus_bra, busi


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Eight women, the first with two images."""
    return DATASETS.get("bus_bra").index(bus_bra(tmp_path_factory.mktemp("data"), patients=8))


def answered(index: Index) -> Answers:
    labels = index.labels_as("malignant")
    count = len(index)
    values = np.random.default_rng(3).uniform(0, 1, count)
    return Answers(index, labels, values, index.groups(), np.full(count, 0.5), np.zeros(count, np.bool_))


def test_figures_are_those_of_the_women(patients: Index) -> None:
    images = answered(patients)
    names = np.array([sample.patient_id for sample in patients.samples])
    women = sorted(set(names))
    truth = np.array([images.labels[names == woman][0] for woman in women])
    chances = np.array([images.probabilities[names == woman].mean() for woman in women])

    (said,) = by_patient(images)

    assert said.endswith("; 8 patients")
    assert f"ROC AUC {roc_auc_score(truth, chances):.3f} (" in said
    assert f" accuracy {accuracy_score(truth, chances >= 0.5):.3f} (" in said
    assert f"balanced accuracy {balanced_accuracy_score(truth, chances >= 0.5):.3f} (" in said


def test_a_woman_with_images_of_both_labels_has_none(patients: Index) -> None:
    images = answered(patients)
    women = [sample.patient_id for sample in patients.samples]
    twice = next(row for row, woman in enumerate(women) if women.count(woman) > 1)
    labels = images.labels.copy()
    labels[twice] = 1 - labels[twice]

    assert by_patient(replace(images, labels=labels)) == ()


def test_one_image_each_is_no_figure_of_its_own(patients: Index) -> None:
    women = [sample.patient_id for sample in patients.samples]
    once = np.array([women.index(woman) == row for row, woman in enumerate(women)])

    assert by_patient(answered(patients).take(once)) == ()


def test_women_of_one_label_rank_nothing(patients: Index) -> None:
    images = answered(patients)

    assert by_patient(replace(images, labels=np.ones_like(images.labels))) == ()


def test_images_of_nobody_knows_whom(tmp_path_factory: pytest.TempPathFactory) -> None:
    index = DATASETS.get("busi").index(busi(tmp_path_factory.mktemp("data"), images=6))

    assert by_patient(answered(index.with_labels(("benign", "malignant")))) == ()
