"""Regions are cut into squares without losing or doubling a pixel."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.codes import UNNAMED, named_pixels, numbering
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.tiles import Tiles, cut, side_of, squares

LABELS = ("none", "tumor", "stroma")
TABLE = numbering({1: "tumor", 2: "stroma"}, LABELS)


@pytest.mark.parametrize(
    ("width", "height", "side"),
    [(1, 1, 1), (1, 9, 4), (100, 70, 32), (64, 64, 64), (65, 63, 64), (300, 299, 7), (50, 20, 120), (128, 64, 32)],
)
def test_every_pixel_is_of_one_square(width: int, height: int, side: int) -> None:
    owned, seen = np.zeros((height, width), np.int64), np.zeros((height, width), np.int64)
    for box, own in squares(Size(width, height), side):
        left, top, right, bottom = box.edges
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (box.width, box.height) == (min(side, width), min(side, height))
        seen[top:bottom, left:right] += 1
        inner = own.edges
        assert left <= inner[0]
        assert top <= inner[1]
        assert inner[2:] == (right, bottom)
        owned[inner[1] : inner[3], inner[0] : inner[2]] += 1

    assert (owned == 1).all()
    assert (seen >= 1).all()


def regions(folder: Path, count: int = 2) -> Index:
    """Regions of 100 × 70 pixels whose left half alone has labels."""
    samples = []
    for number in range(count):
        random = np.random.default_rng(number)
        codes = random.integers(1, 3, (70, 100)).astype(np.uint8)
        codes[:, 50:] = 0
        Pil.fromarray(random.integers(0, 255, (70, 100, 3), np.uint8)).save(folder / f"{number}.png")
        Pil.fromarray(codes).save(folder / f"{number}_codes.png")
        samples.append(Sample(f"r{number}", "", f"g{number}", f"{number}.png", "tissue", (f"{number}_codes.png",)))
    return Index("bcss", folder, tuple(samples))


def test_squares_are_parts_of_their_region(tmp_path: Path) -> None:
    index = regions(tmp_path)

    found = cut(index, TABLE, 32, None, tmp_path / "kept")

    total = 0
    for sample, owner in zip(found.index.samples, found.owner, strict=True):
        region = found.regions.samples[owner]
        assert sample.group == region.group
        x, y = (int(part[1:]) for part in Path(sample.path).stem.split("_"))
        whole = np.asarray(Pil.open(tmp_path / region.path))
        part = np.asarray(Pil.open(found.index.root / sample.path))
        np.testing.assert_array_equal(part, whole[y : y + 32, x : x + 32])
        codes = np.asarray(Pil.open(found.index.root / sample.masks[0]))
        truth = named_pixels(tmp_path / region.masks[0], Size(100, 70), TABLE)[y : y + 32, x : x + 32]
        assert ((codes == truth) | (codes == UNNAMED)).all()
        total += int((codes != UNNAMED).sum())
    assert total == 2 * 70 * 50
    # Squares of the right half, without a label, are not kept.
    assert max(int(Path(sample.path).stem[1:7]) for sample in found.index.samples) < 50


def test_what_was_cut_is_taken_again_and_other_masks_are_not(tmp_path: Path) -> None:
    index = regions(tmp_path)
    kept = tmp_path / "kept"
    first = cut(index, TABLE, 32, None, kept)
    made = {path: path.stat().st_mtime_ns for path in kept.rglob("*.png")}

    again = cut(index, TABLE, 32, None, kept)

    assert again.index == first.index
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*.png")} == made
    Pil.fromarray(np.ones((70, 100), np.uint8)).save(tmp_path / "0_codes.png")
    other = cut(index, TABLE, 32, None, kept)
    assert {sample.path for sample in other.index.samples[-6:]} < {sample.path for sample in first.index.samples}
    assert len(other.index) > len(first.index)


def test_pixels_of_another_size_make_squares_of_another_side(tmp_path: Path) -> None:
    sample = regions(tmp_path).samples[0]

    assert side_of(sample, 224, 0.25) == 224
    sample.facts["microns_per_pixel"] = "0.5000"
    assert side_of(sample, 224, 0.25) == 112
    assert side_of(sample, 224, None) == 224
    sample.facts["microns_per_pixel"] = "0.0"
    with pytest.raises(DatasetError, match="µm per pixel"):
        side_of(sample, 224, 0.25)


def test_regions_that_cannot_be_used_are_left_out_and_named(tmp_path: Path) -> None:
    index = regions(tmp_path, 4)
    Pil.fromarray(np.ones((10, 10), np.uint8)).save(tmp_path / "1_codes.png")
    (tmp_path / "2_codes.png").write_bytes(b"no picture")
    Pil.fromarray(np.ones((70, 100, 3), np.uint8)).save(tmp_path / "3_codes.png")

    found: Tiles = cut(index, TABLE, 32, None, tmp_path / "kept")

    assert [sample.sample_id for sample in found.regions.samples] == ["r0"]
    reasons = [item.reason for item in found.index.dropped]
    assert ["another size" in reasons[0], "grey" in reasons[2]] == [True, True]
    assert len(reasons) == 3
    with pytest.raises(DatasetError, match="no mask to learn from"):
        cut(index.take([1, 2]), TABLE, 32, None, tmp_path / "kept")


def test_a_code_without_a_label_of_the_task_is_the_adapters_mistake() -> None:
    with pytest.raises(DatasetError, match="code 5 stands for 'nerve'"):
        numbering({5: "nerve"}, LABELS)


def test_a_region_of_sixteen_bits_is_left_out_and_leaves_no_squares_behind(tmp_path: Path) -> None:
    index = regions(tmp_path)
    tifffile.imwrite(tmp_path / "deep.tif", np.full((70, 100, 3), 900, np.uint16), photometric="rgb")
    deep = replace(index.samples[0], sample_id="deep", path="deep.tif")

    found = cut(replace(index, samples=(*index.samples, deep)), TABLE, 32, None, tmp_path / "kept")

    assert len(found.regions) == 2
    assert [one.path for one in found.regions.dropped] == ["deep.tif"]
    assert not list((tmp_path / "kept").glob("cutting-*"))


def test_a_disk_that_fills_up_leaves_no_squares_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = regions(tmp_path)
    save, saved = Pil.Image.save, list[str]()

    def full(self: Pil.Image, path: str, **options: Any) -> None:
        if len(saved) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(path)
        save(self, path, **options)

    monkeypatch.setattr(Pil.Image, "save", full)
    with pytest.raises(DatasetError, match="No space left"):
        cut(index, TABLE, 32, None, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []

    monkeypatch.undo()
    assert len(cut(index, TABLE, 32, None, tmp_path / "kept").regions) == 2
