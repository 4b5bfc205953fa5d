"""Steps in order, from an image to the array a network takes; the same code trains and serves."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from senoscope.core.domain.geometry import Placement, Size
from senoscope.core.domain.image import Image
from senoscope.core.preprocess.steps import Gray, Step


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image ready for the network.

    Args:
        array: (C, H, W) float32 in [0, scale].
        placements: how the picture was laid into it, outermost first.
    """

    array: NDArray[np.float32]
    placements: tuple[Placement, ...]


@dataclass(frozen=True)
class Pipeline:
    """Preprocessing as data.

    Args:
        steps: in the order they run.
        channels: 1 or 3; a grey picture is repeated to fill three, colour in a one-channel pipeline is an error of the
            pipeline (`ValueError`), so such a pipeline starts with `Gray`.
        intensity: `full_scale` divides by the full scale the file declares and multiplies by `scale`. Nothing is ever
            concluded from the pixel values themselves.
        scale: the number full scale becomes, as the network's graph expects it.
    """

    steps: Annotated[tuple[Step, ...], Field(max_length=16)]
    channels: Literal[1, 3] = 3
    intensity: Literal["full_scale"] = "full_scale"
    scale: Annotated[float, Field(gt=0, le=65535)] = 255.0

    def apply(self, image: Image) -> Prepared:
        """Run every step on an image."""
        pixels, placements = image.pixels, []
        for step in self.steps:
            if isinstance(step, Gray):
                pixels = step.apply(pixels)
            else:
                placements.append(step.place(_size_of(pixels)))
                pixels = step.apply(pixels, placements[-1])
        values = pixels.astype(np.float32)
        if image.maximum != self.scale:
            values *= np.float32(self.scale / image.maximum)
        return Prepared(self._channelled(values), tuple(placements))

    def _channelled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if values.ndim == 2:
            return np.repeat(values[None], self.channels, axis=0)
        if self.channels == 1:
            raise ValueError("colour reached a one-channel pipeline: start it with Gray()")
        return np.ascontiguousarray(values.transpose(2, 0, 1))

    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that changes the result."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _size_of(pixels: NDArray[np.generic]) -> Size:
    return Size(pixels.shape[1], pixels.shape[0])
