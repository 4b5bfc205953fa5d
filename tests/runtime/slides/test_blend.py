"""Masks of tiles in one map: without seams, resumable, in bounded memory."""

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import RunError, UnsupportedImageError
from senoscope.core.io.slide import Rgb, SlideReader, open_slide
from senoscope.runtime.slides.blend import NONE, MaskSheet, by_rows, fill, forget, stripes
from senoscope.runtime.slides.plan import Grid, Seen, make_grid
from senoscope.runtime.slides.tiles import Masks
from tests.makers import slide_file, tissue

WIDTH, HEIGHT = 330, 270


class Smooth:
    """A segmenter whose answer at a pixel is the mean of what is around it, wrong where a tile ends."""

    identity, microns, patch = "smooth", 2.0, Size(64, 64)

    def __init__(self, classes: int = 1, stop: int = 10_000) -> None:
        self.classes, self.left = classes, stop

    def prepare(self, tile: Rgb) -> NDArray[np.float32]:
        grey: NDArray[np.float32] = tile.astype(np.float32).mean(axis=2) / 255
        return grey

    def answer(self, batch: NDArray[np.float32]) -> Masks:
        if self.left <= 0:
            raise KeyboardInterrupt
        self.left -= len(batch)
        return Masks(np.stack([self.masks(tile) for tile in batch]), np.zeros(len(batch), bool))

    def masks(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        soft: NDArray[np.float32] = ndimage.uniform_filter(grey, 9, mode="constant")
        if self.classes == 1:
            return soft[None]
        return np.stack([1 - soft, soft, 0.4 * np.ones_like(soft)])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[SlideReader]:
    with open_slide(slide_file(tmp_path / "slide.tif", tissue(WIDTH, HEIGHT), mpp=2.0, levels=1)) as opened:
        yield opened


def waiting(grid: Grid) -> NDArray[np.uint8]:
    return np.full(grid.shape, Seen.WAITING, np.uint8)


def whole_map(reader: SlideReader, model: Smooth, parts: int, path: Path) -> NDArray[np.uint8]:
    grid = by_rows(make_grid(reader, model.microns, model.patch, parts))
    fill(reader, grid, model, model.classes, waiting(grid), path, model.identity, batch=3)
    return np.fromfile(path, np.uint8).reshape(grid.whole.height, grid.whole.width)


def untiled(reader: SlideReader, model: Smooth) -> NDArray[np.float32]:
    return model.masks(model.prepare(reader.thumbnail(1000)))


def test_blended_masks_are_the_untiled_one_without_seams(reader: SlideReader, tmp_path: Path) -> None:
    expected = untiled(reader, Smooth())[0] * 254
    inside = (slice(8, HEIGHT - 8), slice(8, WIDTH - 8))

    found = {parts: whole_map(reader, Smooth(), parts, tmp_path / f"{parts}") for parts in (1, 2, 4)}

    errors = {parts: np.abs(found[parts].astype(float) - expected)[inside] for parts in found}
    assert errors[1].max() > 100  # side by side, the edges of tiles show
    assert errors[2].max() <= 1  # the map's own steps
    assert errors[4].max() <= 1


def test_several_classes_are_coded_by_the_likeliest(reader: SlideReader, tmp_path: Path) -> None:
    model = Smooth(classes=3)
    expected = untiled(reader, model).argmax(axis=0)

    found = whole_map(reader, model, 4, tmp_path / "map")

    assert set(np.unique(found)) <= {0, 1, 2}
    assert (found == expected)[8:-8, 8:-8].mean() > 0.999


def test_what_was_not_asked_has_no_answer(reader: SlideReader, tmp_path: Path) -> None:
    model, path = Smooth(), tmp_path / "map"
    grid = by_rows(make_grid(reader, model.microns, model.patch, 1))
    seen = waiting(grid)
    seen[1] = Seen.GLASS
    seen[2, 2] = Seen.PEN

    became = fill(reader, grid, model, 1, seen, path, "a")

    assert np.array_equal(became[seen != Seen.WAITING], seen[seen != Seen.WAITING])
    assert (became[seen == Seen.WAITING] == Seen.ANSWERED).all()
    found = np.fromfile(path, np.uint8).reshape(grid.whole.height, grid.whole.width)
    assert (found[64:128] == NONE).all()
    assert (found[128:192, 128:192] == NONE).all()
    assert (found[:64] != NONE).all()
    forget(path)
    assert sorted(path.parent.glob(".map*")) == []


@pytest.mark.parametrize("stop", [5, 20, 31, 44])
def test_a_run_that_stopped_goes_on_to_the_same_map(
    reader: SlideReader, tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("senoscope.runtime.slides.loop.KEEP_EVERY", 0.0)
    expected = whole_map(reader, Smooth(), 2, tmp_path / "whole")

    with pytest.raises(KeyboardInterrupt):
        whole_map(reader, Smooth(stop=stop), 2, tmp_path / "parts")
    rest = Smooth()
    found = whole_map(reader, rest, 2, tmp_path / "parts")

    assert np.array_equal(found, expected)
    if stop > 30:
        assert 10_000 - rest.left < 80


def test_a_map_of_something_else_is_begun_anew(reader: SlideReader, tmp_path: Path) -> None:
    model, path = Smooth(), tmp_path / "map"
    grid = by_rows(make_grid(reader, model.microns, model.patch, 2))
    with MaskSheet(grid, waiting(grid), 1, path, "one") as first:
        first.finish(2)

    with MaskSheet(grid, waiting(grid), 1, path, "one") as same:
        assert same.rows == 1
    with MaskSheet(grid, waiting(grid), 1, path, "other") as other:
        assert other.rows == 0


def test_a_full_disk_is_met_before_the_work(
    reader: SlideReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    grid = by_rows(make_grid(reader, 2.0, Size(64, 64)))

    with pytest.raises(RunError, match="No space left"):
        MaskSheet(grid, waiting(grid), 1, tmp_path / "map", "a")


def test_a_disk_that_fills_up_while_stitching_keeps_what_a_second_run_needs(
    reader: SlideReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, path, written = whole_map(reader, Smooth(), 2, tmp_path / "whole"), tmp_path / "parts", os.pwrite

    def full(file: int, content: bytes, at: int) -> int:
        if at > WIDTH * HEIGHT // 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(file, content, at)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(RunError, match="cannot be written: No space left") as caught:
            whole_map(reader, Smooth(), 2, path)

    assert "make room" in caught.value.hint
    assert np.array_equal(whole_map(reader, Smooth(), 2, path), expected)


def test_a_wide_slide_is_answered_in_stripes_to_the_same_map(
    reader: SlideReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {parts: whole_map(reader, Smooth(3), parts, tmp_path / f"whole{parts}") for parts in (1, 2, 4)}
    monkeypatch.setattr("senoscope.runtime.slides.blend.LARGEST_BAND", 4 * 4 * 64 * 190)

    for parts, whole in expected.items():
        grid = by_rows(make_grid(reader, 2.0, Size(64, 64), parts))
        cut = stripes(grid, 3)
        assert len(cut) > 1
        assert all(part.cells[1] * part.step.width <= 190 for part in cut)
        assert np.array_equal(whole_map(reader, Smooth(3), parts, tmp_path / f"stripes{parts}"), whole)


@pytest.mark.parametrize("stop", [3, 12, 31, 44, 58])
def test_stripes_that_stopped_go_on_where_they_were(
    reader: SlideReader, tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("senoscope.runtime.slides.loop.KEEP_EVERY", 0.0)
    expected = whole_map(reader, Smooth(), 2, tmp_path / "whole")
    monkeypatch.setattr("senoscope.runtime.slides.blend.LARGEST_BAND", 4 * 2 * 64 * 190)
    told: list[tuple[int, int]] = []

    with pytest.raises(KeyboardInterrupt):
        whole_map(reader, Smooth(stop=stop), 2, tmp_path / "parts")
    grid, rest = by_rows(make_grid(reader, 2.0, Size(64, 64), 2)), Smooth()
    fill(reader, grid, rest, 1, waiting(grid), tmp_path / "parts", "smooth", progress=lambda *given: told.append(given))

    assert np.array_equal(np.fromfile(tmp_path / "parts", np.uint8).reshape(expected.shape), expected)
    assert told[-1][0] == told[-1][1] >= grid.shape[0] * grid.shape[1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert 10_000 - rest.left <= told[-1][1] - stop + 4 * grid.shape[1]  # a row begun anew in either stripe
    assert len(list(tmp_path.glob(".parts.*"))) == len(stripes(grid, 1))
    forget(tmp_path / "parts")
    assert len(list(tmp_path.glob(".*"))) == 1  # of the map that is whole


def test_another_map_forgets_the_stripes_of_the_one_before(
    reader: SlideReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("senoscope.runtime.slides.blend.LARGEST_BAND", 4 * 2 * 64 * 190)
    grid, path = by_rows(make_grid(reader, 2.0, Size(64, 64), 2)), tmp_path / "map"
    first, second, *_ = stripes(grid, 1)
    for part in (first, second):
        with MaskSheet(part, waiting(part), 1, path, "one") as sheet:
            sheet.finish(part.shape[0])

    with MaskSheet(second, waiting(second), 1, path, "one") as same:
        assert same.rows == second.shape[0]
    with MaskSheet(first, waiting(first), 1, path, "other") as other:
        assert other.rows == 0
    with MaskSheet(second, waiting(second), 1, path, "one") as gone:
        assert gone.rows == 0


def test_tiles_that_do_not_fit_into_memory_are_refused() -> None:
    grid = Grid(0, (1.0, 1.0), 0.25, Size(400_000, 1024), Size(8192, 8192), 2, (1, 97), (1, 4))

    # Of this slide alone: others of the same request may be narrower.
    with pytest.raises(UnsupportedImageError, match="too large for 21 labels"):
        stripes(grid, 21)


@pytest.mark.parametrize("fit", range(1, 40))
@pytest.mark.parametrize("parts", [1, 2, 4, 8])
def test_stripes_are_of_different_places_and_cover_the_slide(
    monkeypatch: pytest.MonkeyPatch, parts: int, fit: int
) -> None:
    grid = Grid(0, (1.0, 1.0), 0.25, Size(640, 64), Size(64, 64), parts, (1, 9 * parts + 1), (1, 4))
    monkeypatch.setattr("senoscope.runtime.slides.blend.LARGEST_BAND", 4 * 2 * 64 * fit * grid.step.width)

    try:
        found = stripes(grid, 1)
    except UnsupportedImageError:
        assert fit <= 3 * (parts - 1)
        return
    assert all(part.cells[1] <= fit for part in found) or len(found) == 1
    lefts = [part.left for part in found]
    assert lefts == sorted(set(lefts))
    assert found[-1].left + found[-1].shape[1] == grid.columns == grid.shape[1]
    for before, after in itertools.pairwise(found):
        assert before.left + before.shape[1] == after.left + parts - 1
