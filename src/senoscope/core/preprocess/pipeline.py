"""Steps in order, from an image to the array a network takes; the same code trains and serves."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from senoscope.core.domain.geometry import Placement, Size
from senoscope.core.domain.image import Image, Pixels
from senoscope.core.preprocess.heat import Mirror, Torso
from senoscope.core.preprocess.pectoral import Muscle
from senoscope.core.preprocess.steps import Breast, Gray, Scan, Step


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image ready for the network.

    Args:
        array: (C, H, W) float32 in [0, scale].
        placements: how the picture was laid into it, outermost first.
        missing: kinds of the steps that sought a part of the picture and did not find it; all of it stands for it.
    """

    array: NDArray[np.float32]
    placements: tuple[Placement, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """Preprocessing as data.

    Args:
        steps: in the order they run.
        channels: 1 or 3; a grey picture is repeated to fill three, colour in a one-channel pipeline is an error of the
            pipeline (`ValueError`), so such a pipeline starts with `Gray`; so does one with `Torso` or `Mirror`.
        intensity: `full_scale` divides by the full scale the file declares and multiplies by `scale`. Nothing is ever
            concluded from the pixel values themselves.
        scale: the number full scale becomes, as the network's graph expects it.
    """

    steps: Annotated[tuple[Step, ...], Field(max_length=16)]
    channels: Literal[1, 3] = 3
    intensity: Literal["full_scale"] = "full_scale"
    scale: Annotated[float, Field(gt=0, le=65535)] = 255.0

    def __post_init__(self) -> None:
        grey = False
        for step in self.steps:
            if isinstance(step, Torso | Mirror) and not grey:
                raise ValueError(f"step {step.kind!r} takes a grey picture: put 'gray' before it")
            if isinstance(step, Mirror) and self.channels != 3:
                raise ValueError("step 'mirror' gives three channels, and the pipeline has one")
            grey = isinstance(step, Gray) or (grey and not isinstance(step, Mirror))

    def apply(self, image: Image) -> Prepared:
        """Run every step on an image."""
        pixels, maximum = image.pixels, image.maximum
        placements: list[Placement] = []
        missing: list[str] = []
        for step in self.steps:
            if isinstance(step, Gray | Mirror | Muscle):
                pixels = step.apply(pixels)
            elif isinstance(step, Torso):
                cut = step.cut(pixels)
                placements.append(cut.placement)
                pixels, maximum = cut.levels, 1.0
                missing += [] if cut.found else [step.kind]
            else:
                placed, found = (
                    step.find(pixels) if isinstance(step, Breast | Scan) else (step.place(_size_of(pixels)), True)
                )
                placements.append(placed)
                pixels = step.apply(pixels, placed)
                missing += [] if found else [step.kind]
        values = self._channelled(pixels)
        if maximum != self.scale:
            values *= np.float32(self.scale / maximum)
        return Prepared(values, tuple(placements), tuple(missing))

    def _channelled(self, pixels: Pixels) -> NDArray[np.float32]:
        if pixels.ndim == 2:
            return np.repeat(pixels[None].astype(np.float32), self.channels, axis=0)
        if self.channels == 1:
            raise ValueError("colour reached a one-channel pipeline: start it with Gray()")
        # Converted and turned in one go: over bytes that is a third quicker than one after the other.
        return pixels.transpose(2, 0, 1).astype(np.float32, order="C")

    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that changes the result."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _size_of(pixels: NDArray[np.generic]) -> Size:
    return Size(pixels.shape[1], pixels.shape[0])
