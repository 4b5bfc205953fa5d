from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil
from PIL import ImageFilter

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.errors import DatasetError, InputError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.lesions import mask_box, true_mask
from senoscope.evidence.index import Sample
from tests.makers import oval


@pytest.mark.parametrize("kind", ["bits", "grey", "deep", "colour"])
def test_the_box_is_the_smallest_around_the_mask(tmp_path: Path, kind: str) -> None:
    marked = np.zeros((40, 60), np.bool_)
    marked[5:9, 10:30] = marked[20, 50] = True
    pixels = {
        "bits": marked,
        "grey": marked.astype(np.uint8) * 255,
        "deep": marked.astype(np.uint16) * 65535,
        "colour": np.repeat(marked[..., None], 3, axis=2).astype(np.uint8) * 255,
    }[kind]
    Pil.fromarray(pixels).save(tmp_path / "mask.png")

    assert mask_box(tmp_path / "mask.png") == Box(10, 5, 41, 16)


def test_an_empty_mask_has_no_box(tmp_path: Path) -> None:
    Pil.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / "mask.png")

    assert mask_box(tmp_path / "mask.png") is None


def test_faint_traces_of_compression_do_not_count(tmp_path: Path) -> None:
    pixels = np.full((40, 60), 30, np.uint8)
    pixels[10:20, 10:20] = 250
    Pil.fromarray(pixels).save(tmp_path / "mask.png")

    assert mask_box(tmp_path / "mask.png") == Box(10, 10, 10, 10)


def test_a_damaged_mask_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"no")

    with pytest.raises(InputError):
        mask_box(tmp_path / "mask.png")


def sample(*masks: str) -> Sample:
    return Sample("a", "", "a", "a.png", "lesion", masks=masks)


def test_all_masks_of_a_picture_count_together(tmp_path: Path) -> None:
    first, second = oval(60, 40, (5, 5, 20, 10)), oval(60, 40, (20, 8, 30, 20))
    for name, mask in (("1.png", first), ("2.png", second)):
        Pil.fromarray(mask).save(tmp_path / name)

    found = true_mask(sample("1.png", "2.png"), tmp_path, Size(60, 40))

    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, first | second)


def test_without_a_mask_nothing_is_marked(tmp_path: Path) -> None:
    found = true_mask(sample(), tmp_path, Size(60, 40))

    assert found.shape == (40, 60)
    assert not found.any()


def test_edges_that_fade_out_in_grey_fall_in_the_middle(tmp_path: Path) -> None:
    sharp = oval(80, 60, (20, 15, 40, 30))
    blurred = Pil.fromarray(sharp.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(2))
    blurred.save(tmp_path / "mask.png")
    assert len(np.unique(np.asarray(blurred))) > 50

    found = true_mask(sample("mask.png"), tmp_path, Size(80, 60))

    assert (found ^ sharp).sum() < 0.05 * sharp.sum()


def test_a_mask_of_another_size_is_an_error(tmp_path: Path) -> None:
    Pil.fromarray(oval(60, 40, (5, 5, 20, 10))).save(tmp_path / "mask.png")

    with pytest.raises(
        DatasetError, match=r"mask\.png: a mask of another size: 60×40, where its picture is 40×60"
    ) as caught:
        true_mask(sample("mask.png"), tmp_path, Size(40, 60))
    assert "one size" in caught.value.hint


@pytest.mark.parametrize("name", ["busi", "bus_bra"])
def test_masks_say_what_labels_say(data_root: Path, name: str) -> None:
    task = TASKS.get("ultrasound_outline")
    index = DATASETS.get(name).samples_for(task, data_root)

    for one in index.samples[::25]:
        with Pil.open(index.root / one.path) as picture:
            size = Size(*picture.size)
        assert true_mask(one, index.root, size).any() == (one.label == task.positive)
