"""Three small convolutions and a dense head on the flattened map: a network that is trained from nothing."""

from typing import Any

import torch
from torch import Tensor, nn

CHANNELS = (16, 32, 64)


def _glorot(layer: nn.Conv2d | nn.Linear) -> None:
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class SmallCNN(nn.Module):
    """Convolutions 3×3 of 16, 32 and 64 channels, each with ReLU and max-pooling by 2.

    It offers what a convolutional network of timm's does. Weights begin as Glorot & Bengio 2010 draw them (uniform),
    biases at zero. Pixels are divided by full scale and no more.
    """

    num_features = CHANNELS[-1]

    def __init__(self) -> None:
        super().__init__()
        self.pretrained_cfg: dict[str, Any] = {"mean": (0.0,) * 3, "std": (1.0,) * 3, "input_size": (3, 180, 180)}
        before = (3, *CHANNELS[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(given, made, 3, padding=1) for given, made in zip(before, CHANNELS, strict=True)
        )
        for layer in self.convolutions:
            assert isinstance(layer, nn.Conv2d)
            _glorot(layer)

    def forward_features(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] → (N, 64, H // 8, W // 8)."""
        for layer in self.convolutions:
            image = nn.functional.max_pool2d(torch.relu(layer(image)), 2)
        return image

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Say which parameters lie how deep, as timm's networks do."""
        return {"convolutions": r"^convolutions\.(\d+)"}


class DenseHead(nn.Module):
    """Flattened map → dense ReLU → two logits, of which the difference is the answer.

    The difference of two logits under softmax is the log-odds of the positive label, and the softmax's (sparse)
    cross-entropy is the sigmoid's on it.

    Args:
        features: D = C × h × w of the map.
        hidden: units of the dense layer.
    """

    def __init__(self, features: int, hidden: int = 128) -> None:
        super().__init__()
        self.dense = nn.Linear(features, hidden)
        self.last = nn.Linear(hidden, 2)
        _glorot(self.dense)
        _glorot(self.last)

    def embedding(self, flat: Tensor) -> Tensor:
        """(N, D) → (N, hidden), what the dense layer says."""
        return torch.relu(self.dense(flat))

    def forward(self, flat: Tensor) -> Tensor:
        """(N, D) → (N, 1) log-odds."""
        both: Tensor = self.last(self.embedding(flat))
        return both[:, 1:] - both[:, :1]

    def gradient(self, flat: Tensor, of: Tensor | None = None) -> Tensor:
        """(N, D) gradient of the log-odds: the layers' weights, masked by the ReLU."""
        open_units = (self.dense(flat) > 0).to(flat.dtype)
        gradient: Tensor = (open_units * (self.last.weight[1] - self.last.weight[0])) @ self.dense.weight
        return gradient

    def start(self, pooled: Tensor) -> None:
        """Nothing to look at: it is trained with what is below it."""
