"""Words drawn into a picture, found by their strokes: where letters stand in a line, not what they say.

A letter is a small, thin, sharply bounded part that is much brighter or much darker than what surrounds it, and evenly
so; three of about one height beside each other are a line. Tissue has such parts too, but rarely three in a row. What
is handwritten, larger than `LARGEST`, slanted or faint is not found: a picture that was searched is not proven clean.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.preprocess.components import components

SMALLEST, LARGEST = 5, 64
"""Pixels of a letter's height."""

STROKE = 9
"""Pixels of the widest stroke, and of the surroundings in which it is the brightest."""

CONTRAST = 0.25
"""Share of the picture's range by which a stroke stands out."""

LETTERS = 3
"""Letters that make a line."""

MARGIN = 3
"""Pixels around a line that go with it: anti-aliased edges, dots and commas."""

BRIGHTEST = 0.9
"""Share of the picture's range from which on a stroke is as bright as anything; machines write so."""

MOST_PARTS = 600
"""Parts like letters from which on a picture is texture, in which only the brightest strokes are looked at."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the stored picture; right and bottom lie outside."""


@dataclass(frozen=True)
class _Parts:
    """Bounding boxes of what may be letters, a row each: left, top, right, bottom."""

    boxes: NDArray[np.intp]

    @property
    def heights(self) -> NDArray[np.intp]:
        return self.boxes[:, 3] - self.boxes[:, 1]


def find_text(pixels: NDArray[np.generic]) -> list[Box]:
    """Find lines of letters.

    Args:
        pixels: (H, W) or (H, W, 3), any depth.

    Returns:
        Boxes around lines, with their margin; they may overlap.
    """
    grey = pixels.astype(np.float32)
    planes = [grey] if grey.ndim == 2 else [grey.max(axis=2), grey.min(axis=2)]
    found: list[Box] = []
    for plane in planes:
        low, high = float(plane.min()), float(plane.max())
        if high > low and min(plane.shape) > STROKE:
            level = (plane - low) / (high - low)
            for sign in (level, 1 - level):
                found.extend(_drawn(sign))
    return merged(found)


def merged(boxes: Iterable[Box]) -> list[Box]:
    """Leave out boxes that lie within another."""
    every = sorted(set(boxes), key=lambda box: (box[0] - box[2]) * (box[3] - box[1]))
    kept: list[Box] = []
    for box in every:
        if not any(o[0] <= box[0] and o[1] <= box[1] and o[2] >= box[2] and o[3] >= box[3] for o in kept):
            kept.append(box)
    return kept


def _drawn(level: NDArray[np.float32]) -> list[Box]:
    """Lines of strokes that are brighter than what surrounds them, and of those that are the brightest of all."""
    ink = level - _opened(level, STROKE) > CONTRAST
    found = []
    for mask in (ink, ink & (level >= BRIGHTEST)):
        parts = _letters(level, mask)
        if len(parts.boxes) <= MOST_PARTS:
            found.extend(_lines(parts, level.shape))
    return found


def _letters(level: NDArray[np.float32], ink: NDArray[np.bool_]) -> _Parts:
    """Parts of strokes that have the size and the shape of letters."""
    labels, count = components(ink)
    if count == 0:
        return _Parts(np.empty((0, 4), np.intp))
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns] - 1
    boxes = np.empty((count, 4), np.intp)
    boxes[:, :2], boxes[:, 2:] = np.iinfo(np.intp).max, 0
    np.minimum.at(boxes[:, 0], numbers, columns)
    np.minimum.at(boxes[:, 1], numbers, rows)
    np.maximum.at(boxes[:, 2], numbers, columns + 1)
    np.maximum.at(boxes[:, 3], numbers, rows + 1)
    area = np.bincount(numbers, minlength=count)
    # Drawn strokes are evenly bright; those of tissue are not.
    values = level[rows, columns]
    mean = np.bincount(numbers, values, count) / area
    spread = np.sqrt(np.maximum(np.bincount(numbers, values**2, count) / area - mean**2, 0))
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    kept = (high >= SMALLEST) & (high <= LARGEST) & (wide <= 2 * LARGEST) & (area >= SMALLEST) & (spread < 0.25 * mean)
    kept &= (wide <= 12 * high) & (area <= 0.95 * wide * high + 2 * high)
    return _Parts(boxes[kept])


def _lines(parts: _Parts, shape: tuple[int, ...]) -> list[Box]:
    """Boxes around letters of about one height that follow each other."""
    order = np.argsort(parts.boxes[:, 0], kind="stable")
    boxes, heights = parts.boxes[order], parts.heights[order]
    lines: list[list[int]] = []
    ends: list[int] = []
    for number in range(len(boxes)):
        line = _line_of(boxes, heights, number, lines, ends)
        if line is None:
            lines.append([number])
            ends.append(int(boxes[number, 2]))
        else:
            lines[line].append(number)
            ends[line] = max(ends[line], int(boxes[number, 2]))
    return [_around(boxes[line], shape) for line in lines if _is_text(boxes[line])]


def _line_of(
    boxes: NDArray[np.intp], heights: NDArray[np.intp], number: int, lines: list[list[int]], ends: list[int]
) -> int | None:
    """The line whose last letter a letter follows."""
    left, top, _, bottom = boxes[number]
    best, nearest = None, np.iinfo(np.intp).max
    for line in range(len(lines) - 1, -1, -1):
        last = lines[line][-1]
        gap = left - ends[line]
        tall, short = max(heights[last], heights[number]), min(heights[last], heights[number])
        # Letters stand on one line, or hang from one as the tail of a g does.
        off = min(abs(bottom - boxes[last, 3]), abs(top - boxes[last, 1]))
        if -short <= gap <= 1.5 * tall and tall <= 2 * short and off <= max(1, tall / 3) and gap < nearest:
            best, nearest = line, gap
    return best


def _is_text(boxes: NDArray[np.intp]) -> bool:
    # Letters in one, as of a narrow or a blurred font, are one wide part.
    wide = int(boxes[:, 2].max() - boxes[:, 0].min())
    high = float(np.median(boxes[:, 3] - boxes[:, 1]))
    return len(boxes) >= LETTERS or (len(boxes) >= 2 and wide >= 3 * high)


def _around(boxes: NDArray[np.intp], shape: tuple[int, ...]) -> Box:
    left, top, right, bottom = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
    # Ascenders and accents of a line whose letters are all small.
    margin = MARGIN + int(bottom - top) // 4
    return (
        max(0, int(left) - margin),
        max(0, int(top) - margin),
        min(shape[1], int(right) + margin),
        min(shape[0], int(bottom) + margin),
    )


def _opened(level: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Grey opening by a square: what remains is without strokes narrower than it."""
    return _extreme(_extreme(level, size, np.minimum), size, np.maximum)


def _extreme(level: NDArray[np.float32], size: int, which: np.ufunc) -> NDArray[np.float32]:
    half = size // 2
    for axis in (0, 1):
        pad = [(half, half) if axis == along else (0, 0) for along in (0, 1)]
        padded, length = np.pad(level, pad, "edge"), level.shape[axis]
        steps = [padded[step : step + length] if axis == 0 else padded[:, step : step + length] for step in range(size)]
        level = which.reduce(steps)
    return level
