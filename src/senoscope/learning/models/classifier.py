"""Backbone and head as one network that also says what its answer rests on."""

import torch
from torch import Tensor, nn

from senoscope.learning.models.build import Head
from senoscope.learning.models.ensemble import HeadEnsemble
from senoscope.learning.models.smallcnn import DenseHead
from senoscope.learning.weights import Backbone


class Classifier(nn.Module):
    """Intensity normalisation → backbone → mean over the map → head, with Grad-CAM in closed form.

    Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) weighs the channels of the last feature map by the mean gradient
    of the logit. Behind mean pooling that gradient is the head's gradient divided by the map's area, the same at every
    place; so the whole explanation is a product of tensors the forward pass already has. A `DenseHead` takes the map
    flattened, not its mean; its gradient differs from place to place, and is averaged over them.

    Args:
        backbone: with its weights.
        head: on the pooled features.
        scale: the number full scale has in the input.
    """

    def __init__(self, backbone: Backbone, head: Head | HeadEnsemble, scale: float = 255.0) -> None:
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

    def pooled(self, maps: Tensor) -> Tensor:
        """(N, C, h, w) → what the head takes: (N, C), or (N, C·h·w) for a `DenseHead`."""
        return maps.flatten(1) if isinstance(self.head, DenseHead) else maps.mean(dim=(2, 3))

    def embedding(self, pooled: Tensor) -> Tensor:
        """What the head takes → (N, D) by which pictures are compared: the same, or what its dense layer says."""
        return self.head.embedding(pooled) if isinstance(self.head, DenseHead) else pooled

    def logits(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, scale] → (N, 1)."""
        logits: Tensor = self.head(self.pooled(self.features(image)))
        return logits

    def answers(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1) and embedding (N, D)."""
        pooled = self.pooled(self.features(image))
        return self.head(pooled), self.embedding(pooled)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1), saliency (N, h, w), embedding (N, D)."""
        maps = self.features(image)
        pooled = self.pooled(maps)
        gradient = self.head.gradient(pooled)
        if isinstance(self.head, DenseHead):
            weights = gradient.unflatten(1, maps.shape[1:]).mean(dim=(2, 3))
        else:
            weights = gradient / (maps.shape[2] * maps.shape[3])
        saliency = torch.relu((maps * weights[:, :, None, None]).sum(dim=1))
        return self.head(pooled), saliency, self.embedding(pooled)
