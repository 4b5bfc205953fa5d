"""Where an ultrasound picture lies within the flat margins that were put around it."""

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Pixels

FLAT = 0.025
"""Of the picture's own range of grey levels: a line whose levels differ by no more shows nothing; compression leaves
as much in a margin of one colour."""

STRAY = (2, 98)
"""Percentiles between which a line's levels are compared, so that a speck does not make a picture of it."""

SEEN = 512
"""Pixels of a line that are looked at, evenly spaced, and at most twice as many: the work is bounded by it."""

LEAST = 0.25
"""Share of a side below which what is left is none, and the side is kept whole."""


def scan_box(pixels: Pixels) -> Box:
    """The smallest box around what a picture shows: rows and columns of one grey level are cut from its edges.

    Devices and publishers put bars of any grey around a scan; a network that never saw them takes them for tissue. What
    hardly leaves anything is not done: of a picture that is flat all over, all of it is the box.

    Args:
        pixels: (H, W) or (H, W, 3), any dtype; only differences of grey levels count.
    """
    grey = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    span = float(grey.max()) - float(grey.min())
    bound = FLAT * span if np.isfinite(span) else 0.0
    left, right = _kept(grey.T, bound)
    top, bottom = _kept(grey[:, left:right], bound)
    return Box(left, top, right - left, bottom - top)


def _kept(lines: NDArray[np.generic], bound: float) -> tuple[int, int]:
    """First line that shows something, and the one behind the last; all lines where these are too few."""
    count = len(lines)
    first = _flat(lines, bound)
    if first == count:
        return 0, count
    last = count - _flat(lines[::-1], bound)
    return (first, last) if last - first >= LEAST * count else (0, count)


def _flat(lines: NDArray[np.generic], bound: float) -> int:
    """How many lines from the first one on are of one grey level."""
    step = max(1, lines.shape[1] // SEEN)
    for number, line in enumerate(lines):
        low, high = np.percentile(line[::step].astype(np.float32), STRAY)
        if high - low > bound:
            return number
    return len(lines)
