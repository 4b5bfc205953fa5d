"""Sizes, boxes and where one picture lies within another; all in pixels, origin at the top left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil


@dataclass(frozen=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle: left and top edge, width and height, in pixels of the stored image."""

    left: int
    top: int
    width: int
    height: int

    @property
    def size(self) -> Size:
        """Width and height."""
        return Size(self.width, self.height)

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom; right and bottom are exclusive."""
        return self.left, self.top, self.left + self.width, self.top + self.height


@dataclass(frozen=True)
class Placement:
    """How one geometry step laid a picture into another: the source box fills the target box, mirrored or not.

    Crop, resize, pad and flip are all of this form, which is why every one of them can be inverted. A turn is about the
    centre, by `turned` degrees against the clock; both boxes are then the whole picture, and so is its inverse but for
    the corners that were turned out of it.
    """

    source: Size
    source_box: Box
    target: Size
    target_box: Box
    mirrored: bool = False
    turned: float = 0.0

    def invert(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Carry a map over the target back to the source.

        Args:
            values: (h, w) map over the whole target, at any resolution.

        Returns:
            (source.height, source.width) map; zero where the source was cropped away.
        """
        if self.turned:
            whole = Pil.fromarray(values).resize((self.target.width, self.target.height), Pil.Resampling.BILINEAR)
            return np.asarray(whole.rotate(-self.turned, Pil.Resampling.BILINEAR), dtype=np.float32)
        box = self.target_box
        scale_x, scale_y = values.shape[1] / self.target.width, values.shape[0] / self.target.height
        left, top, right, bottom = box.edges
        region = (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y)
        part = Pil.fromarray(values[:, ::-1].copy() if self.mirrored else values)
        if self.mirrored:
            # Rounding may leave an edge a hair outside, which Pillow refuses.
            region = (max(0.0, values.shape[1] - region[2]), region[1], values.shape[1] - region[0], region[3])
        size = (self.source_box.width, self.source_box.height)
        filled = np.asarray(part.resize(size, Pil.Resampling.BILINEAR, box=region), dtype=np.float32)
        if self.source_box == Box(0, 0, self.source.width, self.source.height):
            return filled
        result = np.zeros((self.source.height, self.source.width), np.float32)
        x0, y0, x1, y1 = self.source_box.edges
        result[y0:y1, x0:x1] = filled
        return result


def part_of(size: Size, part: Box) -> Placement:
    """How a part lies that is cut out of a picture of this size as it is."""
    return Placement(size, part, part.size, Box(0, 0, part.width, part.height))
