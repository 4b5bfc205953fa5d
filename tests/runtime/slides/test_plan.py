"""Grids over slides."""

from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import InputError, UnsupportedImageError, UsageError
from senoscope.core.io.slide import SlideReader
from senoscope.core.io.slide_tiff import TiffReader
from senoscope.runtime.slides.plan import Grid, Seen, cell_shares, judge_tiles, make_grid, tile_shares
from senoscope.runtime.slides.tissue import Tissue
from tests.makers import slide_file, tissue

PATCH = Size(50, 50)


def opened(folder: Path, width: int = 1600, height: int = 900, mpp: float | None = 0.5, levels: int = 3) -> SlideReader:
    return TiffReader(str(slide_file(folder / "slide.tif", tissue(width, height), mpp=mpp, levels=levels)))


def test_tiles_are_read_from_the_coarsest_level_that_is_fine_enough(tmp_path: Path) -> None:
    with opened(tmp_path) as reader:
        found = {microns: make_grid(reader, microns, PATCH) for microns in (0.5, 1.0, 1.9, 2.0, 8.0)}

    assert {microns: grid.level for microns, grid in found.items()} == {0.5: 0, 1.0: 1, 1.9: 2, 2.0: 2, 8.0: 2}
    assert found[8.0].scale == pytest.approx((4, 4))
    assert found[8.0].whole == Size(100, 57)
    assert found[8.0].shape == (2, 2)
    assert found[8.0].cell_area == pytest.approx(0.16)


def test_a_slide_must_say_its_resolution_and_be_fine_enough(tmp_path: Path) -> None:
    with opened(tmp_path) as reader:
        with pytest.raises(UnsupportedImageError, match=r"its pixels are 0\.5 µm"):
            make_grid(reader, 0.25, PATCH)
        with pytest.raises(UsageError, match="cannot start 3 times a side"):
            make_grid(reader, 8.0, PATCH, 3)
        reader.microns = None
        with pytest.raises(InputError) as caught:
            make_grid(reader, 8.0, PATCH)
    assert "--mpp" in caught.value.hint


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_tiles_cover_the_slide(tmp_path: Path, parts: int) -> None:
    with opened(tmp_path) as reader:
        grid = make_grid(reader, 2.0, PATCH, parts)

    rows, columns = grid.shape
    last = grid.box(rows - 1, columns - 1)
    assert last.edges[2] >= grid.whole.width > last.edges[2] - grid.step.width
    assert last.edges[3] >= grid.whole.height > last.edges[3] - grid.step.height
    assert grid.cells == (rows + parts - 1, columns + parts - 1)


def test_blocks_hold_every_waiting_tile_once_row_by_row(tmp_path: Path) -> None:
    with opened(tmp_path, 3000, 2000) as reader:
        grid = make_grid(reader, 1.0, Size(16, 16))
    waiting = np.random.default_rng(0).random(grid.shape) < 0.3

    found = list(grid.blocks(waiting))
    later = list(grid.blocks(waiting, grid.block[0]))

    tiles = [tile for _, block in found for tile in block]
    assert sorted(tiles) == [(int(row), int(column)) for row, column in np.argwhere(waiting)]
    assert [top for top, _ in found] == sorted(top for top, _ in found)
    assert all(top <= row < top + grid.block[0] for top, block in found for row, _ in block)
    assert later == [one for one in found if one[0] >= grid.block[0]]
    assert max(len(block) for _, block in found) <= 128


def test_blocks_end_where_the_files_tiles_do(tmp_path: Path) -> None:
    with opened(tmp_path, 1600, 900) as reader:  # tiles of 64 pixels
        assert make_grid(reader, 0.5, Size(16, 16)).block == (8, 8)
        assert make_grid(reader, 0.5, Size(64, 128)).block[0] in range(1, 12)
        assert make_grid(reader, 0.5, Size(48, 48)).block == (8, 8)


def grid_of(shape: tuple[int, int], whole: Size, parts: int = 1) -> Grid:
    return Grid(0, (1.0, 1.0), 8.0, whole, Size(10, 10), parts, shape, (4, 4))


@pytest.mark.parametrize("parts", [1, 2])
def test_shares_are_those_of_the_mask(parts: int) -> None:
    random = np.random.default_rng(1)
    mask = random.random((60, 80)) < 0.5
    grid = grid_of((6 * parts - parts + 1, 8 * parts - parts + 1), Size(80, 60), parts)

    found, cells = tile_shares(grid, mask), cell_shares(grid, mask)

    step = 10 // parts
    expected = [
        [mask[r * step : r * step + 10, c * step : c * step + 10].mean() for c in range(found.shape[1])]
        for r in range(found.shape[0])
    ]
    assert np.allclose(found, expected, atol=1e-6)
    assert float(cells.sum()) * step * step == pytest.approx(mask.sum())


def test_shares_beyond_the_slide_count_as_nothing() -> None:
    found = tile_shares(grid_of((2, 3), Size(25, 15)), np.ones((15, 25), bool))

    assert np.allclose(found, [[1, 1, 0.5], [0.5, 0.5, 0.25]])


def test_shares_of_a_small_mask_are_between_its_pixels() -> None:
    mask = np.zeros((3, 4), bool)
    mask[:, 2:] = True

    assert np.allclose(tile_shares(grid_of((3, 8), Size(80, 30)), mask), [[0, 0, 0, 0, 1, 1, 1, 1]] * 3, atol=1e-6)


def test_what_tiles_are_asked_about() -> None:
    stained, ink = np.zeros((30, 40), bool), np.zeros((30, 40), bool)
    stained[:10, :10] = True
    stained[:2, 10:20] = True
    stained[10:20, :10] = True
    ink[10:13, :10] = True
    stained[10:13] = False
    ink[20:30, 30:40] = True
    picture = np.zeros((30, 40, 3), np.uint8)

    found = judge_tiles(grid_of((3, 4), Size(40, 30)), Tissue(picture, stained, ink))

    assert found.tolist() == [
        [Seen.WAITING, Seen.GLASS, Seen.GLASS, Seen.GLASS],
        [Seen.PEN, Seen.GLASS, Seen.GLASS, Seen.GLASS],
        [Seen.GLASS, Seen.GLASS, Seen.GLASS, Seen.PEN],
    ]
