"""What fine-tuning goes through: rows with labels, whatever a row is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Batch = TypeVar("Batch")
Asked = TypeVar("Asked", bound=nn.Module, contravariant=True)


@dataclass(frozen=True, eq=False)
class Part:
    """What one batch is made of.

    Args:
        rows: (n,) positions among a source's labels; one may come twice.
        places: (n,) places in the epoch's order, from which what changes a row is drawn.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.int64]


class Source(Protocol[Asked, Batch]):
    """Rows to train or to be judged on: pictures, or exams of several pictures and records.

    It knows nothing of losses, orders and optimisers: it prepares the rows it is asked for, and asks the network, which
    has a `backbone` and a `head` and answers by its method `logits`.
    """

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) labels, positions among the task's: 0 or 1 of two."""

    @property
    def count(self) -> int:
        """N."""

    def batches(self, parts: Sequence[Part], epoch: int | None) -> Iterator[Batch]:
        """A batch for each part, in order: changed as drawn from epoch and places, or as it is where there is none."""

    def logits(self, network: Asked, batch: Batch) -> Tensor:
        """(n, 1) or (n, K) logits of a batch, on the network's device."""


def parts_of(order: NDArray[np.int64], size: int) -> list[Part]:
    """Cut an order of rows into batches; the last may be smaller."""
    places = np.arange(len(order))
    return [Part(order[begin : begin + size], places[begin : begin + size]) for begin in range(0, len(order), size)]
