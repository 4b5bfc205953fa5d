"""The feature store: what a frozen backbone says of an image never changes, so it is computed once."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from senoscope.core.cache import CACHE, cache
from senoscope.core.errors import RunError
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.learning.models.weights import Backbone

BATCH = 16
READING = 1
"""Raised when reading or preprocessing gives something else for a file and steps: old features are left alone."""


@dataclass(frozen=True)
class Wanted:
    """One embedding: which file, the SHA-256 of its bytes, and how it is prepared."""

    path: Path
    digest: str
    pipeline: Pipeline


class FeatureStore:
    """Embeddings by content: image hash × preprocessing hash × weights hash → (D,) float32.

    An SQLite file, so that every finished batch survives a kill, and two runs may use it at once.

    Args:
        path: the file; made where it is not there.

    Raises:
        RunError: the file is no feature store, or its folder cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.computed = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            self._connection.close()
            raise self._unusable(error) from error

    def embed(
        self, backbone: Backbone, wanted: Sequence[Wanted], progress: Callable[[int], None] = lambda count: None
    ) -> NDArray[np.float32]:
        """Mean-pooled features of every image wanted, (N, D); only those not yet stored are computed.

        Args:
            backbone: frozen, in evaluation mode.
            wanted: images, in the order of the result.
            progress: called with the number of embeddings that have become available.

        Raises:
            RunError: the store is damaged or cannot be written.
            InputError: an image cannot be read.
        """
        keys = [_key(backbone, item) for item in wanted]
        found = np.empty((len(keys), backbone.features), np.float32)
        missing: dict[bytes, int] = {}
        for row, key in enumerate(keys):
            value = self._get(key, backbone.features)
            if value is None:
                missing.setdefault(key, row)
            else:
                found[row] = value
        progress(len(keys) - len(missing))
        for rows, values in self._compute(backbone, wanted, list(missing.values())):
            self._put([(keys[row], value) for row, value in zip(rows, values, strict=True)])
            found[rows] = values
            progress(len(rows))
        for row, key in enumerate(keys):
            if key in missing and missing[key] != row:
                found[row] = found[missing[key]]
        return found

    def _compute(
        self, backbone: Backbone, wanted: Sequence[Wanted], rows: list[int]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        mean = torch.tensor(backbone.mean).reshape(1, -1, 1, 1)
        std = torch.tensor(backbone.std).reshape(1, -1, 1, 1)
        network = backbone.network.to(memory_format=torch.channels_last)
        with torch.inference_mode():
            for group in batches(lambda row: (row, _prepared(wanted[row])), rows, batch=BATCH):
                arrays = np.stack([array for _, array in group])
                images = torch.from_numpy(arrays).contiguous(memory_format=torch.channels_last)
                maps = network.forward_features((images / wanted[group[0][0]].pipeline.scale - mean) / std)  # type: ignore[operator] # timm
                self.computed += len(group)
                yield [row for row, _ in group], maps.mean(dim=(2, 3)).numpy()

    def _get(self, key: bytes, length: int) -> NDArray[np.float32] | None:
        try:
            row = self._connection.execute("SELECT value FROM features WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        if row is None:
            return None
        if not isinstance(row[0], bytes) or len(row[0]) != length * np.dtype(np.float32).itemsize:
            raise self._unusable("an entry has the wrong length")
        return np.frombuffer(row[0], np.float32)

    def _put(self, items: list[tuple[bytes, NDArray[np.float32]]]) -> None:
        rows = [(key, value.tobytes()) for key, value in items]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception | str) -> RunError:
        return RunError(f"{self._path} cannot be used as feature store: {error}", f"move it away, or set {CACHE}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def default_store() -> FeatureStore:
    """Open the store of this machine's user."""
    return FeatureStore(cache() / "features.sqlite")


def _key(backbone: Backbone, item: Wanted) -> bytes:
    return hashlib.sha256(f"{READING} {item.digest} {item.pipeline.fingerprint()} {backbone.digest}".encode()).digest()


def _prepared(item: Wanted) -> NDArray[np.float32]:
    return item.pipeline.apply(read(item.path)).array
