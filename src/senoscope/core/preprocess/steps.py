"""The steps between an image as stored and the array a network takes.

Every step is a frozen dataclass with a `kind`, so that a list of them is plain data in a recipe and a bundle. Geometry
steps `place` a size first, or `find` their place in the pixels themselves, and `apply` by the placement, which is kept
so that maps can be carried back (`Placement.invert`).
To add a step: write the class here and add it to `Step`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from PIL import Image as Pil
from pydantic import Field

from senoscope.core.domain.geometry import Box, Placement, Size
from senoscope.core.domain.image import Pixels
from senoscope.core.preprocess.heat import Mirror, Torso
from senoscope.core.preprocess.pectoral import Muscle
from senoscope.core.preprocess.regions import breast_box
from senoscope.core.preprocess.scan import scan_box

Side = Annotated[int, Field(ge=1, le=2048)]


def _size(pixels: Pixels) -> Size:
    return Size(pixels.shape[1], pixels.shape[0])


def _whole(size: Size) -> Box:
    return Box(0, 0, size.width, size.height)


def _by_pillow(pixels: Pixels, act: Callable[[Pil.Image], Pil.Image]) -> Pixels:
    """Let Pillow act on a picture; what it does not hold in 8 bits goes plane by plane as float32."""
    if pixels.dtype == np.uint8:
        return np.asarray(act(Pil.fromarray(pixels)))
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    done = [np.asarray(act(Pil.fromarray(plane.astype(np.float32)))) for plane in np.moveaxis(planes, 2, 0)]
    return done[0] if pixels.ndim == 2 else np.stack(done, axis=2)


def _resized(pixels: Pixels, size: Size) -> Pixels:
    return _by_pillow(pixels, lambda picture: picture.resize((size.width, size.height), Pil.Resampling.BILINEAR))


def _laid(pixels: Pixels, placement: Placement) -> Pixels:
    """Lay pixels into the target; what the target box leaves free is black."""
    x0, y0, x1, y1 = placement.source_box.edges
    part = pixels if placement.source_box == _whole(placement.source) else pixels[y0:y1, x0:x1]
    if placement.mirrored:
        part = np.ascontiguousarray(part[:, ::-1])
    if _size(part) != placement.target_box.size:
        part = _resized(np.ascontiguousarray(part), placement.target_box.size)
    if placement.target_box == _whole(placement.target):
        return part
    canvas = np.zeros((placement.target.height, placement.target.width, *part.shape[2:]), part.dtype)
    x0, y0, x1, y1 = placement.target_box.edges
    canvas[y0:y1, x0:x1] = part
    return canvas


@dataclass(frozen=True)
class Gray:
    """Colour to luminance, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); grey stays as it is."""

    kind: Literal["gray"] = "gray"

    def apply(self, pixels: Pixels) -> Pixels:
        """(H, W, 3) or (H, W) of any dtype in, (H, W) of the same dtype out."""
        if pixels.ndim == 2:
            return pixels
        if pixels.dtype == np.uint8:
            return np.asarray(Pil.fromarray(pixels).convert("L"))
        weighted = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
        return weighted if pixels.dtype == np.float32 else np.rint(weighted).astype(pixels.dtype)


@dataclass(frozen=True)
class Resize:
    """To a fixed size, bilinear with antialiasing.

    Args:
        height: pixels of the result.
        width: pixels of the result.
        fit: `stretch` fills the result; `pad` keeps the aspect and centres the picture on black.
    """

    height: Side
    width: Side
    fit: Literal["stretch", "pad"] = "pad"
    kind: Literal["resize"] = "resize"

    def place(self, size: Size) -> Placement:
        """Say where a picture of this size will lie."""
        target = Size(self.width, self.height)
        box = _whole(target)
        if self.fit == "pad":
            scale = min(self.width / size.width, self.height / size.height)
            width, height = max(1, round(size.width * scale)), max(1, round(size.height * scale))
            box = Box((self.width - width) // 2, (self.height - height) // 2, width, height)
        return Placement(size, _whole(size), target, box)

    def apply(self, pixels: Pixels, placement: Placement) -> Pixels:
        """Lay the pixels by a placement of `place`."""
        return _laid(pixels, placement)


@dataclass(frozen=True)
class Flip:
    """Mirror left and right."""

    kind: Literal["flip"] = "flip"

    def place(self, size: Size) -> Placement:
        """Say where a picture of this size will lie."""
        return Placement(size, _whole(size), size, _whole(size), mirrored=True)

    def apply(self, pixels: Pixels, placement: Placement) -> Pixels:
        """Lay the pixels by a placement of `place`."""
        return _laid(pixels, placement)


@dataclass(frozen=True)
class Crop:
    """Cut out a part, given in shares of the picture so that it fits any size.

    Args:
        left: left edge, 0 to 1 of the width.
        top: upper edge, 0 to 1 of the height.
        width: width of the part, above 0 to 1.
        height: height of the part, above 0 to 1.
    """

    left: Annotated[float, Field(ge=0, lt=1)]
    top: Annotated[float, Field(ge=0, lt=1)]
    width: Annotated[float, Field(gt=0, le=1)]
    height: Annotated[float, Field(gt=0, le=1)]
    kind: Literal["crop"] = "crop"

    def place(self, size: Size) -> Placement:
        """Say which part of a picture of this size is kept."""
        left, top = int(self.left * size.width), int(self.top * size.height)
        width = max(1, min(size.width - left, round(self.width * size.width)))
        height = max(1, min(size.height - top, round(self.height * size.height)))
        part = Box(left, top, width, height)
        return Placement(size, part, part.size, _whole(part.size))

    def apply(self, pixels: Pixels, placement: Placement) -> Pixels:
        """Lay the pixels by a placement of `place`."""
        return _laid(pixels, placement)


@dataclass(frozen=True)
class Rotate:
    """Turn about the centre, bilinear; the size stays, corners turned out of it are lost and those turned in are black.

    Args:
        degrees: against the clock, −180 to 180.
    """

    degrees: Annotated[float, Field(ge=-180, le=180)]
    kind: Literal["rotate"] = "rotate"

    def place(self, size: Size) -> Placement:
        """Say how a picture of this size is turned."""
        return Placement(size, _whole(size), size, _whole(size), turned=self.degrees)

    def apply(self, pixels: Pixels, placement: Placement) -> Pixels:
        """Turn the pixels by a placement of `place`."""
        return _by_pillow(pixels, lambda picture: picture.rotate(placement.turned, Pil.Resampling.BILINEAR))


@dataclass(frozen=True)
class Breast:
    """Cut a mammogram to the breast, and mirror it so that the chest wall is on the left.

    It is found in every picture anew (`regions.breast_box`); where nothing is found, the picture stays as it is.
    """

    kind: Literal["breast"] = "breast"

    def find(self, pixels: Pixels) -> tuple[Placement, bool]:
        """Say which part of this picture is kept and whether it is mirrored, and whether a breast was found."""
        box, right, found = breast_box(pixels)
        return Placement(_size(pixels), box, box.size, _whole(box.size), mirrored=right), found

    def apply(self, pixels: Pixels, placement: Placement) -> Pixels:
        """Lay the pixels by a placement of `find`."""
        return _laid(pixels, placement)


@dataclass(frozen=True)
class Scan:
    """Cut the flat margins off an ultrasound picture.

    They are found in every picture anew (`scan.scan_box`); a picture without any stays as it is.
    """

    kind: Literal["scan"] = "scan"

    def find(self, pixels: Pixels) -> tuple[Placement, bool]:
        """Say which part of this picture is kept; there always is one."""
        box = scan_box(pixels)
        return Placement(_size(pixels), box, box.size, _whole(box.size)), True

    def apply(self, pixels: Pixels, placement: Placement) -> Pixels:
        """Lay the pixels by a placement of `find`."""
        return _laid(pixels, placement)


def laid_as(pixels: Pixels, placements: Sequence[Placement]) -> Pixels:
    """Lay pixels as a picture of their size was laid, whatever they show themselves."""
    for placement in placements:
        pixels = Rotate(placement.turned).apply(pixels, placement) if placement.turned else _laid(pixels, placement)
    return pixels


Step = Annotated[
    Gray | Resize | Flip | Crop | Rotate | Breast | Scan | Muscle | Torso | Mirror, Field(discriminator="kind")
]
