"""A network without anchors: how surely each place of a grid is the middle of a lesion, and how far its edges are."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError
from senoscope.learning.boxes.losses import edge_loss, middle_loss
from senoscope.learning.boxes.targets import Lesions, targets_of
from senoscope.learning.models.weights import Backbone
from senoscope.runtime.detecting import Boxes, Finding, Maps, found_in

RARE = 0.01
"""Chance of a middle that an untrained network says everywhere, so that the many ordinary places do not drown it."""

REACH = 4.0
"""How many places an untrained network's boxes reach to each side."""

FARTHEST = 6.0
"""Bound of the logarithm of that reach."""


def _block(channels: int) -> nn.Sequential:
    """3 × 3 convolution, normalised over groups of channels: batches of detectors are small."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.GroupNorm(8, channels), nn.ReLU(inplace=True)
    )


class CentreNetwork(nn.Module):
    """Intensity normalisation → backbone → pyramid of its stages → middles and edges.

    The pyramid is that of Lin et al. 2017, arXiv:1612.03144, down to one level.

    Args:
        backbone: of timm's, with stages.
        recipe: channels and stride (`boxes`), the loss's power (`finetune.focus`).
        side: of the square it sees, in pixels.
        scale: the number full scale has in the input.

    Raises:
        RecipeError: the backbone does not show its stages, none has the stride, or the size does not divide evenly.
    """

    def __init__(self, backbone: Backbone, recipe: Recipe, side: int, scale: float = 255.0) -> None:
        super().__init__()
        self.backbone, self.asked, self.side, self.focus = backbone.network, recipe.boxes, side, recipe.finetune.focus
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(backbone.mean).reshape(1, -1, 1, 1) * scale)
        self.register_buffer("std", torch.tensor(backbone.std).reshape(1, -1, 1, 1) * scale)
        widths, self.first = _stages(backbone, side, self.asked.stride)
        channels = self.asked.channels
        self.laterals = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in widths)
        self.smooth = _block(channels)
        self.tower = nn.Sequential(_block(channels), _block(channels))
        self.middle = nn.Conv2d(channels, 1, 3, padding=1)
        self.edges = nn.Conv2d(channels, 4, 3, padding=1)
        for last, start in ((self.middle, -math.log((1 - RARE) / RARE)), (self.edges, math.log(REACH))):
            nn.init.normal_(last.weight, std=0.01)
            assert last.bias is not None
            nn.init.constant_(last.bias, start)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, S, S) in [0, scale] → heat logits (N, 1, h, w), sides (N, 4, h, w) in pixels, embedding (N, D)."""
        whole: Any = self.backbone
        stages = whole.forward_intermediates((image - self.mean) / self.std, intermediates_only=True)
        levels = [lateral(stage) for lateral, stage in zip(self.laterals, stages[self.first :], strict=True)]
        top = levels.pop()
        while levels:
            below = levels.pop()
            top = below + functional.interpolate(top, size=below.shape[2:], mode="nearest")
        features = self.tower(self.smooth(top))
        sides = self.edges(features).clamp(max=FARTHEST).exp() * self.asked.stride
        return self.middle(features), sides, _summary(stages[self.first], stages[-1])

    def loss(self, images: Tensor, lesions: Sequence[Lesions]) -> Tensor:
        """Loss of N pictures (N, 3, S, S): of middles and of edges."""
        logits, sides, _ = self.forward(images)
        targets = targets_of(lesions, (logits.shape[2], logits.shape[3]), self.asked.stride)
        total: Tensor = middle_loss(logits, targets, self.focus)
        return total + self.asked.size_weight * edge_loss(self._edges(sides), targets)

    def _edges(self, sides: Tensor) -> Tensor:
        """Distances from each place → left, top, right and bottom in pixels of the input."""
        down, across = sides.shape[2:]
        y = ((torch.arange(down, device=sides.device) + 0.5) * self.asked.stride)[:, None].expand(down, across)
        x = ((torch.arange(across, device=sides.device) + 0.5) * self.asked.stride)[None].expand(down, across)
        left, top, right, bottom = sides.unbind(1)
        return torch.stack([x - left, y - top, x + right, y + bottom], dim=1)

    def surest(self, images: Tensor) -> Tensor:
        """(N,) logit of each picture's likeliest place."""
        return self.forward(images)[0].flatten(1).amax(dim=1)

    def found(self, arrays: Sequence[NDArray[np.float32]], how: Finding) -> list[Boxes]:
        """Boxes in prepared pictures (C, S, S), made exactly as the runtime makes them."""

        def run(given: NDArray[np.float32]) -> Maps:
            with torch.inference_mode():
                heat, sides, embedding = self.forward(torch.from_numpy(given).to(self.mean.device))
            return heat.cpu().numpy(), sides.cpu().numpy(), embedding.cpu().numpy()

        return found_in(arrays, run, how)


def _summary(*stages: Tensor) -> Tensor:
    """(N, D) mean and spread of every channel of these stages.

    The last stage alone, once trained to find lesions, takes films for ultrasound; grain and contrast, which the first
    one that is looked at tells, do not.
    """
    spread = [stage.std(dim=(2, 3), correction=0) for stage in stages]
    return torch.cat([*(stage.mean(dim=(2, 3)) for stage in stages), *spread], dim=1)


def _stages(backbone: Backbone, side: int, stride: int) -> tuple[list[int], int]:
    """Channels of the stages from this stride on, and the first of them."""
    whole: Any = backbone.network
    if not hasattr(whole, "forward_intermediates"):
        raise RecipeError(f"{backbone.name!r} does not show its stages", "take another backbone of timm's")
    with torch.inference_mode():
        stages = whole.forward_intermediates(torch.zeros(1, 3, side, side), intermediates_only=True)
    strides = [side / stage.shape[-1] for stage in stages]
    if stride not in strides:
        shown = ", ".join(f"{one:g}" for one in strides)
        raise RecipeError(
            f"boxes.stride = {stride}: {backbone.name} at {side} pixels has stages at strides of {shown}",
            "choose one of these, and sides that are multiples of 32",
        )
    # Of several stages at one stride the last has seen most.
    first = max(place for place, one in enumerate(strides) if one == stride)
    return [stage.shape[1] for stage in stages[first:]], first
