"""Backbones that show all their stages: what they say, in torch and in a bundle."""

import numpy as np
import pytest
import torch
from torch import Tensor

from senoscope.core.errors import RecipeError
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.export import export
from senoscope.learning.models.staged import StagedNetwork
from senoscope.learning.models.weights import STAGES, Backbone, resolve
from senoscope.runtime.session import Session
from tests.learning.conftest import HEADS, TINY

RESNET = "test_resnet"
NAME = f"{TINY}{STAGES}"
JOINED = f"{NAME}+{RESNET}"


def staged(name: str, size: int = 64) -> Backbone:
    """Random weights, batch statistics that have seen noise: else features are next to nothing."""
    backbone = resolve(name, pretrained=False, seed=5, size=size)
    for module in backbone.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    backbone.network.train()
    with torch.no_grad():
        backbone.network.forward_features(images(24, size) / 255)  # type: ignore[operator] # torch
    backbone.network.eval()
    return backbone


def images(count: int, side: int = 64) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, side, side, generator=random) * torch.linspace(50, 255, count)[:, None, None, None]


@pytest.mark.parametrize("name", [TINY, RESNET, "mobilenetv1_100", "tf_efficientnet_lite0"])
def test_the_means_are_those_of_every_stage_and_the_last_ones_are_the_networks_own(name: str) -> None:
    backbone, batch = staged(f"{name}{STAGES}"), images(3) / 255
    network = backbone.network
    assert isinstance(network, StagedNetwork)
    plain = network.network

    maps = network.forward_features(batch)

    last = plain.forward_features(batch)  # type: ignore[operator] # timm
    found = plain.forward_intermediates(batch, intermediates_only=True)  # type: ignore[operator] # timm
    expected = [*(one.mean(dim=(2, 3)) for one in found[:-1]), last.mean(dim=(2, 3))]
    assert maps.shape == (3, backbone.features, *last.shape[2:])
    assert backbone.places == last.shape[2] * last.shape[3]
    assert len({one.shape[-1] for one in found}) > 2
    torch.testing.assert_close(maps.mean(dim=(2, 3)), torch.cat(expected, dim=1), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(maps[:, -last.shape[1] :], last)


@pytest.mark.parametrize(("name", "side"), [(NAME, 64), (NAME, 97), (JOINED, 64)])
def test_exported_network_and_its_evidence(name: str, side: int) -> None:
    backbone, batch = staged(name, side), images(4, side)
    model = Classifier(backbone, HEADS["logistic"](backbone.features)).eval()

    found = Session(export(model, side), 1).run(batch.numpy())
    maps = model.features(batch).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(model.head(maps.mean(dim=(2, 3))).sum(), maps)
    expected = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)).detach().numpy()

    assert found.saliency.max() > 0
    np.testing.assert_allclose(found.saliency, expected, atol=1e-4 * max(1.0, float(expected.max())))
    np.testing.assert_allclose(found.logits, model.logits(batch).detach().numpy(), atol=1e-3)


def test_every_parameter_has_its_networks_own_depth() -> None:
    network = resolve(NAME, pretrained=False, size=64).network
    assert isinstance(network, StagedNetwork)
    depth = network.group_matcher()

    found = {name: depth(name) for name, _ in network.named_parameters()}

    assert found["network.conv_stem.weight"] == min(found.values())
    assert len(set(found.values())) > 3


def test_stored_features_of_stages_are_not_those_of_the_last_map() -> None:
    plain, own, joined = (resolve(name, pretrained=False, size=64) for name in (TINY, NAME, JOINED))

    assert own.features > plain.features
    assert len({plain.digest, own.digest, joined.digest}) == 3
    assert joined.features == own.features + resolve(RESNET, pretrained=False, size=64).features
    assert own.name == NAME
    assert not any(parameter.requires_grad for parameter in own.network.parameters())


@pytest.mark.parametrize(("name", "words"), [(f"smallcnn{STAGES}", "its stages"), (STAGES, "no backbone ''")])
def test_names_without_stages(name: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        resolve(name, pretrained=False, size=64)
