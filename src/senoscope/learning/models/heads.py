"""Heads on pooled features, each with the gradient of its logit in closed form.

Two labels take one logit, K > 2 take K, and the gradient is then that of each image's highest one.

To add a head: write the class, and a line in `models.build`; contract tests then compare its closed form with autograd.
"""

from typing import Protocol

import torch
from torch import Tensor, nn


class Head(Protocol):
    """What a head must offer beside being an `nn.Module`."""

    def __call__(self, pooled: Tensor) -> Tensor:
        """Return (N, 1) or (N, K) logits of (N, D) pooled features."""

    def gradient(self, pooled: Tensor, of: Tensor | None = None) -> Tensor:
        """Return (N, D) gradient of the logit; of K logits, of those at the places `of` (N,), else of the highest.

        Ordinary operators, no autograd, evaluation mode.
        """

    def start(self, pooled: Tensor) -> None:
        """Look at the training features once, (N, D), before fitting."""


class Standardised(nn.Module):
    """What heads share that may look at the training features first: their mean and standard deviation."""

    def __init__(self, features: int, looks: bool) -> None:
        super().__init__()
        self.looks = looks
        self.mean: Tensor
        self.std: Tensor
        if looks:
            self.register_buffer("mean", torch.zeros(features))
            self.register_buffer("std", torch.ones(features))

    def standard(self, pooled: Tensor) -> Tensor:
        """(N, D) in units of the training features' spread, or as it is where the head does not look."""
        return (pooled - self.mean) / self.std if self.looks else pooled

    def back(self, gradient: Tensor) -> Tensor:
        """(N, D) gradient by the standardised features → by the features."""
        return gradient / self.std if self.looks else gradient

    def start(self, pooled: Tensor) -> None:
        """Take mean and standard deviation from the training features."""
        if self.looks:
            self.mean.copy_(pooled.mean(dim=0))
            self.std.copy_(pooled.std(dim=0).clamp_min(1e-6))


class PapersHead(Standardised):
    """Gaussian noise → dense ReLU → dropout → batch norm → one logit, or K: the head of the founding papers."""

    def __init__(
        self,
        features: int,
        hidden: int = 256,
        noise: float = 0.25,
        dropout: float = 0.25,
        looks: bool = False,
        answers: int = 1,
    ) -> None:
        super().__init__(features, looks)
        self.noise = noise
        self.dense = nn.Linear(features, hidden)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.BatchNorm1d(hidden)
        self.last = nn.Linear(hidden, answers)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return (N, 1) or (N, K) logits of (N, D) pooled features."""
        pooled = self.standard(pooled)
        if self.training:
            pooled = pooled + self.noise * torch.randn_like(pooled)
        logits: Tensor = self.last(self.norm(self.dropout(torch.relu(self.dense(pooled)))))
        return logits

    def gradient(self, pooled: Tensor, of: Tensor | None = None) -> Tensor:
        """(N, D) gradient of the logit: the head's weights, masked by its ReLU."""
        open_units = (self.dense(self.standard(pooled)) > 0).to(pooled.dtype)
        assert self.norm.running_var is not None
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        return self.back((open_units * (explained(self, pooled, of) * scale)) @ self.dense.weight)


class LogisticHead(Standardised):
    """Standardised features → one logit, or K."""

    def __init__(self, features: int, answers: int = 1) -> None:
        super().__init__(features, looks=True)
        self.last = nn.Linear(features, answers)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return (N, 1) or (N, K) logits of (N, D) pooled features."""
        logits: Tensor = self.last(self.standard(pooled))
        return logits

    def gradient(self, pooled: Tensor, of: Tensor | None = None) -> Tensor:
        """(N, D) gradient of the logit: the same for every image, or for all with the same logit explained."""
        return torch.zeros_like(pooled) + self.back(explained(self, pooled, of))


def highest(logits: Tensor) -> Tensor | None:
    """(N, K) logits → (N,) place of each image's highest one; None where there is only one."""
    return logits.argmax(dim=1) if logits.shape[1] > 1 else None


def explained(head: PapersHead | LogisticHead, pooled: Tensor, of: Tensor | None) -> Tensor:
    """Weights of the last layer that make the logit to be explained: (H,) of the only one, (N, H) of K."""
    weight = head.last.weight
    if len(weight) == 1:
        return weight[0]
    return weight[head(pooled).argmax(dim=1) if of is None else of]
