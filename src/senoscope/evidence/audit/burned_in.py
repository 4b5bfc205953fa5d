"""Text, callipers and coloured marks that a machine or a hand burned into a picture: a rough screen, no reading.

Echoes are smeared along the beam's width, tissue has no sharp ends, and film has grain; only a drawn stroke is narrow,
upright, equally bright from end to end and ends at once. The screen looks for such strokes; one that a level stroke
crosses in the middle is a calliper's cross, the others are letters, digits and body marks. Colour in a picture that is
grey elsewhere is a mark or a Doppler overlay. A picture that is coloured all over, such as stained tissue, and a matrix
of measured values are not judged: white clefts look like strokes, and nobody writes into a matrix.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.preprocess.steps import Gray

SIDES = (640, 320)
"""Longest sides the screen looks at; what is smaller is looked at as it is. Letters are 8 to 30 pixels high in one."""

REACH = 3
"""Pixels to either side that must be darker: a stroke is up to 5 wide."""

STEP = 50.0
"""Grey levels of 255 by which they must be darker."""

SHORTEST, LONGEST = 5, 40
"""Pixels along a stroke; tissue has longer ridges, and shorter ones everywhere."""

GAP = 3
"""Pixels that a crossing stroke may take out of one."""

EVEN = 0.16
"""Standard deviation of the levels along a stroke, as a share of their mean, up to which it is evenly bright."""

BRIGHT = 0.6
"""Share of the picture's brightest levels (percentile 99.5) from which on a stroke is bright."""

CORNER = 0.07
"""Share of the longest side, from each corner, that is not looked at: nearly every picture of a machine has the
probe's mark there."""

COLOURED, COLOURFUL = 0.0005, 0.3
"""Shares of coloured pixels from which on a picture has coloured marks, and is a colour picture."""

CHROMA = 40
"""Levels of 255 between the channels of a pixel from which on it is coloured; JPEG alone makes less."""


MOST = 150
"""Runs looked at in one picture, longest first: a page of text needs no count of its letters."""


@dataclass(frozen=True)
class Marks:
    """What the screen found in one picture.

    Args:
        strokes: upright strokes outside crosses, as of letters and digits.
        crosses: crosses, as of callipers.
        coloured: share of coloured pixels in a picture that is grey elsewhere.
    """

    strokes: int
    crosses: int
    coloured: float

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of marks that are there: `text`, `callipers`, `colour`."""
        found = {"text": self.strokes > 0, "callipers": self.crosses > 0, "colour": self.coloured >= COLOURED}
        return tuple(kind for kind, there in found.items() if there)


@dataclass(frozen=True)
class _Stroke:
    column: int
    top: int
    bottom: int

    def near(self, other: "_Stroke") -> bool:
        overlap = min(self.bottom, other.bottom) - max(self.top, other.top)
        return abs(self.column - other.column) <= REACH and overlap >= 0


def marks(image: Image) -> Marks | None:
    """Look for burned-in marks; None where the picture is not of a kind that can be judged."""
    if image.pixels.dtype == np.float32:
        return None
    coloured = _coloured(image)
    if coloured >= COLOURFUL:
        return None
    grey = Gray().apply(image.pixels).astype(np.float32) * np.float32(255 / image.maximum)
    found = [_found(_reduced(grey, side)) for side in SIDES if side == SIDES[-1] or max(grey.shape) > SIDES[-1]]
    strokes, crosses = max(found, key=sum)
    return Marks(strokes, crosses, coloured)


def _coloured(image: Image) -> float:
    if image.pixels.ndim == 2:
        return 0.0
    channels = image.pixels.astype(np.float32) * np.float32(255 / image.maximum)
    return float(np.mean(channels.max(axis=2) - channels.min(axis=2) >= CHROMA))


def _reduced(grey: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    height, width = grey.shape
    share = side / max(height, width)
    if share >= 1:
        return grey
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(Pil.fromarray(grey).resize(size, Pil.Resampling.BOX))


def _found(grey: NDArray[np.float32]) -> tuple[int, int]:
    """Strokes outside crosses, and crosses."""
    upright, level = _strokes(grey), _strokes(grey.T)
    crossed = [any(_crosses(stroke, other) for other in level) for stroke in upright]
    return len(upright) - sum(crossed), sum(crossed)


def _crosses(upright: _Stroke, level: _Stroke) -> bool:
    """Whether a level stroke (columns are its rows) crosses an upright one near the middle of both, like a plus."""
    lengths = upright.bottom - upright.top + 1, level.bottom - level.top + 1
    slack = max(lengths) / 4 + 1
    return (
        max(lengths) <= 2 * min(lengths)
        and abs((upright.top + upright.bottom) / 2 - level.column) <= slack
        and abs((level.top + level.bottom) / 2 - upright.column) <= slack
    )


def _strokes(grey: NDArray[np.float32]) -> list[_Stroke]:
    """Upright strokes, each once: bright, narrow, even, with the corners left out."""
    if min(grey.shape) <= 2 * REACH:
        return []
    padded = np.pad(grey, ((0, 0), (REACH, REACH)), "edge")
    around = np.maximum(padded[:, : -2 * REACH], padded[:, 2 * REACH :])
    bright = grey > BRIGHT * np.percentile(grey, 99.5)
    ridge = (grey - around > STEP) & bright
    ridge |= bright & _within(ridge, 1) & _within(ridge, -1)  # where another stroke crosses
    edge = max(1, round(CORNER * max(grey.shape)))
    for rows in (slice(None, edge), slice(-edge, None)):
        ridge[rows, :edge] = ridge[rows, -edge:] = False
    found: list[_Stroke] = []
    for column, top, bottom in _runs(ridge):
        stroke = _Stroke(column, top, bottom)
        levels = grey[top : bottom + 1, column]
        if levels.std() <= EVEN * levels.mean() and not any(stroke.near(other) for other in found):
            found.append(stroke)
    return found


def _within(ridge: NDArray[np.bool_], sign: int) -> NDArray[np.bool_]:
    """Pixels with a ridge up to `GAP` pixels above (sign 1) or below (sign −1) them."""
    found = np.zeros_like(ridge)
    for step in range(1, GAP + 1):
        if sign > 0:
            found[step:] |= ridge[:-step]
        else:
            found[:-step] |= ridge[step:]
    return found


def _runs(ridge: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Column, top and bottom row of runs that are as long as a stroke, longest first."""
    padded = np.pad(ridge, ((1, 1), (0, 0))).T
    change = np.diff(padded.astype(np.int8), axis=1)
    columns, tops = np.nonzero(change == 1)
    bottoms = np.nonzero(change == -1)[1] - 1
    lengths = bottoms - tops + 1
    kept = np.flatnonzero((lengths >= SHORTEST) & (lengths <= LONGEST))
    kept = kept[np.argsort(-lengths[kept], kind="stable")][:MOST]
    return [(int(columns[run]), int(tops[run]), int(bottoms[run])) for run in kept]
