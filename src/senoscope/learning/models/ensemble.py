"""Several networks, or several heads on one backbone, that answer as one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from senoscope.learning.models.build import Head


class HeadEnsemble(nn.Module):
    """The mean of the logits of several heads on the same pooled features.

    The gradient of a mean is the mean of the gradients, so the explanation stays exact, and the backbone below is there
    once, however many heads there are.

    Args:
        heads: each with one logit.
    """

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return (N, 1) logits of (N, D) pooled features."""
        return torch.stack([head(pooled) for head in self.heads]).mean(dim=0)

    def gradient(self, pooled: Tensor) -> Tensor:
        """(N, D) gradient of the mean logit."""
        return torch.stack([head.gradient(pooled) for head in self.heads]).mean(dim=0)  # type: ignore[operator] # torch


class Ensemble(nn.Module):
    """The mean of the logits of several whole networks.

    The saliency is the mean of theirs, since the answer rests on all of them. The embedding is the first one's: it
    tells pictures of another kind, for which one network is enough; those of several would be as many times as long.

    Args:
        members: classifiers that take the same picture and give maps of the same size.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def answers(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1) and embedding (N, D)."""
        logits, _, embedding = self(image)
        return logits, embedding

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1), saliency (N, h, w), embedding (N, D)."""
        logits, saliency, embeddings = zip(*(member(image) for member in self.members), strict=True)
        return torch.stack(logits).mean(dim=0), torch.stack(saliency).mean(dim=0), embeddings[0]
