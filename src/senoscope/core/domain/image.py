"""A picture as the modality made it: grey levels, full scale, where it came from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import InputError

Pixels = NDArray[Any]
"""(H, W) grey or (H, W, 3) RGB; uint8, uint16 or float32."""


@dataclass(frozen=True, eq=False)
class Image:
    """One still picture.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB; uint8, uint16 or float32; never rescaled on reading.
        maximum: grey level that stands for full scale, as the file declares it (255, 65535, a PGM's maxval).
        source: path or name the picture came by, for messages.
        digest: SHA-256 of the file's bytes, in hex.
        notes: what reading had to leave out ("transparency dropped"), one phrase each.

    Raises:
        ValueError: the pixels are of another shape or type.
        InputError: there are none, or some are infinite or not a number.
    """

    pixels: Pixels
    maximum: float
    source: str = ""
    digest: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim not in (2, 3) or (self.pixels.ndim == 3 and self.pixels.shape[2] != 3):
            raise ValueError(f"pixels must be (H, W) or (H, W, 3), not {self.pixels.shape}")
        if self.pixels.dtype not in (np.uint8, np.uint16, np.float32):
            raise ValueError(f"pixels must be uint8, uint16 or float32, not {self.pixels.dtype}")
        if not self.pixels.size:
            raise InputError(f"{self.source or 'the picture'} has no pixels", f"it is {self.size}")
        if self.pixels.dtype == np.float32 and not np.isfinite(self.pixels).all():
            raise InputError(f"{self.source or 'the picture'} has grey levels that are no numbers", "mend or mask them")

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return Size(self.pixels.shape[1], self.pixels.shape[0])
