"""Pictures of what was found: the image with the boxes drawn on it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw

from senoscope.core.domain.boxes import Found
from senoscope.core.domain.image import Image
from senoscope.runtime.outputs.outlines import FINE, ORANGE
from senoscope.runtime.outputs.overlay import eight_bit, png


def boxes_png(image: Image, boxes: Sequence[Found]) -> bytes:
    """The picture with a frame along the inner edge of every box, the surest on top.

    Args:
        image: the picture.
        boxes: the surest first.
    """
    shown = Pil.fromarray(eight_bit(image))
    pen, width = ImageDraw.Draw(shown), max(1, round(min(image.size.width, image.size.height) / FINE))
    for one in reversed(boxes):
        left, top, right, bottom = one.box.edges
        pen.rectangle((left, top, right - 1, bottom - 1), outline=ORANGE, width=width)
    return png(np.asarray(shown, np.uint8))
