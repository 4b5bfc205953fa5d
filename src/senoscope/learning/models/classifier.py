"""Backbone and head as one network that also says what its answer rests on."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from senoscope.learning.data.views import carried_back, each, plain, shown, together
from senoscope.learning.models.build import Head
from senoscope.learning.models.heads import highest
from senoscope.learning.models.heads_together import HeadEnsemble
from senoscope.learning.models.smallcnn import DenseHead
from senoscope.learning.models.weights import Backbone


class Look(NamedTuple):
    """What a classifier makes of N pictures: mean logits of their V views, and what is behind them.

    Args:
        logits: (N, 1) or (N, K).
        maps: (V·N, C, h, w) last feature maps.
        pooled: (V·N, D) what the head took.
        embedding: (N, D) of the pictures as they are.
    """

    logits: Tensor
    maps: Tensor
    pooled: Tensor
    embedding: Tensor


class Classifier(nn.Module):
    """Intensity normalisation → backbone → mean over the map → head, with Grad-CAM in closed form.

    Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) weighs the channels of the last feature map by the mean gradient
    of the logit. Behind mean pooling that gradient is the head's gradient divided by the map's area, the same at every
    place; so the whole explanation is a product of tensors the forward pass already has. A `DenseHead` takes the map
    flattened, not its mean; its gradient differs from place to place, and is averaged over them.

    With several views, the answer is the mean of their logits, and its evidence the mean of theirs, each carried back
    to the picture's own orientation. Training sees the picture as it is.

    Args:
        backbone: with its weights.
        head: on the pooled features.
        scale: the number full scale has in the input.
        views: in how many ways an answer looks at the picture; see `learning.views`.
    """

    def __init__(self, backbone: Backbone, head: Head | HeadEnsemble, scale: float = 255.0, views: int = 1) -> None:
        super().__init__()
        self.backbone, self.architecture = backbone.network, backbone.architecture
        self.head = head
        self.views = views
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
        """(N, 3, H, W) in [0, scale] → (N, 1) or (N, K) of the pictures as they are, for training."""
        logits: Tensor = self.head(self.pooled(self.features(image)))
        return logits

    def answers(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1) or (N, K), and embedding (N, D)."""
        # View after view: all of them at once would take as many times the memory.
        pooled = [self.pooled(self.features(view)) for view in each(image, self.views)]
        return torch.stack([self.head(view) for view in pooled]).mean(dim=0), self.embedding(pooled[0])

    def look(self, image: Tensor) -> Look:
        """(N, 3, H, W) in [0, scale] → the answer and what is behind it."""
        maps = self.features(shown(image, self.views))
        pooled = self.pooled(maps)
        logits = together(self.head(pooled), self.views)
        return Look(logits, maps, pooled, self.embedding(plain(pooled, self.views)))

    def evidence(self, look: Look, of: Tensor | None) -> Tensor:
        """Say what the logit rests on, or of K those at the places `of` (N,): saliency (N, h, w)."""
        maps = look.maps
        gradient = self.head.gradient(look.pooled, None if of is None else of.repeat(self.views))
        if isinstance(self.head, DenseHead):
            weights = gradient.unflatten(1, maps.shape[1:]).mean(dim=(2, 3))
        else:
            weights = gradient / (maps.shape[2] * maps.shape[3])
        saliency = torch.relu((maps * weights[:, :, None, None]).sum(dim=1))
        return together(carried_back(saliency, self.views), self.views)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1) or (N, K), saliency (N, h, w), embedding (N, D)."""
        look = self.look(image)
        return look.logits, self.evidence(look, highest(look.logits)), look.embedding
