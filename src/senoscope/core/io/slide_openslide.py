"""Slides by OpenSlide: SVS, NDPI, MRXS, SCN, BIF, DICOM and whatever else it knows."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box, Size
from senoscope.core.errors import InputError, MissingExtraError
from senoscope.core.io.slide_base import Level, Rgb, SlideReader, damaged, not_a_slide, plausible

CACHE = 128 * 2**20
"""Bytes of decoded tiles that are kept, so that what two regions share is decoded once."""


class OpenSlideReader(SlideReader):
    """A slide that OpenSlide reads.

    Args:
        path: the slide's file.

    Raises:
        MissingExtraError: OpenSlide is not installed.
        UnsupportedImageError: OpenSlide does not know this kind of file.
        UnreadableImageError: it knows the kind, and the file is damaged.
    """

    def __init__(self, path: str) -> None:
        try:
            import openslide
        except (ImportError, OSError) as error:  # the library itself may be missing beneath its binding
            raise MissingExtraError(f"{path}: this kind of slide", "slide") from error
        self._errors: tuple[type[Exception], ...] = (openslide.OpenSlideError, OSError, ValueError)
        try:
            self._slide: Any = openslide.OpenSlide(path)
        except openslide.OpenSlideUnsupportedFormatError as error:
            raise not_a_slide(path, "not a slide of any known kind, or damaged at its start") from error
        except self._errors as error:
            raise damaged(path) from error
        try:
            self._slide.set_cache(openslide.OpenSlideCache(CACHE))
            facts = self._slide.properties
            microns = plausible(_number(facts.get("openslide.mpp-x")), _number(facts.get("openslide.mpp-y")))
            self._background = _colour(facts.get("openslide.background-color"))
            super().__init__(path, self._levels(), microns, str(facts.get("openslide.vendor", "unknown")))
        except self._errors as error:
            self._slide.close()
            raise damaged(path) from error
        except InputError:
            self._slide.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._slide.close()

    def _levels(self) -> tuple[Level, ...]:
        found = []
        whole = self._slide.dimensions
        for place, (width, height) in enumerate(self._slide.level_dimensions):
            side = [self._slide.properties.get(f"openslide.level[{place}].tile-{name}") for name in ("width", "height")]
            across, down = (int(one) if one and one.isdecimal() else 256 for one in side)
            scale = (whole[0] / max(1, width), whole[1] / max(1, height))
            found.append(Level(Size(width, height), scale, Size(across, down)))
        return tuple(found)

    def _read(self, level: int, box: Box) -> Rgb:
        # OpenSlide takes corners in whole pixels of level 0; one that falls between two of them is read from before.
        factor = float(self._slide.level_downsamples[level])
        left, top = math.floor(box.left * factor), math.floor(box.top * factor)
        try:
            found = self._slide.read_region((left, top), level, (box.width, box.height))
        except self._errors as error:
            raise damaged(self.path, f" at level {level} near {box.left}, {box.top}") from error
        pixels = np.asarray(found.convert("RGB"), np.uint8)
        if found.getchannel("A").getextrema()[0] == 255:
            return pixels
        empty = np.asarray(found.getchannel("A"))[..., None] == 0
        return np.where(empty, self._background, pixels)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _colour(text: str | None) -> NDArray[np.uint8]:
    try:
        return np.frombuffer(bytes.fromhex(text or "ffffff"), np.uint8)[:3]
    except ValueError:
        return np.full(3, 255, np.uint8)
