"""What every backbone that the papers or a recipe of ours name promises: with random weights, at odd sizes too."""

import numpy as np
import pytest
import torch
from torch import Tensor

from senoscope.core.errors import RecipeError
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.export import export
from senoscope.learning.models.weights import Backbone, resolve
from senoscope.runtime.session import Session
from tests.learning.conftest import HEADS

SIZES = {
    "vgg16": (64, 97),
    "inception_v3": (107, 131),
    "legacy_xception": (64, 97),
    "mobilenetv1_100": (64, 97),
    "mobilenetv2_100": (64, 97),
    "efficientnet_b0": (64, 97),
    "efficientnet_b2": (64, 97),
    "efficientnet_b3": (64, 97),
    "efficientnet_b4": (64, 97),
    "resnet34": (64, 97),
    "resnet50": (64, 97),
    "maxvit_nano_rw_256": (256,),
    "mobilenetv2_100+tf_efficientnet_lite0": (64, 97),
    "smallcnn+resnet50": (64, 97),
    "efficientnet_b0+mobilenetv1_100+vgg16": (131,),
}
"""Sides at which each is tried; maxvit takes its own only."""

every_backbone = pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, sizes in SIZES.items() for size in sizes]
)


def made(name: str, size: int) -> Backbone:
    """Random weights whose batch statistics have seen much noise: else rounding grows from layer to layer."""
    backbone = resolve(name, pretrained=False, seed=1, size=size)
    for module in backbone.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    random = torch.Generator().manual_seed(0)
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (backbone.mean, backbone.std))
    backbone.network.train()
    with torch.no_grad():
        pixels = (torch.rand(48 if size < 200 else 8, 3, size, size, generator=random) - mean) / std
        backbone.network.forward_features(pixels)  # type: ignore[operator] # timm
    backbone.network.eval()
    return backbone


def grad_cam(classifier: Classifier, image: Tensor) -> Tensor:
    """Grad-CAM by autograd (Selvaraju et al. 2017)."""
    maps = classifier.features(image).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(classifier.head(maps.mean(dim=(2, 3))).sum(), maps)
    return torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)).detach()


@pytest.mark.slow
@every_backbone
def test_exported_network_and_its_evidence(name: str, size: int) -> None:
    backbone = made(name, size)
    classifier = Classifier(backbone, HEADS["papers"](backbone.features)).eval()
    batch = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(2)) * 255

    found = Session(export(classifier, size), 2).run(batch.numpy())
    with torch.inference_mode():
        logits, _, embedding = classifier(batch)
    expected = grad_cam(classifier, batch)

    assert found.logits.shape == (3, 1)
    assert np.ptp(found.logits) > 1e-4
    assert embedding.shape == (3, backbone.features)
    assert torch.isfinite(embedding).all()
    for ours, theirs in ((found.logits, logits), (found.embedding, embedding), (found.saliency, expected)):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-4 * max(1.0, float(theirs.abs().max())))


def test_a_size_that_a_network_does_not_take_is_said_with_its_own() -> None:
    with pytest.raises(RecipeError, match="224×224") as caught:
        resolve("maxvit_nano_rw_256", pretrained=False, size=224)

    assert "256" in caught.value.hint
