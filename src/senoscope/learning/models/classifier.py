"""Backbone and head as one network that also says what its answer rests on."""

import torch
from torch import Tensor, nn

from senoscope.learning.models.build import Head
from senoscope.learning.weights import Backbone


class Classifier(nn.Module):
    """Intensity normalisation → backbone → mean over the map → head, with Grad-CAM in closed form.

    Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) weighs the channels of the last feature map by the mean gradient
    of the logit. Behind mean pooling that gradient is the head's gradient divided by the map's area, the same at every
    place; so the whole explanation is a product of tensors the forward pass already has.

    Args:
        backbone: with its weights.
        head: on the pooled features.
        scale: the number full scale has in the input.
    """

    def __init__(self, backbone: Backbone, head: Head, scale: float = 255.0) -> None:
        super().__init__()
        self.backbone = backbone.network
        self.head = head
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(backbone.mean).reshape(1, -1, 1, 1) * scale)
        self.register_buffer("std", torch.tensor(backbone.std).reshape(1, -1, 1, 1) * scale)

    def features(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, scale] → last feature map (N, C, h, w)."""
        maps: Tensor = self.backbone.forward_features((image - self.mean) / self.std)  # type: ignore[operator] # timm
        return maps

    def logits(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, scale] → (N, 1)."""
        logits: Tensor = self.head(self.features(image).mean(dim=(2, 3)))
        return logits

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1), saliency (N, h, w), embedding (N, C)."""
        maps = self.features(image)
        pooled = maps.mean(dim=(2, 3))
        weights = self.head.gradient(pooled) / (maps.shape[2] * maps.shape[3])
        saliency = torch.relu((maps * weights[:, :, None, None]).sum(dim=1))
        return self.head(pooled), saliency, pooled
