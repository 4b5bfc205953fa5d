"""The network that is trained from nothing: its size, its loss, its evidence."""

import numpy as np
import pytest
import torch
from torch import Tensor

from senoscope.core.domain.recipe import parse_recipe
from senoscope.core.errors import RecipeError, WeightsError
from senoscope.core.recipes import recipe_text
from senoscope.learning.fitting.losses import loss_of
from senoscope.learning.models.build import build
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.export import export
from senoscope.learning.models.smallcnn import DenseHead
from senoscope.learning.models.weights import resolve
from senoscope.runtime.session import Session

SIDE = 44
RECIPE = parse_recipe(recipe_text("idc_smallcnn"))


def classifier(side: int, hidden: int = 128) -> Classifier:
    torch.manual_seed(4)
    backbone = resolve("smallcnn", pretrained=False, seed=4, size=side)
    head = build(RECIPE.model.model_copy(update={"hidden": hidden}), backbone.features, backbone.places)
    with torch.no_grad():
        for parameter in head.parameters():
            if parameter.ndim == 1:
                parameter.normal_(std=0.2)
    return Classifier(backbone, head).eval()


def images(count: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=random) * 255
    return torch.nn.functional.interpolate(coarse, (SIDE, SIDE))


def test_the_recipe_is_the_papers_network_weight_for_weight() -> None:
    assert (RECIPE.input.size, RECIPE.model.hidden, RECIPE.finetune.epochs) == (180, 128, 15)

    model = classifier(RECIPE.input.size, RECIPE.model.hidden)

    convolutions = (3 * 9 + 1) * 16 + (16 * 9 + 1) * 32 + (32 * 9 + 1) * 64
    dense = (22 * 22 * 64 + 1) * 128 + (128 + 1) * 2
    assert sum(parameter.numel() for parameter in model.parameters()) == convolutions + dense == 3_988_898


def test_pixels_are_divided_by_full_scale_and_no_more() -> None:
    model = classifier(SIDE)

    torch.testing.assert_close(model.features(images(2)), model.backbone.forward_features(images(2) / 255))  # type: ignore[operator]


def test_layers_are_in_the_papers_order() -> None:
    model, batch = classifier(SIDE), images(2) / 255
    functional = torch.nn.functional
    expected = batch
    for layer in model.backbone.convolutions:  # type: ignore[union-attr] # torch
        convolved = functional.conv2d(expected, layer.weight, layer.bias, padding="same")
        expected = functional.max_pool2d(functional.relu(convolved), 2)

    torch.testing.assert_close(model.features(batch * 255), expected)


def test_the_loss_on_log_odds_is_the_sparse_cross_entropy_of_the_two_logits() -> None:
    head = DenseHead(30, 8)
    flat = torch.randn(50, 30, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(50) % 2

    both = head.last(head.embedding(flat))
    expected = torch.nn.functional.cross_entropy(both, labels)
    found = loss_of("bce", 2.0)(head(flat)[:, 0], labels.float(), torch.ones(50))

    torch.testing.assert_close(found, expected)
    first, second = (torch.autograd.grad(loss, head.last.weight, retain_graph=True)[0] for loss in (found, expected))
    torch.testing.assert_close(first, second)


def autograd_grad_cam(model: Classifier, batch: Tensor) -> Tensor:
    """Grad-CAM by its definition (Selvaraju et al. 2017) for the positive logit less the negative one."""
    assert isinstance(model.head, DenseHead)
    maps = model.features(batch).detach().requires_grad_(True)
    both = model.head.last(torch.relu(model.head.dense(maps.flatten(1))))
    (gradient,) = torch.autograd.grad((both[:, 1] - both[:, 0]).sum(), maps)
    return torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)).detach()


@pytest.mark.parametrize("seed", [0, 1])
def test_exported_network_and_its_evidence(seed: int) -> None:
    model, batch = classifier(SIDE), images(7, seed)

    found = Session(export(model, SIDE), 1).run(batch.numpy())
    with torch.inference_mode():
        logits, saliency, embedding = model(batch)
    expected = autograd_grad_cam(model, batch)

    assert (found.logits.shape, found.saliency.shape, found.embedding.shape) == ((7, 1), (7, 5, 5), (7, 128))
    assert np.ptp(found.logits) > 0.01
    assert expected.max() > 1e-4
    torch.testing.assert_close(saliency, expected, atol=1e-6, rtol=1e-4)
    np.testing.assert_allclose(found.saliency, expected.numpy(), atol=1e-4 * float(expected.max()))
    np.testing.assert_allclose(found.logits, logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(found.embedding, embedding.numpy(), atol=1e-4)


def test_the_embedding_is_what_the_dense_layer_says() -> None:
    model = classifier(SIDE)
    assert isinstance(model.head, DenseHead)

    logits, embedding = model.answers(images(3))

    both = model.head.last(embedding)
    assert (embedding >= 0).all()
    torch.testing.assert_close(logits[:, 0], both[:, 1] - both[:, 0])
    torch.testing.assert_close(model.logits(images(3)), logits)


def test_the_seed_draws_its_weights() -> None:
    first, again, other = (resolve("smallcnn", pretrained=False, seed=seed).digest for seed in (1, 1, 2))

    assert first == again != other


def test_there_are_no_weights_of_it() -> None:
    with pytest.raises(WeightsError, match="no pretrained weights for smallcnn"):
        resolve("smallcnn")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.backbone", "resnet18"),
        ("model.backbone", "smallcnn+resnet18"),
        ("model.pretrained", "true"),
        ("finetune.epochs", "0"),
        ("augment.views", "1"),
    ],
)
def test_a_recipe_of_it_that_contradicts_itself(key: str, value: str) -> None:
    with pytest.raises(RecipeError, match="smallcnn"):
        parse_recipe(recipe_text("idc_smallcnn"), {key: value})
