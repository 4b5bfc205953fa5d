"""Pixels that may show words: decoded, blanked where words stand, and written uncompressed (PS3.15 E.3.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.errors import ImageTooLargeError, UnsupportedImageError
from senoscope.core.io.deidentify.kinds import PIXELS, REGIONS, said
from senoscope.core.io.deidentify.pictures.streams import JPEG, JPEG_2000
from senoscope.core.io.deidentify.pictures.text import Box, find_text, merged
from senoscope.core.io.deidentify.reading import FAULTS, quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

BIG, NATIVE = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1"

LARGEST = 1_000_000_000
"""Bytes of an object's decoded pixels."""

SEARCHED = 16
"""Frames of a film in which words are looked for, evenly spread; what stands still is found in any of them."""

WHOLE = 0.99
"""Share of a picture from which on ultrasound regions say nothing about where words are."""

_OFFSETS = (0x7FE00001, 0x7FE00002, 0x7FE00003)
_WORDS = frozenset(("OW",))


@dataclass(frozen=True)
class Blanked:
    """What was blanked in one object.

    Args:
        lines: areas like lines of letters.
        share: of the pixels of a frame that is blank now.
        regions: whether everything outside the ultrasound regions was blanked.
    """

    lines: int
    share: float
    regions: bool


def clean_pixels(dataset: "Dataset", syntax: str) -> Blanked:
    """Blank what lies outside ultrasound regions and what looks like words; changes the dataset, which is native then.

    Args:
        dataset: an object with pixels.
        syntax: UID of the transfer syntax they are in.

    Raises:
        UnsupportedImageError: they cannot be decoded.
        ImageTooLargeError: decoded they are larger than `LARGEST`.
    """
    shape = tuple(int(said(dataset, tag) or 0) for tag in (0x00280010, 0x00280011))
    frames = int(said(dataset, 0x00280008) or 1)
    depth = int(said(dataset, 0x00280002) or 1) * int(said(dataset, 0x00280100) or 8) // 8
    if min(*shape, frames) < 1 or depth < 1:
        raise UnsupportedImageError("does not say how large its picture is", "export it again")
    if shape[0] * shape[1] * frames * depth > LARGEST:
        raise ImageTooLargeError(f"its pixels come to more than {LARGEST / 1e9:g} GB", "split it into shorter films")
    try:
        with quiet():
            outside = _outside(dataset, shape)
            boxes = _searched(dataset, syntax, outside, frames)
            blank = _drawn(boxes, shape) if outside is None else outside | _drawn(boxes, shape)
            _write(dataset, syntax, blank)
    except FAULTS as error:
        raise UnsupportedImageError("its pixels cannot be decoded", "decompress it first") from error
    return Blanked(len(boxes), round(float(blank.mean()), 4), outside is not None)


def _searched(dataset: "Dataset", syntax: str, outside: NDArray[np.bool_] | None, frames: int) -> list[Box]:
    looked = {round(number) for number in np.linspace(0, frames - 1, min(frames, SEARCHED))}
    found: list[Box] = []
    for number, frame in enumerate(_frames(dataset, syntax)):
        if number in looked:
            seen = frame
            if outside is not None:
                seen = frame.copy()
                seen[outside] = _fill(dataset, frame)
            found.extend(find_text(_shown(dataset, seen)))
    return merged(found)


def _shown(dataset: "Dataset", frame: NDArray[Any]) -> NDArray[Any]:
    """A frame as people see it: numbers of a palette are no levels."""
    from pydicom.pixels.processing import apply_color_lut

    return np.asarray(apply_color_lut(frame, dataset)) if said(dataset, 0x00280004) == "PALETTE COLOR" else frame


def _outside(dataset: "Dataset", shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """What lies outside the ultrasound regions (PS3.3 C.8.5.5); None where no region is given, or the whole picture."""
    outside = np.ones(shape, bool)
    for region in dataset[REGIONS].value if REGIONS in dataset else ():
        left, top, right, bottom = (int(said(region, 0x00186018 + step) or -1) for step in (0, 2, 4, 6))
        if 0 <= left <= right and 0 <= top <= bottom:
            outside[top : bottom + 1, left : right + 1] = False
    return outside if 1 - WHOLE < outside.mean() < 1 else None


def _drawn(boxes: list[Box], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


def _fill(dataset: "Dataset", frame: NDArray[Any]) -> Any:
    """The darkest value: 0 but for inverted grey, a palette, and signed pixels."""
    kind = said(dataset, 0x00280004)
    if kind == "MONOCHROME1":
        return frame.max()
    if kind == "PALETTE COLOR" and 0x00281201 in dataset:
        first = int(dataset[0x00281101].value[1])
        table = np.frombuffer(dataset[0x00281201].value, np.uint8)
        steps = max(1, len(table) // max(1, int(dataset[0x00281101].value[0]) or 65536))
        return np.asarray(first + int(np.argmin(table[steps - 1 :: steps])), frame.dtype)
    return frame.min() if frame.dtype.kind == "i" else 0


def _frames(dataset: "Dataset", syntax: str) -> Iterator[NDArray[Any]]:
    """Decoded frames, colour as RGB; what pydicom cannot decode is left to imagecodecs."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.pixels.utils import iter_pixels
    from pydicom.uid import UID

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    decoded = iter_pixels(dataset)
    try:
        first = next(decoded)
    except FAULTS:
        if syntax not in JPEG + JPEG_2000:
            raise
        yield from _other_frames(dataset, syntax)
        return
    yield first
    yield from decoded


def _other_frames(dataset: "Dataset", syntax: str) -> Iterator[NDArray[Any]]:
    import imagecodecs
    from pydicom.encaps import generate_frames

    colour = int(said(dataset, 0x00280002) or 1) == 3
    stored = None if not colour else "RGB" if said(dataset, 0x00280004) == "RGB" else "YCBCR"
    signed = said(dataset, 0x00280103) == "1"
    count = int(said(dataset, 0x00280008) or 1)
    for data in generate_frames(dataset[PIXELS].value, number_of_frames=count):
        if syntax in JPEG:
            frame = imagecodecs.jpeg_decode(data, colorspace=stored, outcolorspace="RGB" if colour else None)
        else:
            frame = imagecodecs.jpeg2k_decode(data)
        pixels = np.asarray(frame)
        yield pixels.view(f"i{pixels.dtype.itemsize}") if signed else pixels


def _write(dataset: "Dataset", syntax: str, blank: NDArray[np.bool_]) -> None:
    """Put native pixels in the place of those that were read."""
    parts = []
    for frame in _frames(dataset, syntax):
        changed = np.array(frame)
        changed[blank] = _fill(dataset, frame)
        parts.append(changed.astype(changed.dtype.newbyteorder("<"), copy=False).tobytes())
        samples, size = (3 if changed.ndim == 3 else 1), changed.dtype.itemsize
    data = b"".join(parts)
    if syntax == BIG:
        _swap(dataset)
    for tag in _OFFSETS:
        if tag in dataset:
            del dataset[tag]
    element = dataset[PIXELS]
    element.VR, element.is_undefined_length = "OB" if size == 1 else "OW", False
    element.value = data + b"\0" * (len(data) % 2)
    dataset.BitsAllocated = 8 * size
    if samples == 3:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0


def _swap(dataset: "Dataset") -> None:
    """Turn the words of other binary elements round, which pydicom leaves as they are."""
    for element in dataset.iterall():
        if element.VR in _WORDS and element.tag != PIXELS and element.value:
            element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
