"""A backbone that shows the maps of all its stages, not of the last alone."""

from collections.abc import Callable
from typing import Any

import torch
from timm.models import group_parameters
from torch import Tensor, nn

from senoscope.learning.models.joined import averaged


class StagedNetwork(nn.Module):
    """The maps before every halving of the grid, and the last one, stacked on the last one's grid.

    Early maps hold colour and texture, late ones shapes of things. Put beside each other for one place they are
    hypercolumns (Hariharan et al. 2015, arXiv:1411.5752); behind mean pooling, the means of every stage. A tissue whose
    stain and grain say much, and whose shapes are none of a photograph's, is told by all of them better than by the
    last. It costs no more than the last map, which runs through all of them.

    Args:
        network: of timm's, with `forward_intermediates`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward_features(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, ΣC, h, w): maps from the first stage to the last, each averaged to the last one's grid."""
        whole: Any = self.network
        last: Tensor
        last, stages = whole.forward_intermediates(image)
        # The last stage is what the last map is made of, or that map itself.
        return torch.cat([*(averaged(one, *last.shape[2:]) for one in stages[:-1]), last], dim=1)

    def group_matcher(self, coarse: bool = False) -> Callable[[str], int]:
        """Say which parameters lie how deep: as the network itself says."""
        whole: Any = self.network
        groups: dict[int, list[str]] = group_parameters(self.network, whole.group_matcher(coarse=coarse))
        return {f"network.{name}": depth for depth, names in groups.items() for name in names}.__getitem__
