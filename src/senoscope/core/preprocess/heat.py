"""Steps for thermograms: temperatures relative to the woman's own, and what differs from her mirror image.

Rooms, cameras and their export shift and stretch every temperature, and a background shows which of them it was. What
is left after `Torso` does not change when all levels are shifted or stretched, nor when the background is another.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from PIL import Image as Pil
from pydantic import Field

from senoscope.core.domain.geometry import Box, Placement, Size
from senoscope.core.domain.image import Pixels
from senoscope.core.preprocess.body import Body, Levels, Mask, closed, eroded, find_body

LARGEST = 512
"""Longer side in pixels from which on a picture is reduced first; infrared cameras have 160 to 1024."""

MIDDLE = 0.5
"""Level of the body's median, and of all that is not body."""

SOFT = 0.01
"""Share of the longer side by which the outline is drawn in."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A torso as `Torso` cuts it.

    Args:
        placement: where it lay.
        levels: (H, W) in [0, 1].
        found: whether a body was found; if not, the whole picture stands for it.
    """

    placement: Placement
    levels: Levels
    found: bool


@dataclass(frozen=True)
class Torso:
    """Cut a thermogram to the torso about its axis, and give its levels relative to the body's own.

    A level becomes 0.5 + (level − median) / (2 × `span` × spread), bounded to [0, 1], where median and spread (the
    distance of the 16th from the 84th percentile) are of the torso; what is not body becomes 0.5. Where no body is
    found, the whole picture counts as one. Grey pictures only: `Gray` comes before.

    Args:
        span: spreads from the median to either end of the range.
        patch: side, as a share of the torso's width, below which what is colder than all around it is filled, in the
            third along the axis, where a marker is stuck on the skin; 0 fills nothing.
        paired: whether only that part of the body stays whose mirror image is body too.
    """

    span: Annotated[float, Field(gt=0, le=100)] = 1.5
    patch: Annotated[float, Field(ge=0, le=0.5)] = 0.18
    paired: bool = False
    kind: Literal["torso"] = "torso"

    def cut(self, pixels: Pixels) -> Cut:
        """(H, W) of any dtype in, the torso as float32 in [0, 1] out, and where it lay.

        Raises:
            ValueError: the picture has colours.
        """
        if pixels.ndim != 2:
            raise ValueError("colour reached a torso: put Gray() before it")
        size = Size(pixels.shape[1], pixels.shape[0])
        whole = _reduced(pixels)
        body = find_body(whole)
        within = _inside(body.box, Size(whole.shape[1], whole.shape[0]))
        laid = Box(within.left - body.box.left, within.top - body.box.top, within.width, within.height)
        x0, y0, x1, y1 = within.edges
        levels, mask = whole[y0:y1, x0:x1], _skin(body)[y0:y1, x0:x1]
        if self.patch and body.found:
            levels = self._unmarked(levels, mask, body.box.width, body.axis - x0)
        canvas = np.full((body.box.height, body.box.width), MIDDLE, np.float32)
        x0, y0, x1, y1 = laid.edges
        canvas[y0:y1, x0:x1] = np.where(mask, self._relative(levels, mask), np.float32(MIDDLE))
        if self.paired:
            both = np.zeros(canvas.shape, bool)
            both[y0:y1, x0:x1] = mask
            canvas[~(both & both[:, ::-1])] = MIDDLE
        scale_x, scale_y = size.width / whole.shape[1], size.height / whole.shape[0]
        source = _scaled(within, scale_x, scale_y)
        return Cut(Placement(size, source, body.box.size, laid), canvas, body.found)

    def _unmarked(self, levels: Levels, mask: Mask, width: int, axis: float) -> Levels:
        side = round(self.patch * width)
        if side < 2 or not mask.any():
            return levels
        filled = closed(np.where(mask, levels, levels[mask].max()), side)
        along = np.abs(np.arange(levels.shape[1]) + 0.5 - axis) < width / 6
        done: Levels = np.where(mask & along, filled, levels)
        return done

    def _relative(self, levels: Levels, mask: Mask) -> Levels:
        values = levels[mask].astype(np.float64)
        if not len(values):
            return np.full_like(levels, MIDDLE)
        low, median, high = np.quantile(values, (0.16, 0.5, 0.84))
        # Levels that hardly vary are not stretched into what looks like a body.
        spread = max(high - low, 1e-6 * float(np.abs(values).max()), 1e-12)
        found: Levels = np.clip(MIDDLE + (levels - median) / (2 * self.span * spread), 0, 1).astype(np.float32)
        return found


@dataclass(frozen=True)
class Mirror:
    """Lay a picture beside its mirror image: the picture, the mirror image, and how far they are apart.

    About the middle column, which is the body's axis after `Torso`. Grey in, three channels out.
    """

    kind: Literal["mirror"] = "mirror"

    def apply(self, pixels: Pixels) -> Pixels:
        """(H, W) of any dtype in, (H, W, 3) of the same dtype out: as it is, mirrored, absolute difference.

        Raises:
            ValueError: the picture has colours.
        """
        if pixels.ndim != 2:
            raise ValueError("colour reached a mirror: put Gray() before it")
        turned = pixels[:, ::-1]
        return np.stack([pixels, turned, np.maximum(pixels, turned) - np.minimum(pixels, turned)], axis=2)


def _reduced(pixels: Pixels) -> Levels:
    levels = np.ascontiguousarray(pixels, np.float32)
    height, width = levels.shape
    scale = LARGEST / max(height, width)
    if scale >= 1:
        return levels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Pil.fromarray(levels).resize(size, Pil.Resampling.BOX))


def _skin(body: Body) -> Mask:
    if not body.found:
        return body.mask
    return eroded(body.mask, max(1, round(SOFT * max(body.mask.shape))))


def _inside(box: Box, size: Size) -> Box:
    left, top, right, bottom = box.edges
    left, right = max(0, left), min(size.width, right)
    return Box(left, top, right - left, bottom - top)


def _scaled(box: Box, scale_x: float, scale_y: float) -> Box:
    left, top, right, bottom = box.edges
    x0, y0, x1, y1 = (round(value) for value in (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y))
    return Box(x0, y0, max(1, x1 - x0), max(1, y1 - y0))
