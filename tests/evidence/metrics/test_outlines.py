"""Figures of outlines against a plain loop and reference libraries."""

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score, roc_auc_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.grouping import grouped, multiplicities
from senoscope.evidence.metrics.outlines import FOUND, PRESENCE, WORDS, Fit, Pictures, fit, outline_table
from tests.makers import oval


def drawn(seed: int, count: int = 40, *, free: int = 12) -> Pictures:
    """Ovals, and ovals beside them; the last `free` pictures have no true one."""
    random = np.random.default_rng(seed)
    fits = []
    for row in range(count):
        left, top = random.integers(10, 40, 2)
        shift = random.integers(-8, 9, 2)
        truth = oval(96, 80, (left, top, 20, 14)) if row < count - free else np.zeros((80, 96), bool)
        mark = oval(96, 80, (left + shift[0], top + shift[1], 18, 16)) if row % 9 else np.zeros((80, 96), bool)
        fits.append(fit(truth, mark))
    chances = np.clip(random.normal(0.4 + 0.3 * (np.arange(count) < count - free), 0.2), 0, 1)
    marked = np.array([one.marked > 0 for one in fits])
    groups = grouped(random.integers(0, count // 2, count), count)
    return Pictures(tuple(fits), chances, (chances >= 0.5) & marked, groups)


def test_one_picture_equals_the_references() -> None:
    truth, mark = oval(96, 80, (20, 20, 30, 24)), oval(96, 80, (26, 18, 28, 30))

    found = fit(truth, mark)

    flat = truth.ravel(), mark.ravel()
    assert found.dice == pytest.approx(f1_score(*flat))
    assert found.iou == pytest.approx(jaccard_score(*flat))
    assert found.sensitivity == pytest.approx(recall_score(*flat))
    assert found.precision == pytest.approx(precision_score(*flat))
    assert (found.width, found.height, found.truth, found.marked) == (96, 80, truth.sum(), mark.sum())
    places = np.argwhere(truth), np.argwhere(mark)
    farthest = max(directed_hausdorff(*places)[0], directed_hausdorff(*places[::-1])[0])
    assert 0 < found.hd95 <= farthest
    assert found.hd95_share == pytest.approx(found.hd95 / np.hypot(96, 80))


def test_a_missed_lesion_costs_the_diagonal_and_a_picture_without_one_has_no_figures() -> None:
    truth, nothing = oval(96, 80, (20, 20, 30, 24)), np.zeros((80, 96), bool)

    missed, free = fit(truth, nothing), fit(nothing, truth)

    assert (missed.dice, missed.iou, missed.sensitivity, missed.precision, missed.hd95_share) == (0, 0, 0, 0, 1)
    assert np.isnan([free.dice, free.iou, free.sensitivity, free.precision, free.hd95]).all()
    assert free.marked == truth.sum()


def plain(pictures: Pictures) -> dict[str, float]:
    """All figures, one after the other."""
    assert pictures.probabilities is not None
    assert pictures.called is not None
    truth = pictures.truth == 1
    inside = [one for one, there in zip(pictures.fits, truth, strict=True) if there]
    calls = pictures.called[truth]
    return {
        "dice": float(np.mean([one.dice for one in inside])),
        "iou": float(np.mean([one.iou for one in inside])),
        "dice_called": float(np.mean([one.dice * call for one, call in zip(inside, calls, strict=True)])),
        "dice_pooled": 2 * sum(one.both for one in inside) / sum(one.truth + one.marked for one in inside),
        "found": float(np.mean([one.dice >= FOUND for one in inside])),
        "pixel_sensitivity": float(np.mean([one.sensitivity for one in inside])),
        "pixel_precision": float(np.mean([one.precision for one in inside])),
        "hd95_median": float(np.median([one.hd95 for one in inside])),
        "hd95_mean": float(np.mean([one.hd95 for one in inside])),
        "hd95_share_median": float(np.median([one.hd95_share for one in inside])),
        "hd95_share_mean": float(np.mean([one.hd95_share for one in inside])),
        "roc_auc": float(roc_auc_score(truth, pictures.probabilities)),
        "sensitivity": float(pictures.called[truth].mean()),
        "specificity": float((~pictures.called[~truth]).mean()),
    }


def test_figures_and_intervals_equal_a_plain_loop() -> None:
    pictures = drawn(1)

    found = outline_table(pictures, replicates=300, seed=5).table

    assert list(found) == list(WORDS)
    assert {name: value.value for name, value in found.items()} == pytest.approx(plain(pictures))
    kinds = np.zeros(int(pictures.members.max()) + 1, np.int64)
    np.bitwise_or.at(kinds, pictures.members, pictures.truth + 1)
    samples = []
    for weights in multiplicities(kinds, replicates=300, seed=5, step=1_000_000 // len(pictures.fits)):
        for row in weights:
            rows = np.repeat(np.arange(len(pictures.fits)), row[pictures.members])
            samples.append(plain(pictures.take(rows)))
    for name, value in found.items():
        low, high = np.percentile([sample[name] for sample in samples], (2.5, 97.5))
        assert (value.low, value.high) == pytest.approx((low, high)), name


def test_groups_that_resemble_each_other_widen_intervals() -> None:
    one = drawn(2, 60, free=0)
    fits = tuple(sorted(one.fits, key=lambda each: each.dice))
    alone = Pictures(fits, None, None, np.arange(60))
    together = Pictures(fits, None, None, np.arange(60) // 6)

    narrow, wide = (outline_table(each, replicates=500).table["dice"] for each in (alone, together))

    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_without_a_call_nothing_is_said_of_presence() -> None:
    pictures = drawn(3)

    found = outline_table(Pictures(pictures.fits, None, None, pictures.members), replicates=50)

    assert not {*PRESENCE, "dice_called"} & set(found.table)
    assert found.notes == ()


def test_where_every_picture_has_a_region_presence_is_only_half_known() -> None:
    found = outline_table(drawn(4, free=0), replicates=50)

    assert "sensitivity" in found.table
    assert not {"roc_auc", "specificity"} & set(found.table)
    assert any("every picture has a true region" in note for note in found.notes)


def test_where_no_picture_has_a_region_there_are_no_figures_of_outlines() -> None:
    found = outline_table(drawn(5, count=12, free=12), replicates=50)

    assert set(found.table) == {"specificity"}
    assert any("no picture has a true region" in note for note in found.notes)


def test_few_groups_are_said() -> None:
    notes = outline_table(drawn(6, count=16, free=2), replicates=50).notes

    assert any("only 2 groups with pictures without one" in note for note in notes)


def test_nothing_is_an_error() -> None:
    with pytest.raises(DatasetError, match="need a picture"):
        outline_table(Pictures((), None, None, np.array([], np.int64)))


def test_masks_of_two_shapes_are_refused() -> None:
    with pytest.raises(DatasetError, match="cannot be compared"):
        fit(np.ones((4, 5), bool), np.ones((5, 4), bool))


def test_counts_alone_give_the_shares() -> None:
    one = Fit(width=3, height=4, truth=4, marked=6, both=3, hd95=2.5)

    assert (one.dice, one.iou, one.sensitivity, one.precision, one.hd95_share) == (0.6, 3 / 7, 0.75, 0.5, 0.5)
