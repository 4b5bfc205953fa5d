"""One batch over several processes: each prepares and looks at its share, all answer for the whole of it.

What the head is given is joined before it, so that its batch normalisation, its noise and the loss are those of the
whole batch, whoever prepared what: two processes come to what one comes to, up to rounding.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from senoscope.learning.data.source import Part, Source
from senoscope.learning.fitting.company import company, joined


class Shared:
    """A network that this process trains with others, or alone.

    Args:
        network: with a `head` that is given a row for each row of the batch.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network, self._company = network, company()

    def fabric(self) -> Fabric:
        """One device for each process: mixed precision on a GPU, and gradients averaged where there are several."""
        cuda = torch.cuda.is_available()
        precision: Any = "bf16-mixed" if cuda else "32-true"
        if self._company.count == 1:
            return Fabric(accelerator="auto", devices=1, precision=precision)
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        made = Fabric(
            accelerator="cuda" if cuda else "cpu",
            strategy="ddp",
            devices=here,
            num_nodes=self._company.count // here,
            precision=precision,
        )
        made.launch()
        return made

    def prepare(self, source: Source[Any, Any]) -> None:
        """Leave parameters alone that no answer depends on: the processes would wait for their gradients for ever."""
        if self._company.count == 1:
            return
        self._network.eval()
        one = Part(np.zeros(1, np.int64), np.zeros(1, np.int64))
        for batch in source.batches([one], None):
            source.logits(self._network, batch).sum().backward()
        for parameter in self._network.parameters():
            parameter.requires_grad_(parameter.grad is not None)
            parameter.grad = None

    def own(self, parts: Sequence[Part]) -> list[Part]:
        """This process's shares of all batches; one row, which does not count, where there are fewer than processes."""
        shares = [self._company.share(len(part.rows)) for part in parts]
        kept = [slice(share.start, share.stop) if share.stop > share.start else slice(0, 1) for share in shares]
        return [Part(part.rows[keep], part.places[keep]) for part, keep in zip(parts, kept, strict=True)]

    @contextmanager
    def head(self, total: int) -> Iterator[None]:
        """Have the head answer for all rows of a batch of so many while the block runs."""
        if self._company.count == 1:
            yield
            return
        share, head = self._company.share(total), self._network.head
        assert isinstance(head, nn.Module)

        def given(module: nn.Module, words: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return joined(words[0], share, total), *words[1:]

        handle = head.register_forward_pre_hook(given)
        try:
            yield
        finally:
            handle.remove()

    def step(self, fabric: Fabric, network: Any, last: bool) -> AbstractContextManager[object]:
        """Average gradients with the last batch of a step only."""
        return nullcontext() if self._company.count == 1 else fabric.no_backward_sync(network, enabled=not last)
