"""Evaluations of outlines, of answers that are there."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.lesions import true_mask
from senoscope.evidence.evaluation.outlines import OutlineEvaluation, assess_outlines
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.outlines import PRESENCE, WORDS
from senoscope.evidence.metrics.segmentation import overlap
from tests.makers import busi_outlined

assert scipy  # distances between outlines need it, and an install without it leaves these tests out

TASK = TASKS.get("ultrasound_outline")


@pytest.fixture
def data(tmp_path: Path) -> Index:
    return DATASETS.get("busi").samples_for(TASK, busi_outlined(tmp_path / "busi", images=5))


def maps(index: Index, *, moved: int = 3) -> Iterator[NDArray[np.float32]]:
    """The true masks, moved to the right, as probabilities."""
    for sample in index.samples:
        truth = true_mask(sample, index.root, read(index.root / sample.path).size)
        yield np.where(np.roll(truth, moved, axis=1), 0.8, 0.1).astype(np.float32)


def presence(index: Index) -> NDArray[np.float64]:
    labels = index.labels_as("lesion")
    return np.clip(0.25 + 0.4 * labels + np.random.default_rng(3).normal(0, 0.15, len(labels)), 0, 1)


def made(index: Index, **changes: Any) -> OutlineEvaluation:
    given: dict[str, Any] = {
        "chances": maps(index),
        "presence": presence(index),
        "threshold": 0.5,
        "smallest": 0.001,
        "presence_threshold": 0.5,
        "title": "tiny on busi",
        "bundle": "tiny",
        "version": "1",
        "protocol": "grouped",
        "replicates": 100,
    }
    return assess_outlines(index, **(given | changes))


def test_figures_are_those_of_the_masks(data: Index) -> None:
    found = made(data)

    rows = [row for row, sample in enumerate(data.samples) if sample.label == "lesion"]
    expected = []
    for row, one in enumerate(maps(data, moved=3)):
        truth = true_mask(data.samples[row], data.root, read(data.root / data.samples[row].path).size)
        expected.append(overlap(truth, one >= 0.5))
    assert list(found.table) == list(WORDS)
    assert found.table["dice"].value == pytest.approx(np.mean([expected[row].dice for row in rows]))
    assert found.table["iou"].value == pytest.approx(np.mean([expected[row].iou for row in rows]))
    called = presence(data) >= 0.5
    assert found.table["dice_called"].value == pytest.approx(
        np.mean([expected[row].dice * called[row] for row in rows])
    )
    assert found.table["sensitivity"].value == pytest.approx(called[rows].mean())
    # Nothing is marked where there is nothing, and what is not marked is not called.
    assert found.table["specificity"].value == 1
    assert found.unit == "duplicate groups"
    assert (found.labels.sum(), len(found.samples), found.unread) == (len(rows), len(data), ())


def test_each_picture_may_have_its_own_threshold(data: Index) -> None:
    chances = presence(data)
    bounds = np.where(np.arange(len(data)) % 2, chances, np.nextafter(chances, 2))

    found = made(data, presence_threshold=np.clip(bounds, 0, 1), operating_point="screening")

    rows = np.flatnonzero(found.labels)
    assert found.table["sensitivity"].value == pytest.approx(np.mean(rows % 2))
    assert found.thresholds is not None
    np.testing.assert_array_equal(found.thresholds, np.clip(bounds, 0, 1))


def test_maps_are_taken_one_at_a_time(data: Index) -> None:
    given: list[weakref.ref[NDArray[np.float32]]] = []

    def watched() -> Iterator[NDArray[np.float32]]:
        for one in maps(data):
            assert sum(earlier() is not None for earlier in given) <= 1
            given.append(weakref.ref(one))
            yield one

    assert made(data, chances=watched()).table == made(data).table


def test_small_marks_are_left_out(data: Index) -> None:
    kept, dropped = made(data), made(data, smallest=0.9)

    assert kept.table["found"].value == 1
    assert dropped.table["dice"].value == 0
    assert dropped.table["hd95_share_mean"].value == 1
    assert dropped.table["sensitivity"].value == 0


def test_without_presence_outlines_alone_are_measured(data: Index) -> None:
    found = made(data, presence=None)

    assert not {*PRESENCE, "dice_called"} & set(found.table)
    assert found.table["dice"] == made(data).table["dice"]
    assert found.thresholds is None


def test_subgroups_are_by_what_the_publisher_says(data: Index) -> None:
    found = made(data)

    assert [(group.fact, group.value, group.images) for group in found.subgroups] == [
        ("pathology", "benign", 5),
        ("pathology", "malignant", 5),
        ("pathology", "normal", 5),
    ]
    benign, _, normal = found.subgroups
    assert "dice" in benign.table
    assert set(normal.table) == {"specificity"}
    assert normal.positives == 0
    assert all(group.few for group in found.subgroups)


def test_the_worst_come_first(data: Index) -> None:
    def spoilt() -> Iterator[NDArray[np.float32]]:
        for row, one in enumerate(maps(data)):
            yield np.zeros_like(one) if row == 4 else one

    found = made(data, chances=spoilt())

    worst = found.worst(3)
    assert worst[0] == 4
    dices = [found.fits[row].dice for row in worst]
    assert dices == sorted(dices)
    assert all(found.fits[row].truth for row in found.worst(100))


def test_abstentions_are_left_out_apart(data: Index) -> None:
    withheld = np.arange(len(data)) == 2

    found = made(data, abstained=withheld)

    rest = data.take(np.flatnonzero(~withheld))
    again = assess_outlines(
        rest,
        chances=maps(rest),
        presence=presence(data)[~withheld],
        threshold=0.5,
        smallest=0.001,
        title="",
        bundle="",
        version="",
        protocol="",
        replicates=100,
    )
    assert found.answered == again.table
    assert found.table == made(data).table
    assert found.metric_table().abstained == 1
    everything = made(data, abstained=np.ones(len(data), bool))
    assert everything.answered == {}
    assert any("no true region is left" in note for note in everything.notes)


def test_masks_that_cannot_be_used_leave_their_pictures_out_by_name(data: Index) -> None:
    samples = list(data.samples)
    small, unreadable, missing, wrong = samples[0], samples[1], samples[2], samples[-1]
    Pil.fromarray(np.zeros((64, 80), bool)).save(data.root / small.masks[0])
    (data.root / unreadable.masks[0]).write_bytes(b"no mask")
    samples[2] = replace(missing, masks=())
    pixels = np.zeros((128, 160), np.uint8)
    pixels[5:20, 5:20] = 255
    Pil.fromarray(pixels).save(data.root / wrong.masks[0])
    given = np.full((len(samples), 128, 160), 0.9, np.float32)

    found = made(replace(data, samples=tuple(samples)), chances=iter(given))

    reasons = {item.path: item.reason for item in found.unread}
    assert list(reasons) == [sample.path for sample in (small, unreadable, missing, wrong)]
    assert "a mask of another size: 80×64, where its picture is 160×128" in reasons[small.path]
    assert reasons[missing.path] == "labelled lesion, and no mask marks where"
    assert reasons[wrong.path] == "labelled tissue, and its mask marks something"
    assert len(found.samples) == len(samples) - 4
    assert found.dataset.images == len(samples) - 4


def test_where_no_mask_is_left_it_is_an_error(data: Index) -> None:
    bare = replace(data, samples=tuple(replace(sample, masks=()) for sample in data.samples))

    with pytest.raises(DatasetError, match="need a picture with an outlined lesion") as caught:
        made(bare, chances=iter(np.zeros((len(data), 128, 160), np.float32)))
    assert "no mask marks where" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chances": iter([np.zeros((128, 160), np.float32)] * 3)}, "3 maps do not fit 15 samples"),
        ({"chances": iter([np.zeros((128, 160), np.float32)] * 40)}, "more maps do not fit 15 samples"),
        ({"chances": iter([np.zeros((1, 128, 160), np.float32)] * 15)}, "that is none"),
        ({"chances": iter([np.full((128, 160), np.nan, np.float32)] * 15)}, "that is none"),
        ({"presence": np.full(15, 1.5)}, "row 0: 1.5 is no probability"),
        ({"presence": np.zeros(14)}, "do not fit 15 samples"),
        ({"presence_threshold": np.zeros(4)}, "do not fit 15 samples"),
        ({"presence_threshold": float("nan")}, "nan is no probability"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(data: Index, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        made(data, **changes)
