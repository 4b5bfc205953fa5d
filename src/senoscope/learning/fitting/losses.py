"""What training makes small, and the word said when it is no number."""

import math
from collections.abc import Callable
from typing import Literal

from torch import Tensor, sigmoid
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from senoscope.core.errors import RunError

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Logits (N,), labels (N,) of 0 and 1, and weights (N,) → their mean loss, a scalar."""


def loss_of(kind: Literal["bce", "focal"], focus: float, smoothing: float = 0.0) -> Loss:
    """Build a loss.

    Args:
        kind: `bce`, binary cross-entropy; or `focal`, the same times (1 − pₜ)^focus, where pₜ is the probability given
            to the label (Lin et al. 2017, doi:10.1109/ICCV.2017.324; their α is the weights).
        focus: their γ; 0 leaves the cross-entropy.
        smoothing: labels become smoothing/2 and 1 − smoothing/2 (Szegedy et al. 2016, doi:10.1109/CVPR.2016.308).
    """

    def smooth(labels: Tensor) -> Tensor:
        return labels * (1 - smoothing) + smoothing / 2

    def plain(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        return cross_entropy(logits, smooth(labels), weights)

    def focal(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        soft, chance = smooth(labels), sigmoid(logits)
        positive = (1 - chance) ** focus * cross_entropy(logits, labels.new_ones(labels.shape), reduction="none")
        negative = chance**focus * cross_entropy(logits, labels.new_zeros(labels.shape), reduction="none")
        return (weights * (soft * positive + (1 - soft) * negative)).mean()

    return focal if kind == "focal" else plain


def numeric(loss: Tensor, epoch: int, batch: int) -> float:
    """Loss as a number; raises `RunError`, which names epoch and batch from 1, where it is none or infinite."""
    value = float(loss.detach())
    if not math.isfinite(value):
        raise RunError(
            f"epoch {epoch}, batch {batch}: the loss is {value}",
            "lower the learning rate and begin in another --out; what earlier epochs came to is kept",
        )
    return value
