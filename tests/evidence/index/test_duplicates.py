from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError
from senoscope.evidence.index import duplicates
from senoscope.evidence.index.duplicates import Pair, Signature, clusters, joined, near_pairs, signature, signatures
from tests.makers import ultrasound


def save(folder: Path, name: str, pixels: np.ndarray) -> Path:
    Pil.fromarray(pixels).save(folder / name)
    return folder / name


def hashes(count: int, seed: int = 0) -> list[Signature]:
    """Random hashes, every fifth a near copy of the one before it."""
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (count, 256)).astype(np.uint8)
    for row in range(5, count, 5):
        bits[row] = bits[row - 1]
        flipped = random.choice(256, int(random.integers(0, 30)), replace=False)
        bits[row, flipped] ^= 1
    return [Signature(str(row), str(row), np.packbits(line).tobytes()) for row, line in enumerate(bits)]


def test_copies_are_clustered_and_others_are_not(tmp_path: Path) -> None:
    pixels = [ultrasound(seed) for seed in range(6)]
    paths = [save(tmp_path, f"{number}.png", part) for number, part in enumerate(pixels)]
    exact = tmp_path / "exact.png"
    exact.write_bytes(paths[1].read_bytes())
    same_pixels = save(tmp_path, "2.bmp", pixels[2])
    smaller = save(tmp_path, "smaller.png", np.asarray(Pil.fromarray(pixels[3]).resize((200, 160))))
    brighter = save(tmp_path, "brighter.png", np.asarray(np.clip(pixels[4] * 1.05, 0, 255), np.uint8))

    found = clusters([*paths, exact, same_pixels, smaller, brighter])

    assert found.tolist() == [0, 1, 2, 3, 4, 5, 1, 2, 3, 4]


def test_unrelated_images_are_far_apart() -> None:
    hashed = [signature(Image(ultrasound(seed), 255)) for seed in range(8)]

    assert near_pairs(hashed, distance=40) == []


def test_the_file_the_pixels_and_the_depth_are_told_apart() -> None:
    pixels = ultrasound(0)
    shallow = signature(Image(pixels, 255, digest="a"))
    deep = signature(Image(pixels.astype(np.uint16) * 257, 65535, digest="b"))

    assert shallow.pixels != deep.pixels
    assert near_pairs([shallow, deep], distance=0) == [Pair(0, 1, 0)]
    assert near_pairs([shallow, signature(Image(pixels, 255, digest="a"))]) == [Pair(0, 1, -1)]


@pytest.mark.parametrize("block", [7, 64, 1024])
def test_blocks_find_what_a_plain_loop_finds(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    hashed = hashes(150)
    bits = np.array([np.unpackbits(np.frombuffer(one.bits, np.uint8)) for one in hashed])
    expected = [
        Pair(first, second, int((bits[first] != bits[second]).sum()))
        for first in range(150)
        for second in range(first + 1, 150)
        if (bits[first] != bits[second]).sum() <= 20
    ]

    monkeypatch.setattr(duplicates, "BLOCK", block)

    assert near_pairs(hashed) == expected
    assert len(expected) > 10


def test_clusters_are_joined_through_chains() -> None:
    found = joined(6, [Pair(4, 5, 1), Pair(0, 3, 1), Pair(3, 5, 1)])

    assert found.tolist() == [0, 1, 2, 0, 0, 0]
    assert joined(0, []).tolist() == []


def test_an_unreadable_file_gives_its_error_in_its_place(tmp_path: Path) -> None:
    good = save(tmp_path, "good.png", ultrasound(0))
    (tmp_path / "bad.png").write_bytes(b"not an image")

    found = list(signatures([tmp_path / "bad.png", good]))

    assert isinstance(found[0], InputError)
    assert isinstance(found[1], Signature)
    with pytest.raises(InputError):
        clusters([good, tmp_path / "bad.png"])
