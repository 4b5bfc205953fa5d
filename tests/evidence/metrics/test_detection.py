import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics.detection import RATES, Picture, average_precision, froc, iou, match


def picture(random: np.random.Generator, group: int) -> Picture:
    """Up to two lesions, some of them found, and boxes beside them; few digits make ties."""
    truth = np.column_stack((random.uniform(0, 80, (2, 2)), random.uniform(10, 20, (2, 2))))[: random.integers(0, 3)]
    near = truth[random.random(len(truth)) < 0.8] * random.uniform(0.95, 1.05)
    stray = np.column_stack((random.uniform(0, 80, (2, 2)), random.uniform(10, 20, (2, 2))))
    boxes = np.concatenate((near, near[:1] + 0.5, stray))
    found = np.concatenate((random.uniform(0.3, 1, len(near)), random.uniform(0, 0.8, len(boxes) - len(near))))
    return Picture(truth, boxes, np.round(found, 1), group)


def pictures(seed: int, count: int = 60) -> list[Picture]:
    random = np.random.default_rng(seed)
    return [picture(random, number // 3) for number in range(count)]


def plain_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Counted on a grid of tenths."""
    grid = np.arange(0, 130, 0.1) + 0.05

    def mask(box: np.ndarray) -> np.ndarray:
        across = (grid >= box[0]) & (grid < box[0] + box[2])
        down = (grid >= box[1]) & (grid < box[1] + box[3])
        return np.asarray(down[:, None] & across)

    return float((mask(one) & mask(other)).sum() / (mask(one) | mask(other)).sum())


def at(listed: list[Picture], threshold: float, rows: list[int]) -> tuple[int, int, int]:
    """Lesions found, false positives and lesions, image by image and box by box."""
    hits = alarms = lesions = 0
    for row in rows:
        free = list(range(len(listed[row].truth)))
        lesions += len(free)
        for box in sorted(range(len(listed[row].boxes)), key=lambda box: -listed[row].scores[box]):
            if listed[row].scores[box] < threshold:
                continue
            shares = {lesion: iou(listed[row].boxes[[box]], listed[row].truth[[lesion]])[0, 0] for lesion in free}
            best = max(shares, key=lambda lesion: shares[lesion], default=None)
            if best is not None and shares[best] >= 0.5:
                free.remove(best)
                hits += 1
            else:
                alarms += 1
    return hits, alarms, lesions


def test_overlaps_equal_counted_ones() -> None:
    boxes = np.round(np.concatenate([item.boxes for item in pictures(0, 4)]), 1)

    found = iou(boxes, boxes[:5])

    for row, box in enumerate(boxes):
        for column, other in enumerate(boxes[:5]):
            assert found[row, column] == pytest.approx(plain_iou(box, other), abs=0.02)
    assert iou([[0, 0, 2, 2]], [[1, 1, 2, 2], [2, 0, 2, 2], [0, 0, 2, 2]]) == pytest.approx(np.array([[1 / 7, 0, 1]]))
    assert iou([], boxes).shape == (0, len(boxes))


def test_the_surest_box_takes_its_lesion_first() -> None:
    truth = [[0, 0, 10, 10], [8, 0, 10, 10]]
    boxes = [[0, 0, 10, 10], [1, 0, 10, 10], [8, 0, 10, 11], [50, 50, 5, 5]]

    assert match(truth, boxes, [0.5, 0.9, 0.4, 0.3]).tolist() == [-1, 0, 1, -1]
    assert match(truth, boxes, [0.9, 0.5, 0.4, 0.3]).tolist() == [0, -1, 1, -1]
    assert match(truth, boxes, [0.9, 0.5, 0.4, 0.3], overlap=0.95).tolist() == [0, -1, -1, -1]
    assert match([], boxes, [0.9, 0.5, 0.4, 0.3]).tolist() == [-1] * 4
    assert match(truth, [], []).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_equals_a_plain_count(seed: int) -> None:
    listed = pictures(seed)

    found = froc(listed, replicates=20)

    rows = list(range(60))
    assert found.thresholds[0] == np.inf
    for rate, sensitivity, threshold in zip(found.rates, found.sensitivity, found.thresholds, strict=True):
        hits, alarms, lesions = at(listed, threshold, rows)
        assert (rate, sensitivity) == pytest.approx((alarms / 60, hits / lesions), abs=1e-12)
    assert (found.images, found.lesions) == (60, sum(len(item.truth) for item in listed))
    for rate in RATES:
        assert found.table[rate].value == pytest.approx(found.sensitivity[found.rates <= rate].max(), abs=1e-12)
    assert found.mean.value == pytest.approx(np.mean([found.table[rate].value for rate in RATES]), abs=1e-12)


def test_intervals_equal_a_plain_bootstrap_over_groups() -> None:
    listed = pictures(0, 36)
    with_lesion = np.array([any(len(item.truth) for item in listed[3 * g : 3 * g + 3]) for g in range(12)])
    strata = [part for part in (np.flatnonzero(with_lesion), np.flatnonzero(~with_lesion)) if len(part)]
    random = np.random.default_rng(1)
    thresholds = np.unique(np.concatenate([item.scores for item in listed]))
    drawn = []
    for _ in range(250):
        groups = np.concatenate([random.choice(part, len(part)) for part in strata])
        rows = [3 * int(g) + n for g in groups for n in range(3)]
        counted = [at(listed, threshold, rows) for threshold in thresholds]
        drawn.append(max((hits / lesions for hits, alarms, lesions in counted if alarms <= len(rows)), default=0.0))
    low, high = np.percentile(drawn, (2.5, 97.5))

    found = froc(listed, replicates=2000).table[1.0]

    assert (found.low, found.high) == pytest.approx((low, high), abs=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_equals_a_plain_hull(seed: int) -> None:
    listed = pictures(seed)
    lesions = sum(len(item.truth) for item in listed)
    thresholds = np.unique(np.concatenate([item.scores for item in listed]))[::-1]
    points = [at(listed, threshold, list(range(60)))[:2] for threshold in thresholds]
    expected, before = 0.0, 0
    for number, (hits, _) in enumerate(points):
        best = max(h / (h + a) for h, a in points[number:])
        expected, before = expected + (hits - before) / lesions * best, hits

    found = average_precision(listed, replicates=50)

    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.low <= found.value <= found.high
    assert average_precision(listed, overlap=0.9, replicates=20).value < found.value


def test_without_a_hull_it_lies_above_the_reference() -> None:
    """One box a picture on lesions that never tie: precision's hull is all that differs."""
    random = np.random.default_rng(0)
    hit = random.random(40) < 0.5
    scores = random.random(40)
    listed = [
        Picture(np.array([[0, 0, 10, 10]]) if found else np.empty((0, 4)), np.array([[0, 0, 10, 10]]), np.array([s]), n)
        for n, (found, s) in enumerate(zip(hit, scores, strict=True))
    ]

    found = average_precision(listed, replicates=10).value

    assert average_precision_score(hit, scores) <= found <= average_precision_score(hit, scores) + 0.15


def test_without_an_overlap_a_box_finds_the_lesion_its_middle_lies_in() -> None:
    truth = [[0, 0, 10, 10], [5, 0, 20, 10], [50, 50, 10, 10]]
    boxes = [[-20, -20, 50, 50], [6, 4, 2, 2], [6, 4, 2, 2], [6, 4, 2, 2], [59, 50, 2, 4], [58, 50, 3, 4]]
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]

    found = match(truth, boxes, scores, None)

    # The first one's middle lies in two lesions, and it overlaps the wider one more; the fifth's lies on a right edge,
    # which is no part of the lesion.
    assert found.tolist() == [1, 0, -1, -1, -1, 2]
    seen = Picture(np.array(truth, float), np.array(boxes, float), np.array(scores), 0)
    assert froc([seen], overlap=None, replicates=10).table[1.0].value == pytest.approx(2 / 3)
    assert froc([seen], replicates=10).sensitivity[-1] == 0


def test_pictures_without_a_box_find_nothing() -> None:
    listed = [Picture(np.array([[0, 0, 10, 10]]), np.empty((0, 4)), np.empty(0), group) for group in range(5)]

    assert froc(listed, replicates=10).mean.value == 0
    assert average_precision(listed, replicates=10).value == 0


@pytest.mark.parametrize(
    ("boxes", "scores", "message"),
    [
        ([[0, 0, 0, 5]], [0.5], "row 0: box .* has no extent"),
        ([[0, 0, np.nan, 5]], [0.5], "row 0: box"),
        ([[0, 0, 5]], [0.5], "are not rows of left, top, width, height"),
        ([[0, 0, 5, 5]], [np.nan], "scores"),
        ([[0, 0, 5, 5]], [0.5, 0.4], "scores"),
    ],
)
def test_unusable_boxes_name_the_picture(boxes: list[list[float]], scores: list[float], message: str) -> None:
    good = Picture(np.array([[0, 0, 10, 10]]), np.empty((0, 4)), np.empty(0), 0)
    bad = Picture(np.array([[0, 0, 10, 10]]), np.array(boxes), np.array(scores), 1)

    with pytest.raises(DatasetError, match=f"picture 1: .*{message}"):
        froc([good, bad])


def test_without_a_lesion_there_is_nothing_to_find() -> None:
    with pytest.raises(DatasetError, match="no picture has a lesion"):
        froc([Picture(np.empty((0, 4)), np.empty((0, 4)), np.empty(0), 0)])
    with pytest.raises(DatasetError, match="an overlap of 0 is none"):
        match([[0, 0, 1, 1]], [[0, 0, 1, 1]], [0.5], overlap=0)
