"""Masks in which every pixel has a number: what each is, as a label of a task."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import DatasetError
from senoscope.core.io import read

UNNAMED = 255
"""Number of pixels that have no label: they teach nothing and count for nothing."""


def numbering(codes: Mapping[int, str], labels: tuple[str, ...]) -> NDArray[np.uint8]:
    """(256,) position among a task's labels of each number a mask may hold, `UNNAMED` where it means none.

    Args:
        codes: the publisher's numbers, 0 to 255, and the label each stands for.
        labels: of the task, at most 255.

    Raises:
        DatasetError: a number stands for a label that the task does not have, or for none that a mask can hold.
    """
    table = np.full(256, UNNAMED, np.uint8)
    for code, label in codes.items():
        if label not in labels or not 0 <= code <= 255:
            raise DatasetError(f"code {code} stands for {label!r}, which the task does not have", "mend the adapter")
        table[code] = labels.index(label)
    return table


def named_pixels(path: Path, size: Size, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) position among the task's labels of every pixel of a mask file, `UNNAMED` where it has none.

    Args:
        path: grey picture of 8 bits whose levels are the publisher's numbers.
        size: of the picture it belongs to.
        table: from `numbering`.

    Raises:
        DatasetError: the mask is of another size, in colour or not of 8 bits.
        InputError: it cannot be read.
    """
    image = read(path)
    if image.size != size:
        raise DatasetError(
            f"{path.name}: a mask of another size: {image.size}, where its picture is {size}",
            "mask and picture must be of one size; leave the sample out, or fetch both again",
        )
    if image.pixels.ndim != 2 or image.pixels.dtype != np.uint8:
        raise DatasetError(f"{path.name}: a mask of numbers must be grey, of 8 bits", "save it as the publisher does")
    found: NDArray[np.uint8] = table[image.pixels]
    return found
