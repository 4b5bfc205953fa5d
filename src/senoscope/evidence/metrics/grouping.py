"""Which samples belong together."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from senoscope.core.errors import DatasetError


def grouped(groups: ArrayLike, count: int) -> NDArray[np.int64]:
    """Number groups from 0 on, in the order of their given numbers.

    Args:
        groups: (N,) integers.
        count: N.

    Raises:
        DatasetError: there is not one integer a label.
    """
    given = np.asarray(groups)
    if given.shape != (count,) or not np.issubdtype(given.dtype, np.integer):
        raise DatasetError(
            f"groups {given.shape} of {given.dtype} do not fit {count} labels", "give one integer a label"
        )
    return np.unique(given, return_inverse=True)[1].astype(np.int64).reshape(-1)
