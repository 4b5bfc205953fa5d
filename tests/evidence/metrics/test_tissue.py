"""Figures of labels at every pixel, beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.codes import UNNAMED
from senoscope.evidence.metrics.tissue import tallied, tissue

LABELS = ("none", "tumor", "stroma", "fat", "nerve")


def pictures(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(1, 4, (count, 20, 20)).astype(np.uint8)
    called = np.where(random.uniform(size=truth.shape) < 0.7, truth, random.integers(0, 4, truth.shape))
    truth[:, :3] = UNNAMED
    return truth, called.astype(np.uint8)


def test_figures_are_scikit_learns() -> None:
    truth, called = pictures(0)
    counts = np.stack([tallied(*pair, len(LABELS)) for pair in zip(truth, called, strict=True)])

    found = tissue(counts, np.arange(12), LABELS, replicates=200)

    known = truth != UNNAMED
    y, p, there = truth[known], called[known], [1, 2, 3]
    assert found.overall["pixel_accuracy"].value == pytest.approx(accuracy_score(y, p))
    for name, score in (("dice", f1_score), ("iou", jaccard_score), ("precision", precision_score)):
        for average in ("macro", "weighted"):
            expected = score(y, p, labels=there, average=average)
            assert found.overall[f"{average}_{name}"].value == pytest.approx(expected)
        for at, expected in zip(there, score(y, p, labels=there, average=None), strict=True):
            assert found.labels[LABELS[at]][name].value == pytest.approx(expected)
    assert found.overall["macro_sensitivity"].value == pytest.approx(recall_score(y, p, labels=there, average="macro"))
    for interval in found.table.values():
        assert interval.low <= interval.value <= interval.high


def test_a_label_that_is_not_there_has_no_figure_and_one_that_is_missed_has_0() -> None:
    truth = np.full((4, 10, 10), 1, np.uint8)
    truth[0, :5] = 4
    called = np.full_like(truth, 1)
    called[1, :2] = 3
    counts = np.stack([tallied(*pair, len(LABELS)) for pair in zip(truth, called, strict=True)])

    found = tissue(counts, np.arange(4), LABELS, replicates=100)

    assert set(found.labels) == {"tumor", "nerve"}
    assert found.labels["nerve"]["precision"].value == found.labels["nerve"]["dice"].value == 0
    assert found.overall["macro_dice"].value == pytest.approx(found.labels["tumor"]["dice"].value / 2)
    assert not any(np.isnan([one.value, one.low, one.high]).any() for one in found.table.values())
    assert found.notes[0] == "no pixel is truly none, stroma, fat: there are no figures of these"
    assert "nerve (1)" in found.notes[1]


def test_intervals_are_over_groups_not_pictures() -> None:
    truth, called = pictures(1, 40)
    called[:20] = 1
    counts = np.stack([tallied(*pair, len(LABELS)) for pair in zip(truth, called, strict=True)])

    alone = tissue(counts, np.arange(40), LABELS).overall["pixel_accuracy"]
    together = tissue(counts, np.arange(40) // 10, LABELS).overall["pixel_accuracy"]

    assert alone.value == together.value
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_order_and_division_into_pictures_do_not_count() -> None:
    truth, called = pictures(2)
    counts = np.stack([tallied(*pair, len(LABELS)) for pair in zip(truth, called, strict=True)])

    whole = tissue(counts.sum(axis=0)[None], np.zeros(1, np.int64), LABELS, replicates=20)
    apart = tissue(counts[::-1], np.arange(12), LABELS, replicates=20)

    assert {name: one.value for name, one in whole.table.items()} == pytest.approx(
        {name: one.value for name, one in apart.table.items()}
    )


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(DatasetError, match="do not fit a mask"):
        tallied(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), 3)
    with pytest.raises(DatasetError, match="beyond the 3 labels"):
        tallied(np.full((2, 2), 3, np.uint8), np.zeros((2, 2), np.uint8), 3)
    with pytest.raises(DatasetError, match="need a pixel"):
        tissue(np.zeros((1, 2, 2)), np.zeros(1, np.int64), ("a", "b"))
    with pytest.raises(DatasetError, match="do not fit 3 labels"):
        tissue(np.ones((1, 2, 2)), np.zeros(1, np.int64), ("a", "b", "c"))
