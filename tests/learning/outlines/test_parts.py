"""What lies in and around a box, and what is marked there."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.recipe import Recipe
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize, Scan
from senoscope.evidence.index import Index, Sample
from senoscope.learning.boxes.folds import Look
from senoscope.learning.data.source import parts_of
from senoscope.learning.outlines.parts import PartSource, astray, found_part

OUTER = Pipeline((Gray(), Scan(), Resize(32, 32, "stretch")))
INNER = Pipeline((Gray(), Resize(48, 48, "stretch")))
LESION = Box(30, 20, 24, 30)


def recipe(astray: float = 0.3) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "small",
            "task": "ultrasound_outline",
            "dataset": "busi",
            "outline": {"by": "lesions", "context": 2.0, "astray": astray},
            "jitter": {"crop": 1.0, "flip": False, "light": 0.0},
        }
    )


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Pictures that are as bright as their masks are marked; the last has no lesion."""
    x0, y0, x1, y1 = LESION.edges
    samples = []
    for number in range(4):
        levels = np.zeros((80, 100), np.uint8)
        if number < 3:
            levels[y0:y1, x0:x1] = 255
        Pil.fromarray(levels).save(tmp_path / f"picture{number}.png")
        Pil.fromarray(levels).save(tmp_path / f"mask{number}.png")
        masks = (f"mask{number}.png",) if number < 3 else ()
        samples.append(Sample(str(number), "", str(number), f"picture{number}.png", "lesion", masks))
    return Index("busi", tmp_path, tuple(samples))


def look(*boxes: tuple[float, float, float, float]) -> Look:
    return Look(np.array(boxes, np.float64).reshape(-1, 4), np.zeros(len(boxes)), 0.0)


LOOKS = (look((30, 20, 24, 30), (0, 0, 9, 9)), look((55, 45, 24, 30)), look(), look((5, 5, 20, 20)))


def test_asked_is_about_the_surest_box_and_what_lies_around(index: Index) -> None:
    whole = Pipeline((Gray(), Resize(32, 32, "stretch")))
    source = PartSource(index, LOOKS, whole, INNER, recipe())

    (images, marks), *rest = source.batches(parts_of(np.arange(4), 4), None)

    assert not rest
    assert images.shape == (4, 3, 48, 48)
    np.testing.assert_allclose(images.numpy()[:, :1] / 255, marks.numpy(), atol=0.005)
    # Twice the sides of the true box: a quarter of the part is the lesion; without a box all of the picture is taken.
    shares = marks.numpy().mean(axis=(1, 2, 3))
    assert shares[0] == pytest.approx(0.25, abs=0.02)
    assert 0 < shares[1] < 0.25
    assert shares[2] == pytest.approx(24 * 30 / 8000, abs=0.01)
    assert shares[3] == 0


def test_trained_is_on_the_true_box_astray(index: Index) -> None:
    lesions = index.take(np.arange(3))
    whole = Pipeline((Gray(), Resize(32, 32, "stretch")))
    exact, wild = (PartSource(lesions, LOOKS[:3], whole, INNER, recipe(amount)) for amount in (0.0, 0.3))

    first, again, other = (next(iter(wild.batches(parts_of(np.arange(3), 3), epoch)))[1].numpy() for epoch in (1, 1, 2))
    steady = next(iter(exact.batches(parts_of(np.arange(3), 3), 1)))[1].numpy()

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(steady.mean(axis=(1, 2, 3)), 0.25, atol=0.02)
    assert np.ptp(first.mean(axis=(1, 2, 3))) > 0.01


def test_a_part_ends_where_the_scan_does() -> None:
    shown = Box(20, 10, 40, 40)

    part = found_part(look((22, 12, 20, 20)), shown, 3.0)

    assert part is not None
    assert part.edges == (20, 10, 60, 50)
    assert found_part(look(), shown, 3.0) is None


def test_boxes_go_astray_evenly_by_the_amount_asked_for() -> None:
    edges = (10.0, 20.0, 50.0, 40.0)
    drawn = np.array([astray(edges, 0.2, 0, 1, number) for number in range(4000)])
    middles = (drawn[:, :2] + drawn[:, 2:]) / 2
    sides = drawn[:, 2:] - drawn[:, :2]

    assert astray(edges, 0.0, 7) == pytest.approx(edges)
    np.testing.assert_allclose(middles.mean(axis=0), (30, 30), atol=0.5)
    # A standard deviation of a fifth of half a side.
    np.testing.assert_allclose(middles.std(axis=0), (4, 2), rtol=0.05)
    np.testing.assert_allclose(np.log(sides / (40, 20)).std(axis=0), 0.2, rtol=0.05)
