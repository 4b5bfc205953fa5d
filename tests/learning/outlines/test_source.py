"""Pictures and masks are changed together."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.errors import DatasetError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.evidence.index import Index, Sample
from senoscope.learning.data.source import parts_of
from senoscope.learning.outlines.source import MarkedSource

PIPELINE = Pipeline((Gray(), Resize(64, 64)))


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Pictures that are as bright as their masks are marked."""
    samples = []
    for number in range(6):
        levels = np.zeros((80, 100), np.uint8)
        levels[10 + 5 * number : 40 + 5 * number, 20:70] = 255
        for name in ("picture", "mask"):
            Pil.fromarray(levels).save(tmp_path / f"{name}{number}.png")
        samples.append(Sample(str(number), "", str(number), f"picture{number}.png", "lesion", (f"mask{number}.png",)))
    return Index("busi", tmp_path, tuple(samples))


def test_geometry_is_one_and_light_is_the_pictures_alone(index: Index) -> None:
    source = MarkedSource(index, PIPELINE, JitterRecipe(crop=0.4, turn=True, light=0.0), 3)

    for images, marks in source.batches(parts_of(np.arange(6), 4), epoch=2):
        assert images.shape[1:] == (3, 64, 64)
        assert marks.shape[1:] == (1, 64, 64)
        np.testing.assert_allclose(images.numpy()[:, :1] / 255, marks.numpy(), atol=1e-6)
    lit = MarkedSource(index, PIPELINE, JitterRecipe(crop=0.4, turn=True, light=0.5), 3)
    plain, changed = (next(iter(each.batches(parts_of(np.arange(6), 6), epoch=2))) for each in (source, lit))
    np.testing.assert_array_equal(plain[1].numpy(), changed[1].numpy())
    assert not np.allclose(plain[0].numpy(), changed[0].numpy())


def test_epochs_differ_and_repeat_themselves(index: Index) -> None:
    jitter = JitterRecipe(crop=0.4)
    first, again, other = (
        next(iter(MarkedSource(index, PIPELINE, jitter, 0).batches(parts_of(np.arange(6), 6), epoch)))[1].numpy()
        for epoch in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_mask_of_another_size_is_refused(index: Index, tmp_path: Path) -> None:
    Pil.fromarray(np.zeros((10, 10), np.uint8)).save(tmp_path / "mask3.png")
    source = MarkedSource(index, PIPELINE, JitterRecipe(), 0)

    with pytest.raises(DatasetError, match="mask of another size"):
        list(source.batches(parts_of(np.arange(6), 2), None))
