"""Logits become answers, also where a network has learnt nothing."""

from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.recipe import Recipe
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Resize
from senoscope.core.tasks import TASKS
from senoscope.evidence.index import Index, Sample
from senoscope.learning.boxes.calling import SURE, calling_of
from senoscope.learning.boxes.folds import Ground, Look
from senoscope.learning.models.weights import Backbone

COUNT = 40
TRUE = Box(10, 10, 20, 20)


def ground(backbone: Backbone, always: bool = False) -> Ground:
    samples = tuple(
        Sample(str(n), str(n), str(n), f"{n}.png", "lesion", boxes=(TRUE,))
        if always or n % 2
        else Sample(str(n), str(n), str(n), f"{n}.png", "tissue")
        for n in range(COUNT)
    )
    recipe = Recipe(name="x", task="lesions", dataset="busi")
    index = Index("busi", Path("/nowhere"), samples)
    return Ground(recipe, TASKS.get("lesions"), index, np.zeros(COUNT, np.int64), Pipeline((Resize(64, 64),)), backbone)


def looks(there: bool = True) -> list[Look]:
    """In every picture a box on the lesion's place, surer where there is one, and an unsure one elsewhere."""
    random = np.random.default_rng(0)
    rows = np.array([[10.0, 10, 20, 20], [40, 40, 10, 10]])
    made = []
    for number in range(COUNT):
        logits = np.array([random.normal(1.5 if number % 2 else -1.5, 1), -4.0])
        order = np.argsort(-logits)
        found = Look(rows[order], logits[order], float(logits.max()))
        made.append(found if there else Look(rows[:0], logits[:0], -9.0))
    return made


def test_scores_are_chances_of_being_right(backbone: Backbone) -> None:
    own = ground(backbone)

    found = calling_of(own, np.arange(COUNT), looks(), "forty")

    assert found.calibration is not None
    assert {point.name for point in found.operating_points} == {"screening", "balanced"}
    said = [found.said(look, own.recipe) for look in looks()]
    scores = np.concatenate([one.scores for one in said])
    assert scores.mean() == pytest.approx(found.box_calibration.prevalence, abs=0.05)
    strays = sum(one.shown for number, one in enumerate(said) if number % 2 == 0)
    assert strays / COUNT <= own.recipe.boxes.false_positives
    assert sum(one.called == bool(number % 2) for number, one in enumerate(said)) > 0.8 * COUNT
    assert all((one.shown > 0) == one.called for one in said)


def test_where_every_picture_has_a_lesion_its_boxes_tell(backbone: Backbone) -> None:
    own = ground(backbone, always=True)

    found = calling_of(own, np.arange(COUNT), looks(), "forty")

    assert found.calibration is None
    assert found.operating_points == ()
    for look in looks():
        one = found.said(look, own.recipe)
        assert one.probability == one.scores.max()
        assert one.called == (one.probability >= found.shown)


def test_boxes_that_are_all_wrong_have_the_chance_of_their_share(backbone: Backbone) -> None:
    own = ground(backbone)
    wrong = [Look(look.boxes + np.array([60.0, 0, 0, 0]), look.logits, look.surest) for look in looks()]

    found = calling_of(own, np.arange(COUNT), wrong, "forty")

    scores = found.said(wrong[1], own.recipe).scores
    assert (scores < 0.05).all()
    assert (np.diff(scores) <= 0).all()


def test_a_network_that_finds_nothing_shows_nothing(backbone: Backbone) -> None:
    own = ground(backbone)

    found = calling_of(own, np.arange(COUNT), looks(there=False), "forty")

    assert found.shown == pytest.approx(float(found.box_calibration.apply(np.array([SURE]))[0]))
    one = found.said(looks(there=False)[0], own.recipe)
    assert (one.shown, one.called, len(one.boxes)) == (0, False, 0)
