"""Pictures for the page: the image, its evidence, and both together, drawn when they are asked for."""

import io
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from pydantic import BaseModel

from senoscope.clinic.images import ImageStore
from senoscope.core.domain.geometry import Placement
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Prediction, saliency_of
from senoscope.core.io import SERVICE, read_bytes
from senoscope.runtime.outputs.overlay import display_png, heat_png, overlay_png


class Evidence(BaseModel):
    """The heat map on the network's grid and how the picture was laid into it."""

    heat: list[list[float]]
    placements: tuple[Placement, ...]

    def saliency(self) -> NDArray[np.float32]:
        """Evidence over the picture as stored, (H, W) in [0, 1]."""
        return saliency_of(np.array(self.heat, np.float32), self.placements)


def pack_evidence(prediction: Prediction) -> dict[str, Any]:
    """Evidence of an answer as plain data."""
    return Evidence(heat=prediction.heat.tolist(), placements=prediction.placements).model_dump(mode="json")


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
            return _within(display_png(self._image(digest)), side)

    def heat(self, evidence: dict[str, Any], side: int | None) -> bytes:
        """Draw the evidence alone as transparent PNG, of the size of `display`."""
        with self._one:
            return _within(heat_png(Evidence.model_validate(evidence).saliency()), side)

    def overlay(self, digest: str, evidence: dict[str, Any], opacity: float) -> bytes:
        """Draw the upload with the evidence laid over it, at full size."""
        with self._one:
            return overlay_png(self._image(digest), Evidence.model_validate(evidence).saliency(), opacity)

    def _image(self, digest: str) -> Image:
        return read_bytes(self._images.read(digest), "the picture", SERVICE)


def _within(png: bytes, side: int | None) -> bytes:
    with Pil.open(io.BytesIO(png)) as picture:
        if side is None or max(picture.size) <= side:
            return png
        picture.thumbnail((side, side))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
    return buffer.getvalue()
