"""The square around a lesion."""

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
