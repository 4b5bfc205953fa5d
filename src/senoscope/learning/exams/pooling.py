"""From the features of an exam's images to one row of them, with the gradient in closed form."""

import torch
from torch import Tensor, nn


class MeanPool(nn.Module):
    """Every image of an exam counts alike."""

    def shares(self, views: Tensor, mask: Tensor) -> Tensor:
        """(E, V, D) and (E, V) → (E, V) share of each image, 0 where there is none."""
        return mask / mask.sum(dim=1, keepdim=True)

    def gradient(self, views: Tensor, mask: Tensor, outer: Tensor) -> Tensor:
        """(E, V, D) gradient by each image's features of what has the gradient `outer` (E, D) by the pooled ones."""
        return self.shares(views, mask)[..., None] * outer[:, None, :]


class AttentionPool(nn.Module):
    """Gated attention (Ilse et al. 2018, arXiv:1802.04712): shares = softmax(w · (tanh(V x) ⊙ sigmoid(U x))).

    It begins as the mean: `w` is 0.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.content = nn.Linear(features, hidden)
        self.gate = nn.Linear(features, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        nn.init.zeros_(self.score.weight)

    def shares(self, views: Tensor, mask: Tensor) -> Tensor:
        """(E, V, D) and (E, V) → (E, V) share of each image, 0 where there is none."""
        scores = self.score(torch.tanh(self.content(views)) * torch.sigmoid(self.gate(views)))[..., 0]
        return torch.softmax(scores - 1e4 * (1 - mask), dim=1) * mask

    def gradient(self, views: Tensor, mask: Tensor, outer: Tensor) -> Tensor:
        """As `MeanPool.gradient`: what an image gives, and what it gains by drawing attention to itself.

        With pooled z = Σ aᵢ xᵢ and aᵢ = softmax(sᵢ): ∂/∂xᵢ = aᵢ g + aᵢ (g · (xᵢ − z)) ∂sᵢ/∂xᵢ.
        """
        shares = self.shares(views, mask)[..., None]
        pooled = (shares * views).sum(dim=1, keepdim=True)
        gain = ((views - pooled) * outer[:, None, :]).sum(dim=2, keepdim=True)
        content, gate = torch.tanh(self.content(views)), torch.sigmoid(self.gate(views))
        weight = self.score.weight[0]
        by_content = (weight * gate * (1 - content.square())) @ self.content.weight
        by_gate = (weight * content * gate * (1 - gate)) @ self.gate.weight
        return shares * (outer[:, None, :] + gain * (by_content + by_gate))


Pool = MeanPool | AttentionPool
