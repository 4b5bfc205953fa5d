"""Support vector machines on pooled features, as a head like any other."""

import torch
from torch import Tensor

from senoscope.learning.models.heads import Standardised


class SVMHead(Standardised):
    """Standardised features → decision function of a support vector machine, as one logit.

    With the kernel K(x, s) = exp(−γ |x − s|²) the decision is Σ wₛ K(x, s) + b over the support vectors s, and its
    gradient by x is −2γ Σ wₛ K(x, s) (x − s); with the linear kernel they are w·x + b and w (Cortes & Vapnik 1995,
    doi:10.1007/BF00994018). What is fitted are the buffers; see `learning.fit`.

    Args:
        features: D.
        linear: whether the kernel is linear.
    """

    def __init__(self, features: int, linear: bool) -> None:
        super().__init__(features, looks=True)
        self.linear = linear
        self.vectors: Tensor
        self.weights: Tensor
        self.bias: Tensor
        self.gamma: Tensor
        self.register_buffer("vectors", torch.zeros(1, features))
        self.register_buffer("weights", torch.zeros(1))
        self.register_buffer("bias", torch.zeros(1))
        self.register_buffer("gamma", torch.ones(1) / features)

    def adopt(self, vectors: Tensor, weights: Tensor, bias: Tensor, gamma: Tensor) -> None:
        """Take over a fitted machine.

        Args:
            vectors: (S, D) support vectors, standardised; with the linear kernel (1, D), the normal of the plane.
            weights: (S,) signed coefficients; with the linear kernel (1,).
            bias: (1,).
            gamma: (1,) of the kernel.
        """
        for name, value in (("vectors", vectors), ("weights", weights), ("bias", bias), ("gamma", gamma)):
            setattr(self, name, value.detach().float().contiguous())

    def _kernel(self, standard: Tensor) -> Tensor:
        """(N, S) kernel of standardised features with the support vectors."""
        products = standard @ self.vectors.T
        squares = standard.square().sum(dim=1, keepdim=True) + self.vectors.square().sum(dim=1) - 2 * products
        return torch.exp(-self.gamma * squares.clamp_min(0))

    def forward(self, pooled: Tensor) -> Tensor:
        """Return (N, 1) logits of (N, D) pooled features."""
        standard = self.standard(pooled)
        values = standard @ self.vectors.T if self.linear else self._kernel(standard)
        return (values @ self.weights[:, None]) + self.bias

    def gradient(self, pooled: Tensor) -> Tensor:
        """(N, D) gradient of the logit in closed form."""
        if self.linear:
            return torch.zeros_like(pooled) + self.back(self.weights @ self.vectors)
        standard = self.standard(pooled)
        pulls = self._kernel(standard) * self.weights
        return self.back(-2 * self.gamma * (standard * pulls.sum(dim=1, keepdim=True) - pulls @ self.vectors))
