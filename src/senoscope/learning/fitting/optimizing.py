"""Who is trained how fast: groups of parameters by depth, and the learning rate from epoch to epoch."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from timm.models import group_parameters
from torch import nn

from senoscope.core.domain.recipe_parts import FinetuneRecipe
from senoscope.learning.fitting.loop import Row

DROP = 0.1
"""What a plateau multiplies the learning rate by."""


def backbone_of(network: nn.Module) -> nn.Module:
    """Return the part of a network that looks at pictures."""
    backbone = network.backbone
    assert isinstance(backbone, nn.Module)
    return backbone


def optimizer_of(classifier: nn.Module, recipe: FinetuneRecipe) -> torch.optim.Optimizer:
    """Build the optimiser a recipe asks for; each group's `share` says what part of the rate it gets.

    With `layer_decay` < 1, a parameter of the backbone that lies k layers below the head gets `layer_decay`^k (Howard &
    Ruder 2018, doi:10.18653/v1/P18-1031, who call it discriminative fine-tuning); timm says what lies how deep.
    """
    groups = _groups(classifier, recipe)
    match recipe.optimizer:
        case "adam":
            return torch.optim.Adam(groups, lr=recipe.rate, weight_decay=recipe.decay)
        case "sgd":
            return torch.optim.SGD(groups, lr=recipe.rate, weight_decay=recipe.decay, momentum=0.9)
        case _:
            return torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.decay)


def _groups(classifier: nn.Module, recipe: FinetuneRecipe) -> list[dict[str, Any]]:
    if recipe.layer_decay == 1:
        return [{"params": list(classifier.parameters()), "share": 1.0}]
    backbone = backbone_of(classifier)
    matcher: Any = backbone.group_matcher
    depths: dict[int, list[str]] = group_parameters(backbone, matcher(coarse=False))
    named = dict(backbone.named_parameters())
    ordered = sorted(depths)
    groups = [
        {
            "params": [named[name] for name in depths[depth]],
            "share": recipe.layer_decay ** (len(ordered) - rank),
        }
        for rank, depth in enumerate(ordered)
    ]
    above = [parameter for name, parameter in classifier.named_parameters() if not name.startswith("backbone.")]
    return [*groups, {"params": above, "share": 1.0}]


def rate_of(recipe: FinetuneRecipe, epochs: int, rows: Sequence[Row]) -> float:
    """Learning rate of the epoch that follows `rows`, warm-up aside.

    It depends on what the epochs so far came to and on nothing else, so a run that is taken up goes on with the same.

    Args:
        recipe: which schedule.
        epochs: how many there may be.
        rows: of all epochs so far.
    """
    if recipe.schedule == "cosine":
        through = max(0, len(rows) - recipe.warmup) / max(1, epochs - recipe.warmup)
        return recipe.rate * 0.5 * (1 + math.cos(math.pi * through))
    if recipe.schedule == "constant":
        return recipe.rate
    losses = (row.loss if row.validation_loss is None else row.validation_loss for row in rows)
    best, waited, drops = math.inf, 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited > recipe.wait:
            drops, waited = drops + 1, 0
    return float(recipe.rate * DROP**drops)


def warmed(recipe: FinetuneRecipe, epoch: int, step: int, steps: int) -> float:
    """Share of the learning rate at a step (from 0) of an epoch (from 1) of so many steps; 1 behind the warm-up."""
    return min(1.0, ((epoch - 1) * steps + step + 1) / (recipe.warmup * steps)) if recipe.warmup else 1.0


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its share of a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
