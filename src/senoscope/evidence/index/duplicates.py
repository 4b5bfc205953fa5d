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

DETAIL = 32
"""Cells along each side of the fine structure."""

SAME_DETAIL = 0.92
"""Correlation of fine structures from which on near-duplicates are one picture: of BUSI's 130 pairs nine in ten reach
it, of the 383 pairs of mini-MIAS, all of them different women's breasts of one outline, none does."""

BLOCK = 512
"""Images compared with as many others at once; bounds the memory of the comparison to a few MB."""


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


def detail(image: Image) -> NDArray[np.float16]:
    """(1024,) fine structure: 32×32 levels less their surroundings, by local contrast, of length 1.

    The product of two such rows is their correlation. Hashes of pictures with much black see little but the outline,
    which two breasts may share; detail they share only if they are the same picture.
    """
    grey = Gray().apply(image.pixels).astype(np.float32) / np.float32(image.maximum)
    small = np.asarray(Pil.fromarray(grey).resize((DETAIL, DETAIL), Pil.Resampling.BILINEAR))
    fine = small - _around(small)
    fine /= np.sqrt(_around(fine**2)) + np.float32(0.02)
    fine -= fine.mean()
    length = float(np.linalg.norm(fine))
    return np.asarray(fine / length if length > 0 else fine, np.float16).ravel()


def _around(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(levels, 3, "edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, (7, 7)).mean(axis=(2, 3)), np.float32)


def signatures(paths: Sequence[Path]) -> Iterator[Signature | InputError]:
    """Read and hash every image, in order; one that cannot be read gives its error in its place."""
    for path in paths:
        try:
            yield signature(read(path))
        except InputError as error:
            yield error


@dataclass(frozen=True, eq=False)
class Block:
    """Near-duplicates among one block of images and another: (P,) positions and distances, −1 for an exact copy."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)


def near_blocks(hashed: Sequence[Signature], distance: int = NEAR) -> Iterator[Block]:
    """All pairs at most `distance` bits apart or with the same file or pixels, block by block.

    Nothing larger than one block against another is held, so that memory grows with the number of images and not with
    its square, even where thousands of them are the same picture.
    """
    if not hashed:
        return
    words = np.frombuffer(b"".join(one.bits for one in hashed), np.uint64).reshape(len(hashed), -1)
    files, pixels = (_numbered([getattr(one, key) for one in hashed]) for key in ("file", "pixels"))
    for row in range(0, len(hashed), BLOCK):
        for column in range(row, len(hashed), BLOCK):
            rows, columns = slice(row, row + BLOCK), slice(column, column + BLOCK)
            apart = np.zeros((len(words[rows]), len(words[columns])), np.int16)
            for word in range(words.shape[1]):
                apart += np.bitwise_count(words[rows, word, None] ^ words[None, columns, word])
            for numbers in (files, pixels):
                apart[numbers[rows, None] == numbers[None, columns]] = -1
            near = apart <= distance
            if row == column:
                near &= ~np.tri(len(near), dtype=np.bool_)
            first, second = np.nonzero(near)
            if len(first):
                yield Block(first + row, second + column, apart[near].astype(np.int64))


def _numbered(texts: list[str]) -> NDArray[np.int64]:
    """(N,) a number for each text, the same for the same text; an empty text is like no other."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(text, at) if text else at for at, text in enumerate(texts)], np.int64)


def near_pairs(hashed: Sequence[Signature], distance: int = NEAR) -> list[Pair]:
    """All pairs that `near_blocks` finds, in order of their positions; one object a pair, so for sets of few copies."""
    pairs = [
        Pair(int(first), int(second), int(apart))
        for block in near_blocks(hashed, distance)
        for first, second, apart in zip(block.first, block.second, block.distance, strict=True)
    ]
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


class _Forest:
    """Clusters that are joined one by one; each is known by its first member."""

    def __init__(self, count: int) -> None:
        self.parent = np.arange(count)

    def roots(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        found = self.parent[positions]
        while not np.array_equal(above := self.parent[found], found):
            found = above
        self.parent[positions] = found
        return found

    def join(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """Join pairs; thousands of pairs within one cluster cost one look each, and no step of their own."""
        while len(first):
            ends = np.sort(np.column_stack((self.roots(first), self.roots(second))), axis=1)
            open_ends = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0)
            first, second = open_ends[:, 0], open_ends[:, 1]
            np.minimum.at(self.parent, second, first)

    def numbered(self) -> NDArray[np.int64]:
        roots = self.roots(np.arange(len(self.parent)))
        return np.unique(roots, return_inverse=True)[1].astype(np.int64).reshape(-1)


def joined(count: int, pairs: Sequence[Pair]) -> NDArray[np.int64]:
    """(count,) cluster of each position when every pair is joined; clusters are numbered by their first member."""
    forest = _Forest(count)
    ends = np.array([(pair.first, pair.second) for pair in pairs], np.int64).reshape(-1, 2)
    forest.join(ends[:, 0], ends[:, 1])
    return forest.numbered()


def clusters(paths: Sequence[Path], *, distance: int = NEAR) -> NDArray[np.int64]:
    """(N,) cluster of each image: exact and perceptual near-duplicates, joined transitively.

    Args:
        paths: image files.
        distance: bits of 256 up to which two images belong together.

    Raises:
        InputError: an image cannot be read.
    """
    return clustered([signature(read(path)) for path in paths], distance)


def clustered(hashed: Sequence[Signature], distance: int = NEAR) -> NDArray[np.int64]:
    """(N,) cluster of each signature; see `clusters`."""
    forest = _Forest(len(hashed))
    for block in near_blocks(hashed, distance):
        forest.join(block.first, block.second)
    return forest.numbered()
