"""Several heads on one backbone that answer as one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from senoscope.learning.models.build import Head
from senoscope.learning.models.heads import highest


class HeadEnsemble(nn.Module):
    """The mean of the logits of several heads on the same pooled features.

    The gradient of a mean is the mean of the gradients, so the explanation stays exact, and the backbone below is there
    once, however many heads there are.

    Args:
        heads: each with one logit, or each with K.
    """

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return (N, 1) or (N, K) logits of (N, D) pooled features."""
        return torch.stack([head(pooled) for head in self.heads]).mean(dim=0)

    def gradient(self, pooled: Tensor, of: Tensor | None = None) -> Tensor:
        """(N, D) gradient of the mean logit; of K, all heads explain the same one."""
        of = highest(self(pooled)) if of is None else of
        return torch.stack([head.gradient(pooled, of) for head in self.heads]).mean(dim=0)  # type: ignore[operator] # torch
