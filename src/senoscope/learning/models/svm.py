"""Support vector machines on pooled features, as a head like any other."""

import torch
from torch import Tensor

from senoscope.learning.models.heads import Standardised


class SVMHead(Standardised):
    """Standardised features → decision function of a support vector machine, as one logit; or of K machines, as K.

    With the kernel K(x, s) = exp(−γ |x − s|²) the decision is Σ wₛ K(x, s) + b over the support vectors s, and its
    gradient by x is −2γ Σ wₛ K(x, s) (x − s); with the linear kernel they are w·x + b and w (Cortes & Vapnik 1995,
    doi:10.1007/BF00994018). K > 2 labels have a machine each, which tells it from the rest (Rifkin & Klautau 2004,
    In defense of one-vs-all classification, JMLR 5:101–141); they share the vectors. What is fitted are the buffers;
    see `learning.machine`.

    Args:
        features: D.
        linear: whether the kernel is linear.
        answers: K, or 1 of two labels.
    """

    def __init__(self, features: int, linear: bool, answers: int = 1) -> None:
        super().__init__(features, looks=True)
        self.linear, self.answers = linear, answers
        self.vectors: Tensor
        self.weights: Tensor
        self.bias: Tensor
        self.gamma: Tensor
        self.register_buffer("vectors", torch.zeros(1, features))
        self.register_buffer("weights", torch.zeros(1, answers))
        self.register_buffer("bias", torch.zeros(answers))
        self.register_buffer("gamma", torch.ones(1) / features)

    def adopt(self, vectors: Tensor, weights: Tensor, bias: Tensor, gamma: Tensor) -> None:
        """Take over a fitted machine.

        Args:
            vectors: (S, D) support vectors, standardised; with the linear kernel (K, D), the normals of the planes.
            weights: (S, K) signed coefficients; with the linear kernel the identity.
            bias: (K,).
            gamma: (1,) of the kernel.
        """
        for name, value in (("vectors", vectors), ("weights", weights), ("bias", bias), ("gamma", gamma)):
            setattr(self, name, value.detach().float().contiguous())

    def _kernel(self, standard: Tensor) -> Tensor:
        """(N, S) kernel of standardised features with the support vectors."""
        products = standard @ self.vectors.T
        squares = standard.square().sum(dim=1, keepdim=True) + self.vectors.square().sum(dim=1) - 2 * products
        return torch.exp(-self.gamma * squares.clamp_min(0))

    def _explained(self, pooled: Tensor, of: Tensor | None) -> Tensor:
        """(1, S) coefficients of the only machine, or (N, S) of the one to be explained."""
        if self.answers == 1:
            return self.weights.T
        return self.weights.T[self(pooled).argmax(dim=1) if of is None else of]

    def forward(self, pooled: Tensor) -> Tensor:
        """Return (N, 1) or (N, K) logits of (N, D) pooled features."""
        standard = self.standard(pooled)
        values = standard @ self.vectors.T if self.linear else self._kernel(standard)
        return values @ self.weights + self.bias

    def gradient(self, pooled: Tensor, of: Tensor | None = None) -> Tensor:
        """(N, D) gradient of the logit, or of one of K, in closed form."""
        weights = self._explained(pooled, of)
        if self.linear:
            return torch.zeros_like(pooled) + self.back(weights @ self.vectors)
        standard = self.standard(pooled)
        pulls = self._kernel(standard) * weights
        return self.back(-2 * self.gamma * (standard * pulls.sum(dim=1, keepdim=True) - pulls @ self.vectors))
