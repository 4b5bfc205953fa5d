"""Pictures of fine-tuning: prepared as the pipeline says, held within bounds, the same by any way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.errors import InputError
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Resize
from senoscope.learning.data import pictures as picturing
from senoscope.learning.data.jitter import apply, draw
from senoscope.learning.data.pictures import HELD, Pictures, PictureSource, Shelf, stacked
from senoscope.learning.data.source import parts_of
from tests.makers.tissue_sets import tissue

PIPELINE = Pipeline((Resize(40, 40),))
SIZE = 3 * 40 * 40


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(11):
        Pil.fromarray(tissue(seed, 50, 44)).save(folder / f"{seed:02d}.png")
    paths = sorted(folder.iterdir())
    return Pictures(paths, PIPELINE, np.zeros(len(paths), np.int64))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files as they are read."""
    found: list[Path] = []

    def reading(path: Path) -> object:
        found.append(path)
        return read(path)

    monkeypatch.setattr(picturing, "read", reading)
    return found


def all_of(pictures: Pictures) -> torch.Tensor:
    parts = parts_of(np.arange(len(pictures.paths)), 4)
    return torch.cat(list(PictureSource(pictures, JitterRecipe(), 0).batches(parts, None)))


def test_pictures_are_prepared_as_the_pipeline_says(pictures: Pictures) -> None:
    found = all_of(pictures)

    expected = np.stack([PIPELINE.apply(read(path)).array for path in pictures.paths])
    assert found.shape == (11, 3, 40, 40)
    assert stacked(list(found)).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(stacked(list(found)), found)
    assert np.abs(found.numpy() * 255 - expected).max() <= 0.5 + 1e-4


def test_what_fits_is_read_once(pictures: Pictures, opened: list[Path]) -> None:
    source, parts = PictureSource(pictures, JitterRecipe(), 0), parts_of(np.arange(11), 4)

    first, second = (torch.cat(list(source.batches(parts, None))) for _ in range(2))

    assert sorted(opened) == list(pictures.paths)
    assert torch.equal(first, second)


def test_what_does_not_fit_is_read_again(pictures: Pictures, opened: list[Path]) -> None:
    shelf = Shelf(pictures, held=4 * SIZE)
    assert HELD > 4 * SIZE

    first, second = (torch.stack([shelf.get(place) for place in range(11)]) for _ in range(2))

    assert len(opened) == 11 + 7
    assert torch.equal(first, second)


def test_changes_depend_on_seed_and_place_alone(pictures: Pictures) -> None:
    rows, asked = np.array([3, 3, 7, 0, 10]), JitterRecipe(stain=0.2)

    small, large = (
        torch.cat(list(PictureSource(pictures, asked, 9).batches(parts_of(rows, size), 2))) for size in (2, 5)
    )

    assert torch.equal(small, large)
    assert not torch.equal(small[0], small[1])  # one picture drawn twice is changed twice
    expected = apply(draw(asked, 9, 2, 2), Shelf(pictures).get(7))
    assert torch.equal(small[2], expected)


def test_a_file_that_cannot_be_read_says_so(pictures: Pictures, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    broken = Pictures([*pictures.paths, tmp_path / "broken.png"], PIPELINE, np.zeros(12, np.int64))

    with pytest.raises(InputError, match=r"broken\.png"):
        all_of(broken)
