import numpy as np
import pytest
from sklearn import metrics as reference

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.multiclass import OF_CLASS, confusion_matrix, multiclass

CLASSES = ("normal", "benign", "malignant")


def sample(seed: int = 0, count: int = 180) -> tuple[list[str], np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, count)
    truth[:3] = 0, 1, 2
    scores = 1.2 * np.eye(3)[truth] + random.normal(0, 1, (count, 3))
    raised = np.exp(scores)
    return [CLASSES[number] for number in truth], raised / raised.sum(axis=1, keepdims=True), np.arange(count) // 3


def top_label_error(truth: list[str], called: list[str], confidence: np.ndarray) -> float:
    """Expected calibration error of the called label, bin by bin as Guo et al. 2017 write it."""
    right = np.array(truth) == np.array(called)
    parts = [(confidence >= low) & (confidence < low + 1 / 15) for low in np.arange(15) / 15]
    gaps = [part.sum() * abs(right[part].mean() - confidence[part].mean()) for part in parts if part.any()]
    return float(sum(gaps) / len(truth))


def test_counts_equal_the_reference() -> None:
    truth, probabilities, _ = sample()
    called = [CLASSES[number] for number in probabilities.argmax(axis=1)]

    found = confusion_matrix(truth, called, CLASSES)

    np.testing.assert_array_equal(found, reference.confusion_matrix(truth, called, labels=CLASSES))


@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_the_reference(seed: int) -> None:
    truth, probabilities, groups = sample(seed)
    called = [CLASSES[number] for number in probabilities.argmax(axis=1)]
    columns = [CLASSES.index(name) for name in sorted(CLASSES)]

    found = multiclass(truth, probabilities, groups, CLASSES, replicates=50)

    for number, name in enumerate(CLASSES):
        mine, named = np.array(truth) == name, np.array(called) == name
        expected = {
            "roc_auc": reference.roc_auc_score(mine, probabilities[:, number]),
            "pr_auc": reference.average_precision_score(mine, probabilities[:, number]),
            "sensitivity": reference.recall_score(mine, named),
            "specificity": reference.recall_score(mine, named, pos_label=False),
            "ppv": reference.precision_score(mine, named),
            "npv": reference.precision_score(mine, named, pos_label=False),
            "f1": reference.f1_score(mine, named),
        }
        assert tuple(found.classes[name]) == OF_CLASS
        for figure, value in expected.items():
            assert found.classes[name][figure].value == pytest.approx(value, abs=1e-12), figure
    overall = {
        "macro_auc": reference.roc_auc_score(truth, probabilities[:, columns], multi_class="ovr"),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, called),
        "macro_f1": reference.f1_score(truth, called, average="macro"),
        "accuracy": reference.accuracy_score(truth, called),
        "brier": ((probabilities - np.eye(3)[[CLASSES.index(name) for name in truth]]) ** 2).sum(axis=1).mean(),
        "ece": top_label_error(truth, called, probabilities.max(axis=1)),
    }
    assert {name: item.value for name, item in found.overall.items()} == pytest.approx(overall, abs=1e-9)
    for item in found.overall.values():
        assert item.low <= item.value <= item.high


@pytest.mark.parametrize("seed", range(3))
def test_kappa_of_ordered_classes_equals_the_reference(seed: int) -> None:
    truth, probabilities, groups = sample(seed)
    called = probabilities.argmax(axis=1)

    found = multiclass(truth, probabilities, groups, CLASSES, ordered=True, replicates=50).overall["weighted_kappa"]

    expected = reference.cohen_kappa_score([CLASSES.index(name) for name in truth], called, weights="quadratic")
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.low < found.value < found.high
    assert "weighted_kappa" not in multiclass(truth, probabilities, groups, CLASSES, replicates=5).overall


def test_copies_within_a_group_do_not_narrow_the_intervals() -> None:
    truth, probabilities, groups = sample()

    once = multiclass(truth, probabilities, groups, CLASSES, replicates=100)
    twice = multiclass(truth * 2, np.tile(probabilities, (2, 1)), np.tile(groups, 2), CLASSES, replicates=100)

    assert twice.overall["macro_auc"].low == pytest.approx(once.overall["macro_auc"].low, abs=1e-9)


@pytest.mark.parametrize(
    ("truth", "probabilities", "message"),
    [
        (["normal", "odd", "benign"], np.eye(3), "row 1: label 'odd' is none of"),
        (["normal", "benign", "benign"], np.eye(3), "no sample is labelled malignant"),
        (["normal", "benign", "malignant"], np.full((3, 3), 0.5), "row 0: probabilities"),
        (["normal", "benign", "malignant"], np.array([[1, 0, 0], [0, np.nan, 1], [0, 0, 1]]), "row 1: probabilities"),
        (["normal", "benign", "malignant"], np.eye(2), "do not fit"),
        ([], np.empty((0, 3)), "there are no labels"),
    ],
)
def test_unusable_input_names_the_row(truth: list[str], probabilities: np.ndarray, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        multiclass(truth, probabilities, np.arange(len(truth)), CLASSES)


def test_calls_must_fit_the_labels() -> None:
    with pytest.raises(DatasetError, match="1 calls do not fit 2 labels"):
        confusion_matrix(["benign", "normal"], ["benign"], CLASSES)
    with pytest.raises(DatasetError, match="not each named once"):
        confusion_matrix(["a"], ["a"], ("a", "a"))
