import numpy as np
import pytest

from senoscope.core.domain.image import Image
from senoscope.core.preprocess.heat import Torso
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Breast, Gray, Resize
from senoscope.core.tasks import TASKS
from senoscope.runtime.reading import Failure, prepare
from tests.makers import breasts


@pytest.mark.parametrize("body", [True, False])
def test_a_picture_without_the_body_that_was_sought_is_not_answered(body: bool) -> None:
    levels = breasts(1) if body else np.random.default_rng(0).normal(30, 3, (120, 160)).astype(np.float32)

    ready = prepare(Image(levels, 50.0), Pipeline((Gray(), Torso(), Resize(64, 64))), TASKS.get("thermography"))

    assert not isinstance(ready, Failure)
    assert [(flag.code, flag.severity) for flag in ready.seen] == ([] if body else [("no_body", "abstain")])


@pytest.mark.parametrize("breast", [True, False])
def test_a_picture_without_the_breast_that_was_sought_is_answered_with_a_warning(breast: bool) -> None:
    y, x = np.mgrid[0:200, 0:150]
    # A fine grid of lines varies enough to be no blank picture, and is too thin for a breast.
    shape = x**2 + (y - 100) ** 2 < 80**2 if breast else (x % 30 == 0) | (y % 30 == 0)
    film = np.where(shape, 160, 4).astype(np.uint8)

    ready = prepare(Image(film, 255.0), Pipeline((Gray(), Breast(), Resize(64, 64))), TASKS.get("mammography"))

    assert not isinstance(ready, Failure)
    assert [(flag.code, flag.severity) for flag in ready.seen] == ([] if breast else [("no_breast", "warning")])
