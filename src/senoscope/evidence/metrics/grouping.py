"""Which samples belong together."""

from collections.abc import Iterator

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


def multiplicities(kinds: NDArray[np.int64], *, replicates: int, seed: int, step: int) -> Iterator[NDArray[np.int32]]:
    """How often each group is drawn, with replacement, within each stratum as often as it has groups.

    Args:
        kinds: (G,) stratum of each group.
        replicates: bootstrap samples.
        seed: draws them.
        step: rows at once; another number of them draws others where there are several strata.

    Yields:
        (R, G), R at most `step`.
    """
    random = np.random.default_rng(seed)
    strata = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    for start in range(0, replicates, step):
        drawn = np.empty((min(step, replicates - start), len(kinds)), np.int32)
        for stratum in strata:
            shares = np.full(len(stratum), 1 / len(stratum))
            drawn[:, stratum] = random.multinomial(len(stratum), shares, size=len(drawn))
        yield drawn
