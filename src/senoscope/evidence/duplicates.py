"""The same picture under several names: exact copies by hash, near copies by a perceptual hash.

Two images are near-duplicates where their 16×16 difference hashes (each bit says whether a cell is darker than its
right neighbour; N. Krawetz, "Kind of Like That", 2013) differ in at most `NEAR` of 256 bits. Unrelated ultrasound
images differ in about 100.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError
from senoscope.core.io import read
from senoscope.core.preprocess.steps import Gray

SIDE = 16
"""Cells along each side of the perceptual hash."""

NEAR = 20
"""Bits of 256 up to which two images are near-duplicates."""

IDENTICAL = 10
"""Bits of 256 up to which two images are called near-identical, in reports."""

BLOCK = 1024
"""Images compared with as many others at once; bounds the memory of the comparison to a few dozen MB."""


@dataclass(frozen=True)
class Signature:
    """What two copies of a picture share.

    Args:
        file: SHA-256 of the file, in hex; equal for exact copies; "" for an image that came from no file.
        pixels: SHA-256 of size, type and decoded grey levels; equal for the same picture in another file.
        bits: 256 bits of the difference hash, packed in 32 bytes; near for near-duplicates.
    """

    file: str
    pixels: str
    bits: bytes


@dataclass(frozen=True)
class Pair:
    """Two images, by position, that are near-duplicates; `distance` is in bits, −1 for an exact copy."""

    first: int
    second: int
    distance: int


def signature(image: Image) -> Signature:
    """Hash one image; colour counts as its luminance."""
    grey = Gray().apply(image.pixels)
    content = hashlib.sha256(f"{grey.shape} {grey.dtype}".encode() + np.ascontiguousarray(grey).tobytes())
    cells = Pil.fromarray(grey.astype(np.float32)).resize((SIDE + 1, SIDE), Pil.Resampling.BILINEAR)
    levels = np.asarray(cells)
    return Signature(image.digest, content.hexdigest(), np.packbits(levels[:, 1:] > levels[:, :-1]).tobytes())


def signatures(paths: Sequence[Path]) -> Iterator[Signature | InputError]:
    """Read and hash every image, in order; one that cannot be read gives its error in its place."""
    for path in paths:
        try:
            yield signature(read(path))
        except InputError as error:
            yield error


def near_pairs(hashed: Sequence[Signature], distance: int = NEAR) -> list[Pair]:
    """All pairs at most `distance` bits apart or with the same file or pixels, in order of their positions.

    Compares block by block, so that memory grows with the number of images and not with its square.
    """
    if not hashed:
        return []
    words = np.frombuffer(b"".join(one.bits for one in hashed), np.uint64).reshape(len(hashed), -1)
    found = {(pair.first, pair.second): pair for pair in _bit_pairs(words, distance)}
    for key in ("file", "pixels"):
        first_with: dict[str, int] = {}
        for position, one in enumerate(hashed):
            value = getattr(one, key)
            earlier = first_with.setdefault(value, position)
            if value and earlier != position:
                found[earlier, position] = Pair(earlier, position, -1)
    return [found[key] for key in sorted(found)]


def _bit_pairs(words: NDArray[np.uint64], distance: int) -> Iterator[Pair]:
    for row in range(0, len(words), BLOCK):
        for column in range(row, len(words), BLOCK):
            left, right = words[row : row + BLOCK], words[column : column + BLOCK]
            apart = np.zeros((len(left), len(right)), np.uint16)
            for word in range(words.shape[1]):
                apart += np.bitwise_count(left[:, word, None] ^ right[None, :, word])
            for first, second in np.argwhere(apart <= distance):
                if row + first < column + second:
                    yield Pair(int(row + first), int(column + second), int(apart[first, second]))


def joined(count: int, pairs: Sequence[Pair]) -> NDArray[np.int64]:
    """(count,) cluster of each position when every pair is joined; clusters are numbered by their first member."""
    parent = list(range(count))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    for pair in pairs:
        first, second = sorted((root(pair.first), root(pair.second)))
        parent[second] = first
    roots = np.array([root(position) for position in range(count)], np.int64)
    return np.unique(roots, return_inverse=True)[1].astype(np.int64).reshape(-1)


def clusters(paths: Sequence[Path], *, distance: int = NEAR) -> NDArray[np.int64]:
    """(N,) cluster of each image: exact and perceptual near-duplicates, joined transitively.

    Args:
        paths: image files.
        distance: bits of 256 up to which two images belong together.

    Raises:
        InputError: an image cannot be read.
    """
    hashed = [signature(read(path)) for path in paths]
    return joined(len(hashed), near_pairs(hashed, distance))
