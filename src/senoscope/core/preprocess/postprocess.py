"""From what a network says of every pixel to regions with a label."""

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.outline import Region
from senoscope.core.preprocess.components import components

MOST = 1000
"""Regions that are listed; what is beyond is still in the codes."""


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 1, H, W) logits → sigmoid; (N, K, H, W) → softmax over K."""
    # What is no number stays none, and whoever asked refuses it.
    with np.errstate(invalid="ignore"):
        if logits.shape[1] == 1:
            return np.exp(-np.logaddexp(np.float32(0), -logits))
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
        return found


def coded(maps: NDArray[np.float32], threshold: float, smallest: float) -> NDArray[np.uint8]:
    """(K, H, W) probabilities → (H, W) codes: of one map 1 from the threshold on, of more the likeliest.

    Of one map, regions smaller than a share `smallest` of the picture are left out.
    """
    if len(maps) > 1:
        return np.asarray(maps.argmax(axis=0), np.uint8)
    marked = maps[0] >= threshold
    numbers, count = components(marked)
    if count and smallest:
        sizes = np.bincount(numbers.ravel(), minlength=count + 1)
        marked &= sizes[numbers] >= smallest * marked.size
    return np.asarray(marked, np.uint8)


def found_regions(
    codes: NDArray[np.uint8], maps: NDArray[np.float32], labels: tuple[str, ...], positive: str
) -> tuple[Region, ...]:
    """Connected regions, the largest first: of two labels of the positive one, of more of every label but the first.

    Args:
        codes: (H, W).
        maps: (K, H, W) probabilities; K = 1 of two labels.
        labels: in the order of the codes.
        positive: of two labels, the one that is marked.
    """
    found: list[Region] = []
    for code in range(1, len(labels)):
        numbers, count = components(codes == code)
        if not count:
            continue
        label = positive if len(labels) == 2 else labels[code]
        chances = maps[0 if len(maps) == 1 else code]
        sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
        sums = np.bincount(numbers.ravel(), weights=chances.ravel(), minlength=count + 1)[1:]
        boxes = _boxes(numbers, count)
        for number in np.argsort(-sizes, kind="stable")[:MOST]:
            pixels = int(sizes[number])
            found.append(Region(label, boxes[number], pixels, pixels / codes.size, float(sums[number] / pixels)))
    return tuple(sorted(found, key=lambda region: -region.pixels)[:MOST])


def _boxes(numbers: NDArray[np.int32], count: int) -> list[Box]:
    """Boxes around parts 1 to `count` of a numbered map."""
    rows, columns = np.nonzero(numbers)
    part = numbers[rows, columns] - 1
    low, high = np.full((count, 2), max(numbers.shape)), np.zeros((count, 2), np.int64)
    for axis, places in enumerate((columns, rows)):
        np.minimum.at(low[:, axis], part, places)
        np.maximum.at(high[:, axis], part, places)
    return [
        Box(int(left), int(top), int(right - left) + 1, int(bottom - top) + 1)
        for (left, top), (right, bottom) in zip(low, high, strict=True)
    ]
