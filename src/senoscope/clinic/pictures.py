"""Pictures for the page: the image, its evidence, and both together, drawn when they are asked for."""

import io
import threading
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from pydantic import BaseModel

from senoscope.clinic.images import ImageStore
from senoscope.clinic.marks import Edges, boxes_of, contours_of, drawn
from senoscope.clinic.schemas import ContourView
from senoscope.core.domain.geometry import Box, Placement, Size
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Prediction, saliency_of
from senoscope.core.io import SERVICE, read_bytes
from senoscope.runtime.outputs.overlay import display_png, eight_bit, heat_png, overlaid, png

EXACT = 4096
"""Numbers of a map that are kept to the last digit."""


class Evidence(BaseModel):
    """The heat map on the network's grid, how the picture was laid into it, and what is marked by lines."""

    heat: list[list[float]]
    placements: tuple[Placement, ...]
    contours: list[ContourView] = []
    boxes: list[Edges] = []

    def saliency(self, side: int | None = None) -> NDArray[np.float32]:
        """Evidence over the picture, (H, W) in [0, 1]; at most `side` pixels along the longer side, if given."""
        heat = np.array(self.heat, np.float32)
        if not self.placements or side is None:
            return saliency_of(heat, self.placements)
        outermost, *others = self.placements
        return saliency_of(heat, (_reduced(outermost, side), *others))


def pack_evidence(prediction: Prediction) -> dict[str, Any]:
    """Evidence of an answer as plain data."""
    return Evidence(
        heat=_rounded(prediction.heat),
        placements=prediction.placements,
        contours=contours_of(prediction),
        boxes=boxes_of(prediction),
    ).model_dump(mode="json")


def _rounded(heat: NDArray[np.float32]) -> list[list[float]]:
    """A large map to a ten-thousandth of its strongest value, which takes a third of the room; a small one as it is."""
    if heat.size <= EXACT:
        exact: list[list[float]] = heat.tolist()
        return exact
    strongest = float(np.abs(heat).max(initial=0.0))
    places = 4 - int(np.floor(np.log10(strongest))) if strongest else 0
    found: list[list[float]] = np.round(heat.astype(np.float64), places).tolist()
    return found


class Pictures:
    """Draws one picture at a time: a picture of 100 megapixels takes a gigabyte while it is drawn.

    Args:
        images: where the uploads are.
    """

    def __init__(self, images: ImageStore) -> None:
        self._images = images
        self._one = threading.Lock()

    def display(self, digest: str, side: int | None) -> bytes:
        """Draw the upload as 8-bit PNG, its longer side at most `side` pixels; raises `InputError` if unreadable."""
        with self._one:
            image = self._image(digest)
            if side is None or max(image.size.width, image.size.height) <= side:
                return display_png(image)
            return _thumbnail(image, side)

    def heat(self, evidence: dict[str, Any], side: int | None) -> bytes:
        """Draw the evidence alone as transparent PNG, of the size of `display`."""
        with self._one:
            return heat_png(Evidence.model_validate(evidence).saliency(side))

    def overlay(self, digest: str, evidence: dict[str, Any], opacity: float) -> bytes:
        """Draw the upload with the evidence laid over it and what is marked by lines, at full size."""
        with self._one:
            found = Evidence.model_validate(evidence)
            mixed = overlaid(self._image(digest), found.saliency(), opacity)
            return png(drawn(mixed, found.contours, found.boxes))

    def _image(self, digest: str) -> Image:
        return read_bytes(self._images.read(digest), "the picture", SERVICE)


def _reduced(placement: Placement, side: int) -> Placement:
    """Shrink the picture that was placed, not what it was placed into: nothing is drawn larger than it is shown."""
    scale = side / max(placement.source.width, placement.source.height)
    if scale >= 1:
        return placement
    left, top, right, bottom = (round(edge * scale) for edge in placement.source_box.edges)
    source = Size(max(1, round(placement.source.width * scale)), max(1, round(placement.source.height * scale)))
    left, top = min(left, source.width - 1), min(top, source.height - 1)
    return replace(placement, source=source, source_box=Box(left, top, max(1, right - left), max(1, bottom - top)))


def _thumbnail(image: Image, side: int) -> bytes:
    picture = Pil.fromarray(eight_bit(image))
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
