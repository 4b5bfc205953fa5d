from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import InputError
from senoscope.evidence.datasets.lesions import mask_box


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
