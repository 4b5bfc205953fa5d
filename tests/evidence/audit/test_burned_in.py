from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw

from senoscope.core.domain.image import Image
from senoscope.core.io import read
from senoscope.evidence.audit.burned_in import marks
from senoscope.evidence.datasets import DATASETS
from tests.makers import colour, ultrasound

MARKED = {
    "benign": (141, 181, 202, 240, 243, 244, 248, 261, 265, 290, 297, 298, 393, 436),
    "malignant": (45, 64, 76, 80, 114, 163, 198),
}
UNMARKED = {
    "benign": (27, 40, 55, 77, 106, 110, 135, 159, 171, 173, 191, 193, 312, 329, 340, 365),
    "malignant": (22, 24, 39, 47, 49, 59, 87, 141, 160, 184, 202, 203),
    "normal": (2, 7, 14, 21, 35, 38, 48, 59, 64, 101, 112),
}
"""Pictures of BUSI that were looked at one by one, none of which the limits were chosen on: numbers by label."""


def drawn(seed: int, act: str, size: tuple[int, int] = (320, 256)) -> NDArray[np.uint8]:
    """An ultrasound with something drawn on it: `text`, `crosses` or nothing."""
    picture = Pil.fromarray(ultrasound(seed, size))
    pen = ImageDraw.Draw(picture)
    if act == "text":
        pen.text((size[0] // 2, size[1] - 30), "RIGHT LOQ 12H", fill=235)
    if act == "crosses":
        for x, y in ((100, 90), (220, 120)):
            pen.line((x - 5, y, x + 5, y), fill=240, width=2)
            pen.line((x, y - 5, x, y + 5), fill=240, width=2)
    return np.asarray(picture)


def found(pixels: NDArray[np.uint8]) -> tuple[str, ...]:
    result = marks(Image(pixels, 255))
    assert result is not None
    return result.kinds


@pytest.mark.parametrize("seed", range(6))
def test_text_and_crosses_are_told_apart_and_from_tissue(seed: int) -> None:
    assert found(drawn(seed, "")) == ()
    assert found(drawn(seed, "text")) == ("text",)
    assert "callipers" in found(drawn(seed, "crosses"))


def test_the_corner_is_not_looked_at() -> None:
    pixels = drawn(1, "").copy()
    pixels[2:14, 5:7] = 250

    assert found(pixels) == ()
    assert found(np.roll(pixels, 120, axis=1)) == ("text",)


def test_coloured_marks_are_seen_in_grey_pictures_alone() -> None:
    pixels = np.stack([drawn(2, "")] * 3, axis=2)
    pixels[100:120, 100:120] = (220, 40, 20)

    assert found(pixels) == ("colour",)
    assert marks(Image(colour(64, 64), 255)) is None


def test_matrices_are_not_judged() -> None:
    assert marks(Image(np.full((40, 40), 30, np.float32), 50)) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (6, 6), (40, 7)])
def test_tiny_pictures_have_no_marks(shape: tuple[int, int]) -> None:
    assert found(np.full(shape, 200, np.uint8)) == ()


def test_depth_does_not_matter() -> None:
    pixels = drawn(3, "text")
    deep = marks(Image(pixels.astype(np.uint16) * 257, 65535))

    assert deep == marks(Image(pixels, 255))


def test_real_pictures_that_were_looked_at(data_root: Path) -> None:
    index = DATASETS.get("busi").index(data_root)
    paths = {sample.sample_id: index.root / sample.path for sample in index.samples}

    def alarms(numbers: dict[str, tuple[int, ...]]) -> list[bool]:
        names = [f"{label} ({number})" for label, several in numbers.items() for number in several]
        return [bool(result.kinds) for name in names if (result := marks(read(paths[name])))]

    hits, false = alarms(MARKED), alarms(UNMARKED)
    assert (len(hits), len(false)) == (21, 39)
    assert sum(hits) >= 18
    assert sum(false) <= 1
