"""Masks of lesions, as boxes."""

from pathlib import Path

import numpy as np

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.io import read
from senoscope.core.preprocess.steps import Gray


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
    marked = Gray().apply(image.pixels) >= image.maximum / 2
    columns, rows = np.flatnonzero(marked.any(axis=0)), np.flatnonzero(marked.any(axis=1))
    if not len(columns):
        return None
    left, top = int(columns[0]), int(rows[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)
