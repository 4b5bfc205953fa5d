"""Figures of boxes, against counting by hand and a reference library."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.boxes import AT, WORDS, Boxed, Hit, box_table, hit
from senoscope.evidence.metrics.detection import (
    STRICTER,
    Picture,
    average_precision,
    froc,
    iou,
    mean_average_precision,
    precision_curve,
)

NOTHING = np.zeros((0, 4))


def picture(random: np.random.Generator, group: int) -> Picture:
    """Up to two lesions, boxes near most of them and one elsewhere, the surest first."""
    truth = np.column_stack((random.uniform(0, 60, (2, 2)), random.uniform(15, 30, (2, 2))))[: random.integers(0, 3)]
    near = truth[random.random(len(truth)) < 0.8] + random.uniform(-4, 4, (1, 4))
    stray = np.column_stack((random.uniform(0, 60, (1, 2)), random.uniform(15, 30, (1, 2))))
    boxes = np.concatenate((near, stray))
    scores = np.concatenate((random.uniform(0.3, 1, len(near)), random.uniform(0, 0.7, 1)))
    order = np.argsort(-scores)
    return Picture(truth, boxes[order], scores[order], group)


def many(seed: int, count: int = 60) -> Boxed:
    random = np.random.default_rng(seed)
    pictures = tuple(picture(random, number // 3) for number in range(count))
    probabilities = np.array([float(one.scores.max(initial=0.05)) for one in pictures])
    shown = np.array([int((one.scores >= 0.5).sum()) for one in pictures])
    return Boxed(pictures, shown, probabilities, probabilities >= 0.5)


def test_a_hit_is_counted_by_hand() -> None:
    truth = np.array([[0.0, 0, 10, 10], [50, 50, 10, 10]])
    boxes = np.array([[0.0, 0, 10, 8], [1, 1, 10, 10], [50, 50, 10, 10]])
    one = Picture(truth, boxes, np.array([0.9, 0.8, 0.7]), 0)

    assert (hit(one, 3).lesions, hit(one, 3).found, hit(one, 3).stray) == (2, 2, 1)
    assert (hit(one, 3).overlap, hit(one, 2).overlap) == pytest.approx((1.8, 0.8))
    assert (hit(one, 2).found, hit(one, 2).stray) == (1, 1)
    assert hit(one, 0) == Hit(2, 0, 0.0, 0)
    assert hit(Picture(NOTHING, boxes, np.array([0.9, 0.8, 0.7]), 0), 1) == Hit(0, 0, 0.0, 1)


def test_figures_are_those_of_counting() -> None:
    boxed = many(0)

    table = box_table(boxed, replicates=200).table

    assert list(table) == list(WORDS)
    curve = froc(boxed.pictures, replicates=10)
    for name, rate in AT.items():
        allowed = curve.rates <= rate + 1e-9
        assert table[name].value == pytest.approx(curve.sensitivity[allowed].max())
    best = [
        iou(one.boxes[:shown], one.truth).max(axis=0, initial=0.0)
        for one, shown in zip(boxed.pictures, boxed.shown, strict=True)
    ]
    assert table["iou"].value == pytest.approx(np.concatenate(best).mean())
    hits = [hit(one, int(shown)) for one, shown in zip(boxed.pictures, boxed.shown, strict=True)]
    assert table["found"].value == pytest.approx(sum(one.found for one in hits) / sum(one.lesions for one in hits))
    assert table["false_positives"].value == pytest.approx(np.mean([one.stray for one in hits]))
    truth = boxed.truth
    assert table["roc_auc"].value == pytest.approx(roc_auc_score(truth, boxed.probabilities))
    assert table["sensitivity"].value == pytest.approx(boxed.called[truth == 1].mean())
    assert table["specificity"].value == pytest.approx((~boxed.called[truth == 0]).mean())
    for interval in table.values():
        assert interval.low <= interval.value <= interval.high


def test_average_precision_over_stricter_overlaps() -> None:
    pictures = many(1).pictures
    each = [average_precision(pictures, overlap=overlap, replicates=50).value for overlap in STRICTER]

    found = mean_average_precision(pictures, replicates=50)

    assert STRICTER[0] == 0.5
    assert STRICTER[-1] == 0.95
    assert found.value == pytest.approx(np.mean(each))
    assert each == sorted(each, reverse=True)
    assert mean_average_precision(pictures, overlaps=(0.5,), replicates=50) == average_precision(
        pictures, replicates=50
    )


def test_perfect_boxes_have_perfect_figures() -> None:
    random = np.random.default_rng(2)
    pictures = []
    for number in range(30):
        truth = np.column_stack((random.uniform(0, 60, (1, 2)), random.uniform(15, 30, (1, 2))))[: number % 3]
        pictures.append(Picture(truth, truth, np.full(len(truth), 0.9), number))
    there = np.array([len(one.truth) > 0 for one in pictures])

    table = box_table(Boxed(tuple(pictures), there.astype(np.int64), there * 0.8, there), replicates=50).table

    perfect = {name for name in WORDS if name != "false_positives"}
    assert {name for name, value in table.items() if value.low >= 1 - 1e-9} == perfect
    assert table["false_positives"].value == 0.0


def test_the_curve_of_precision_ends_where_all_boxes_count() -> None:
    pictures = many(3).pictures
    hits = [hit(one, len(one.boxes)) for one in pictures]
    found, lesions = sum(one.found for one in hits), sum(one.lesions for one in hits)

    curve = precision_curve(pictures)

    assert curve.x[-1] == pytest.approx(found / lesions)
    assert curve.y[-1] == pytest.approx(found / sum(len(one.boxes) for one in pictures))
    assert (np.diff(curve.x) >= 0).all()
    assert (np.diff(curve.thresholds) < 0).all()


def test_where_every_picture_has_a_lesion_nothing_is_told_apart() -> None:
    boxed = many(4)
    rows = np.flatnonzero(boxed.truth)

    found = box_table(boxed.take(rows), replicates=50, quick=True)

    assert not {"roc_auc", "specificity", "ap"} & set(found.table)
    assert any("cannot be measured" in note for note in found.notes)


def test_few_groups_are_said() -> None:
    found = box_table(many(5, 12), replicates=50, quick=True)

    assert any("too narrow to be believed" in note for note in found.notes)


def test_no_lesion_no_figure() -> None:
    none = Boxed(
        (Picture(NOTHING, NOTHING, np.zeros(0), 0),), np.zeros(1, np.int64), np.zeros(1), np.zeros(1, np.bool_)
    )

    with pytest.raises(DatasetError, match="no picture has a lesion"):
        box_table(none, replicates=10)
