"""Masks of lesions: where they are, and as boxes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.domain.image import Image
from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.core.preprocess.steps import Gray
from senoscope.evidence.index import Sample


def true_mask(sample: Sample, root: Path, size: Size) -> NDArray[np.bool_]:
    """Where the publisher marks a lesion in a picture: all its mask files together.

    A pixel is marked from half of full scale on, so that edges that fade out in grey fall where they are meant.

    Args:
        sample: the picture; without mask files nothing is marked.
        root: folder its paths are relative to.
        size: of the picture as stored.

    Returns:
        (H, W).

    Raises:
        DatasetError: a mask is of another size than the picture.
        InputError: a mask cannot be read.
    """
    found = np.zeros((size.height, size.width), np.bool_)
    for name in sample.masks:
        image = read(root / name)
        if image.size != size:
            raise DatasetError(
                f"{name}: a mask of another size: {image.size}, where its picture is {size}",
                "mask and picture must be of one size; leave the sample out, or fetch both again",
            )
        found |= _marked(image)
    return found


def mask_box(path: Path, size: Size | None = None) -> Box | None:
    """Smallest box around what a mask file marks, or None where it marks nothing.

    A mask of another `size` than asked for is none: in CBIS-DDSM some are the lesion's crop under the mask's name.
    A pixel is marked from half of full scale on, so that masks stored with lossy compression read as meant.

    Raises:
        InputError: the mask cannot be read.
    """
    image = read(path)
    if size is not None and image.size != size:
        return None
    marked = _marked(image)
    columns, rows = np.flatnonzero(marked.any(axis=0)), np.flatnonzero(marked.any(axis=1))
    if not len(columns):
        return None
    left, top = int(columns[0]), int(rows[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def _marked(mask: Image) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = Gray().apply(mask.pixels) >= mask.maximum / 2
    return found
