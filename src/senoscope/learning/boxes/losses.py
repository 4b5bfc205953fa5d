"""What a network without anchors is told of its mistakes: of middles, and of edges."""

import torch
from torch import Tensor
from torch.nn import functional

from senoscope.learning.boxes.targets import Targets

NEAR = 4.0
"""Power by which places near a middle count less as ordinary ones (Law & Deng 2018, arXiv:1808.01244)."""


def middle_loss(logits: Tensor, targets: Targets, focus: float) -> Tensor:
    """Focal loss of middles (Law & Deng 2018, arXiv:1808.01244), summed over places, by lesion.

    Args:
        logits: (N, 1, h, w).
        targets: what should be said.
        focus: power by which places that are answered well already count less.
    """
    heat, counted = targets.heat.to(logits.device), targets.counted.to(logits.device)
    chance = logits.sigmoid()
    middle = heat == 1
    missed = functional.softplus(-logits) * (1 - chance) ** focus
    invented = functional.softplus(logits) * chance**focus * (1 - heat) ** NEAR * counted
    return torch.where(middle, missed, invented).sum() / max(1, targets.lesions)


def edge_loss(edges: Tensor, targets: Targets) -> Tensor:
    """Generalised IoU loss of boxes (Rezatofighi et al. 2019, arXiv:1902.09630), weighed place by place, by lesion.

    Args:
        edges: (N, 4, h, w) left, top, right, bottom in pixels of the input, right of left and below top.
        targets: what should be said.
    """
    wanted, weight = targets.edges.to(edges.device), targets.weight.to(edges.device)
    left, top, right, bottom = edges.unbind(1)
    left_, top_, right_, bottom_ = wanted.unbind(1)
    shared = (torch.minimum(right, right_) - torch.maximum(left, left_)).clamp_min(0)
    shared = shared * (torch.minimum(bottom, bottom_) - torch.maximum(top, top_)).clamp_min(0)
    joined = (right - left) * (bottom - top) + (right_ - left_) * (bottom_ - top_) - shared
    around = (torch.maximum(right, right_) - torch.minimum(left, left_)) * (
        torch.maximum(bottom, bottom_) - torch.minimum(top, top_)
    )
    # Where nothing is asked the wanted box has no extent, and nothing must be divided by nothing.
    generalised = shared / joined.clamp_min(1e-6) - (around - joined) / around.clamp_min(1e-6)
    return ((1 - generalised) * weight).sum() / max(1, targets.lesions)
