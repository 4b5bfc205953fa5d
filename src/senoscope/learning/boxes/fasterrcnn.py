"""Faster R-CNN (Ren et al. 2015, arXiv:1506.01497) of torchvision's, as the founding paper used it.

Proposals from anchors, a class and four edges for each, duplicates removed inside. That inside cannot be exported, so
there is no bundle of it: it is trained, measured and reported.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError
from senoscope.core.preprocess.boxes import distinct
from senoscope.core.preprocess.squares import cut, moved, squares
from senoscope.learning.boxes.targets import Lesions
from senoscope.learning.models.weights import Backbone
from senoscope.runtime.detecting import AT_ONCE, Boxes, Finding

KNOWN = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
"""Backbones that torchvision and timm build alike."""

NONE = 1e-4
"""Score of a picture in which nothing is proposed."""


class FasterNetwork(nn.Module):
    """torchvision's Faster R-CNN on a feature pyramid, with weights of timm's.

    Args:
        backbone: one of `KNOWN`.
        recipe: boxes, input and statistics.
        side: of the square it sees, in pixels.
        scale: the number full scale has in the input.

    Raises:
        RecipeError: the backbone is another.
    """

    def __init__(self, backbone: Backbone, recipe: Recipe, side: int, scale: float = 255.0) -> None:
        super().__init__()
        if backbone.name not in KNOWN:
            raise RecipeError(f"fasterrcnn is not built on {backbone.name!r}", f"it is on {', '.join(KNOWN)}")
        norm = FrozenBatchNorm2d if recipe.finetune.statistics == "kept" else nn.BatchNorm2d
        pyramid = resnet_fpn_backbone(backbone_name=backbone.name, weights=None, norm_layer=norm, trainable_layers=5)
        body: Any = pyramid.body
        body.load_state_dict(backbone.network.state_dict())
        self.scale = scale
        self.body = FasterRCNN(
            pyramid,
            num_classes=2,
            min_size=side,
            max_size=side,
            image_mean=list(backbone.mean),
            image_std=list(backbone.std),
            box_nms_thresh=recipe.boxes.overlap,
            box_detections_per_img=recipe.boxes.most,
            box_score_thresh=0.0,
        )

    @property
    def backbone(self) -> nn.Module:
        """The part whose batch statistics may be kept."""
        found: nn.Module = self.body.backbone
        return found

    def loss(self, images: Tensor, lesions: Sequence[Lesions]) -> Tensor:
        """Loss of N pictures (N, 3, S, S): proposals and their edges, classes and their edges."""
        model: Any = self.body
        parts = (model, model.rpn, model.roi_heads)
        before = [part.training for part in parts]
        for part in parts:
            # Losses are given in training mode only; batch normalisation stays in whatever mode it is.
            part.training = True
        try:
            losses: dict[str, Tensor] = model(list(images / self.scale), [_labelled(one, images) for one in lesions])
        finally:
            for part, mode in zip(parts, before, strict=True):
                part.training = mode
        return torch.stack(list(losses.values())).sum()

    def surest(self, images: Tensor) -> Tensor:
        """(N,) logit of each picture's surest box."""
        highest = [scores.max() if len(scores) else torch.tensor(NONE) for _, scores in self._said(images)]
        return torch.logit(torch.stack(highest), NONE)

    def found(self, arrays: Sequence[NDArray[np.float32]], how: Finding) -> list[Boxes]:
        """Boxes in prepared pictures (C, S, S); there is no map of heat, and no embedding."""
        answers = []
        for array in arrays:
            corners = squares(array, how.patch)
            given = cut(array, corners, how.patch)
            said = [
                one
                for at in range(0, len(given), AT_ONCE)
                for one in self._said(torch.from_numpy(given[at : at + AT_ONCE]))
            ]
            rows = moved([boxes.numpy().astype(np.float64) for boxes, _ in said], corners)
            scores = np.clip(np.concatenate([each.numpy() for _, each in said]).astype(np.float64), NONE, 1 - NONE)
            logits = np.log(scores / (1 - scores))
            kept = distinct(rows, logits, how.overlap, how.most)
            surest = float(logits.max(initial=float(np.log(NONE / (1 - NONE)))))
            nothing = np.zeros((1, 1), np.float32)
            answers.append(Boxes(rows[kept], logits[kept], surest, nothing, nothing[0]))
        return answers

    def _said(self, images: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Boxes (D, 4) and scores (D,) of each picture."""
        model: Any = self.body
        with torch.inference_mode():
            return [(one["boxes"].cpu(), one["scores"].cpu()) for one in model(list(images / self.scale))]


def _labelled(one: Lesions, images: Tensor) -> dict[str, Tensor]:
    boxes = torch.as_tensor(one.rows, dtype=torch.float32, device=images.device).reshape(-1, 4)
    return {"boxes": boxes, "labels": torch.ones(len(boxes), dtype=torch.int64, device=images.device)}
