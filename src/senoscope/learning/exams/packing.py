"""An exam as one row of numbers, so that whatever fits heads on stored features fits exams too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """How exams are laid into rows: their images' features, their images' coded records, and which places are taken.

    Args:
        views: images of an exam at most, V.
        features: numbers of an image, D; 0 where no picture is looked at.
        columns: numbers of a coded record, M; 0 where no fact is gone by.
    """

    views: int
    features: int
    columns: int

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return self.views * (self.features + self.columns + 1)

    def pack(
        self, features: NDArray[np.float32], codes: NDArray[np.float32], members: Sequence[NDArray[np.int64]]
    ) -> NDArray[np.float32]:
        """Lay exams into rows.

        Args:
            features: (n, D) of all images.
            codes: (n, M) of all images' records.
            members: positions of each exam's images, at least one and at most V.

        Returns:
            (E, width).
        """
        rows = np.zeros((len(members), self.views, self.features + self.columns + 1), np.float32)
        for row, positions in zip(rows, members, strict=True):
            taken = row[: len(positions)]
            taken[:, : self.features] = features[positions]
            taken[:, self.features : -1] = codes[positions]
            taken[:, -1] = 1.0
        return rows.reshape(len(members), -1)

    def unpack(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(E, width) → features (E, V, D), records (E, V, M), and a mask (E, V) of 1 where there is an image."""
        cube = rows.reshape(len(rows), self.views, self.features + self.columns + 1)
        return cube[..., : self.features], cube[..., self.features : -1], cube[..., -1]

    def joined(self, features: Tensor, records: Tensor, counts: Tensor) -> Tensor:
        """Lay a batch of exams into rows as `pack` does, so that gradients reach the features.

        Args:
            features: (n, D) of all their images, exam after exam.
            records: (n, M).
            counts: (E,) images of each exam.
        """
        # In mixed precision features come as half-precision numbers, and no such are records.
        features = features.float()
        places = torch.arange(self.views, device=counts.device)
        mask = places[None, :] < counts[:, None]
        cube = features.new_zeros(len(counts), self.views, self.features + self.columns + 1)
        cube[mask] = torch.cat([features, records, features.new_ones(len(features), 1)], dim=1)
        return cube.reshape(len(counts), -1)
