"""What an answer marks, as lines: outlines and boxes in pixels of the stored picture."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw

from senoscope.clinic.schemas import ContourView
from senoscope.core.domain.boxes import BoxPrediction
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.domain.prediction import Prediction
from senoscope.runtime.outputs.outlines import FINE, ORANGE, colour
from senoscope.runtime.slides.measure import boxed
from senoscope.runtime.slides.shapes import components, outlines

MOST = 200
"""Regions of a label that are drawn, the largest; a page of thousands says nothing."""

LONGEST = 2048
"""Pixels along the longer side of the mask that lines are drawn from: finer stairs than a screen shows are no use."""

Edges = tuple[int, int, int, int]
"""Left, top, right and bottom."""


def contours_of(prediction: Prediction) -> list[ContourView]:
    """Outlines of what an answer marks, a set of lines a label; none where it marks nothing or is withheld."""
    if not isinstance(prediction, OutlinePrediction) or prediction.abstained:
        return []
    found = [
        ContourView(label=label, code=code, rings=rings_of(prediction.codes == code))
        for code, label in enumerate(prediction.labels)
        if code > 0
    ]
    return [contour for contour in found if contour.rings]


def boxes_of(prediction: Prediction) -> list[Edges]:
    """Edges of the boxes an answer shows, the surest first; none where it has none or is withheld."""
    if not isinstance(prediction, BoxPrediction) or prediction.abstained:
        return []
    return [one.box.edges for one in prediction.boxes]


def rings_of(mask: NDArray[np.bool_]) -> list[list[list[int]]]:
    """Closed lines around the patches of a mask, the largest patch first.

    Args:
        mask: (H, W).

    Returns:
        Corners (x, y), 0 to W and 0 to H, along the edges of pixels; the last of a line is its first.
    """
    step = max(1, math.ceil(max(mask.shape) / LONGEST))
    numbers, count = components(mask[::step, ::step])
    if not count:
        return []
    sizes, parts = np.bincount(numbers.ravel())[1:], boxed(numbers, count)
    height, width = mask.shape
    found = []
    for place in np.argsort(-sizes, kind="stable")[:MOST].tolist():
        top, left, part = parts[place]
        for ring in outlines(part == place + 1):
            found.append([[min(width, (x + left) * step), min(height, (y + top) * step)] for x, y in ring])
    return found


def drawn(pixels: NDArray[np.uint8], contours: Sequence[ContourView], boxes: Sequence[Edges]) -> NDArray[np.uint8]:
    """(H, W, 3) with outlines and boxes drawn on it, the surest box on top."""
    if not contours and not boxes:
        return pixels
    shown = Pil.fromarray(pixels)
    pen, width = ImageDraw.Draw(shown), max(1, round(min(pixels.shape[:2]) / FINE))
    for contour in contours:
        for ring in contour.rings:
            pen.line([(x, y) for x, y in ring], fill=colour(contour.code), width=width)
    for left, top, right, bottom in reversed(boxes):
        pen.rectangle((left, top, right - 1, bottom - 1), outline=ORANGE, width=width)
    return np.asarray(shown, np.uint8)
