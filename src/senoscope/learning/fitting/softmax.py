"""What fitting more than two labels needs: loss, judgement and weights of K logits."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from senoscope.evidence.metrics.classification import roc_auc
from senoscope.learning.fitting.loop import Validation


def softmax_loss(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor,
    kind: Literal["bce", "focal"] = "bce",
    focus: float = 0.0,
    smoothing: float = 0.0,
) -> Tensor:
    """Weighted mean cross-entropy of several labels, a scalar; `focal` as in Lin et al. 2017.

    Args:
        logits: (N, K).
        labels: (N,) positions of labels.
        weights: (N,).
        kind: `bce` for the cross-entropy itself, `focal` for that times (1 − pₜ)^focus.
        focus: γ.
        smoothing: labels become 1 − smoothing, and smoothing/K is spread over all K.
    """
    each = cross_entropy(logits, labels.long(), reduction="none", label_smoothing=smoothing)
    if kind == "focal":
        chance = torch.softmax(logits, dim=1).gather(1, labels.long()[:, None])[:, 0]
        each = (1 - chance) ** focus * each
    return (weights * each).mean()


def softmax_weights(labels: NDArray[np.int64]) -> Tensor:
    """(N,) weights of mean 1 such that every label that is there weighs the same."""
    counts = np.bincount(labels)
    return torch.from_numpy(len(labels) / (np.count_nonzero(counts) * counts[labels])).float()


def judge_softmax(logits: Tensor, labels: NDArray[np.int64]) -> Validation:
    """Unweighted cross-entropy and macro ROC AUC of (N, K) logits: the mean over labels, each against the rest."""
    scores = logits.detach()
    loss = float(cross_entropy(scores, torch.from_numpy(labels)))
    chances = torch.softmax(scores.double(), dim=1).numpy()
    areas = [roc_auc((labels == label).astype(np.int64), chances[:, label]) for label in range(chances.shape[1])]
    return Validation(loss, float(np.mean(areas)))
