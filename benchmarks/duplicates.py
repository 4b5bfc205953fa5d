"""Near-duplicates of 10,000 signatures, against `imagehash` pair by pair; and memory as their number grows."""

import tracemalloc
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Comparison, Turn, measure
from senoscope.evidence.index.duplicates import NEAR, Signature, near_pairs

COUNT, PEER_COUNT = 10_000, 500
SIZES = (2_500, 5_000, 10_000)


def duplicates(folder: Path, turns: int) -> list[Comparison]:
    """All pairs at most 20 of 256 bits apart; both sides begin with hashes and end with a list of pairs."""
    bits = _bits(COUNT)
    hashed = [Signature(str(at), str(at), np.packbits(row).tobytes()) for at, row in enumerate(bits)]
    peers = [imagehash.ImageHash(row.reshape(16, 16)) for row in bits[:PEER_COUNT]]

    def ours(turn: int) -> list[tuple[int, int]]:
        return [(pair.first, pair.second) for pair in near_pairs(hashed)]

    def peer(turn: int) -> list[tuple[int, int]]:
        return [
            (first, second)
            for first in range(PEER_COUNT)
            for second in range(first + 1, PEER_COUNT)
            if peers[first] - peers[second] <= NEAR
        ]

    among = [pair for pair in ours(0) if pair[1] < PEER_COUNT]
    same = among == peer(0) and len(among) > 10
    peaks = {count: _peak(hashed[:count]) for count in SIZES}
    ours_turns, peer_turns = measure(ours, peer, turns)
    scale = COUNT * (COUNT - 1) / (PEER_COUNT * (PEER_COUNT - 1))
    return [
        Comparison(
            "near-duplicates",
            f"duplicates.near_pairs of {COUNT:,} hashes of 256 bits",
            "imagehash, each hash less each other",
            ours_turns,
            tuple(Turn(turn.wall * scale, turn.cpu * scale) for turn in peer_turns),
            required=50,
            checks={
                f"the same pairs among the first {PEER_COUNT:,}": same,
                "peak memory grows less than twice when the number doubles": all(
                    peaks[2 * count] < 2 * peaks[count] for count in SIZES[:-1]
                ),
            },
            notes=(
                f"the peer was measured on {PEER_COUNT:,} hashes, its times multiplied by {scale:.0f}, as pairs are",
                "peak memory: " + ", ".join(f"{count:,} hashes {peak / 1e6:.1f} MB" for count, peak in peaks.items()),
            ),
        )
    ]


def _bits(count: int) -> NDArray[np.bool_]:
    """(count, 256) random hashes, every tenth a copy of the one before it with up to 30 bits flipped."""
    random = np.random.default_rng(0)
    bits = random.random((count, 256)) < 0.5
    for row in range(9, count, 10):
        bits[row] = bits[row - 1]
        bits[row, random.choice(256, int(random.integers(0, 31)), replace=False)] ^= True
    return bits


def _peak(hashed: list[Signature]) -> int:
    """Bytes at the height of a comparison, beyond the signatures themselves."""
    tracemalloc.start()
    near_pairs(hashed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
