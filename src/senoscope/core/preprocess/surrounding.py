"""What lies around a lesion: a square, or its box enlarged."""

from collections.abc import Sequence

from senoscope.core.domain.geometry import Box, Size


def surrounding(box: Box, size: Size, context: float, smallest: float) -> Box:
    """Square around a lesion, moved into the picture where it would reach over its edge.

    Args:
        box: the lesion.
        size: of the picture.
        context: its side is so many times the lesion's longer side,
        smallest: at least this share of the picture's shorter side, and never more than that shorter side.
    """
    short = min(size.width, size.height)
    side = min(short, max(1, round(context * max(box.width, box.height)), round(smallest * short)))
    left, top = round(box.left + (box.width - side) / 2), round(box.top + (box.height - side) / 2)
    return Box(min(max(0, left), size.width - side), min(max(0, top), size.height - side), side, side)


def enlarged(edges: Sequence[float], within: Box, context: float) -> Box:
    """A box with sides `context` times as long about the same middle, as far as it lies within another; whole pixels.

    Args:
        edges: left, top, right and bottom.
        within: what it may not reach beyond; where it lies beside it altogether, what is left is one pixel of its edge.
        context: from 1 on.
    """
    left, top, right, bottom = (float(value) for value in edges)
    across, down = (right - left) * (context - 1) / 2, (bottom - top) * (context - 1) / 2
    x0, y0, x1, y1 = within.edges
    left, top = min(max(round(left - across), x0), x1 - 1), min(max(round(top - down), y0), y1 - 1)
    right, bottom = max(left + 1, min(round(right + across), x1)), max(top + 1, min(round(bottom + down), y1))
    return Box(int(left), int(top), int(right - left), int(bottom - top))
