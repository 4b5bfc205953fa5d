"""Several backbones side by side, whose last maps are joined into one."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from timm.models import group_parameters
from torch import Tensor, nn


class JoinedNetwork(nn.Module):
    """Every member sees the picture as its own weights expect it; their maps are brought to one grid and stacked.

    It offers what a convolutional network of timm's does. A map is brought to the smallest member's grid by averages
    over areas, which leave its mean as it is: behind mean pooling the features are the members' own, one after another.

    Args:
        members: networks whose `forward_features` maps (N, 3, H, W) to (N, C, h, w).
        means: of RGB in [0, 1], as each member expects it.
        stds: likewise.
    """

    def __init__(
        self, members: Sequence[nn.Module], means: Sequence[Sequence[float]], stds: Sequence[Sequence[float]]
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.means: Tensor
        self.stds: Tensor
        self.register_buffer("means", torch.tensor(means))
        self.register_buffer("stds", torch.tensor(stds))

    def forward_features(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] → (N, ΣC, h, w) on the smallest grid of all."""
        maps: list[Tensor] = [
            member.forward_features((image - mean.reshape(1, 3, 1, 1)) / std.reshape(1, 3, 1, 1))  # type: ignore[operator] # timm
            for member, mean, std in zip(self.members, self.means, self.stds, strict=True)
        ]
        height, width = (min(one.shape[axis] for one in maps) for axis in (2, 3))
        return torch.cat([averaged(one, height, width) for one in maps], dim=1)

    def group_matcher(self, coarse: bool = False) -> Callable[[str], int]:
        """Say which parameters lie how deep, as timm's networks do: members are lined up at the head.

        A layer that lies k below the head in its own network lies k below it here, however deep the others are.
        """
        depths: dict[str, int] = {}
        for number, member in enumerate(self.members):
            matcher: Any = member.group_matcher
            own: dict[int, list[str]] = group_parameters(member, matcher(coarse=coarse))
            depths |= {
                f"members.{number}.{name}": rank - len(own)
                for rank, depth in enumerate(sorted(own))
                for name in own[depth]
            }
        return depths.__getitem__


def averaged(maps: Tensor, height: int, width: int) -> Tensor:
    """(N, C, H, W) → (N, C, height, width), each place the average of the area it covers."""
    if maps.shape[2:] == (height, width):
        return maps
    return _shares(maps, maps.shape[2], height) @ maps @ _shares(maps, maps.shape[3], width).T


def _shares(like: Tensor, given: int, made: int) -> Tensor:
    """(made, given) weights of rows that sum to 1: which part of a new place each old one covers."""
    old = torch.arange(given, dtype=torch.float32, device=like.device) * (made / given)
    new = torch.arange(made, dtype=torch.float32, device=like.device)[:, None]
    covered = torch.minimum(old + made / given, new + 1) - torch.maximum(old, new)
    return covered.clamp_min(0).to(like.dtype)
