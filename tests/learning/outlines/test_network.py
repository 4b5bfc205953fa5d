"""Any architecture on any encoder, with the weights the encoder's classifier has."""

import pytest
import segmentation_models_pytorch as smp
import torch

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError
from senoscope.learning.models.weights import resolve
from senoscope.learning.outlines.network import OutlineNetwork, build
from senoscope.learning.outlines.packing import export_outlines


def recipe(backbone: str = "mobilenetv2_100", architecture: str = "unet", size: int = 64, **outline: object) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "x",
            "task": "ultrasound_outline",
            "dataset": "busi",
            "input": {"size": size},
            "model": {"backbone": backbone, "pretrained": False},
            "outline": {"architecture": architecture, **outline},
        }
    )


def made(asked: Recipe, answers: int = 1) -> OutlineNetwork:
    return build(asked, resolve(asked.model.backbone, pretrained=False, size=asked.input.size), answers).eval()


def test_the_papers_network_has_the_papers_parameters() -> None:
    network = made(recipe("resnet34", size=224), answers=21)

    assert sum(parameter.numel() for parameter in network.parameters()) == 24_439_269


@pytest.mark.parametrize("architecture", sorted(set(smp.MODEL_ARCHITECTURES_MAPPING) - {"dpt"}))
def test_every_architecture_marks_every_pixel(architecture: str) -> None:
    network = made(recipe(architecture=architecture, size=128), answers=3)

    with torch.inference_mode():
        logits, embedding = network(torch.rand(2, 3, 128, 128) * 255)

    assert logits.shape == (2, 3, 128, 128)
    assert embedding.shape[0] == 2
    assert bool(torch.isfinite(logits).all())


@pytest.mark.parametrize("backbone", ["mobilenetv2_100", "tf_efficientnet_lite0", "resnet34", "vgg11"])
def test_the_encoder_has_the_weights_that_were_resolved(backbone: str) -> None:
    asked = recipe(backbone)
    given = resolve(backbone, pretrained=False, seed=5, size=64)
    network = build(asked, given, 1)

    first = next(value for key, value in given.network.state_dict().items() if key.endswith("weight"))
    assert any(value.shape == first.shape and bool((value == first).all()) for value in network.backbone.parameters())
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        deepest = network.eval().backbone(image)[-1]
        stages = given.network.forward_intermediates(image, intermediates_only=True)  # type: ignore[operator] # timm
    torch.testing.assert_close(deepest, stages[-1])


def test_the_exported_network_answers_as_torch_does() -> None:
    # The export compares the two itself, and refuses a difference.
    content = export_outlines(made(recipe(channels=(16, 8, 8, 4, 4))), 64)

    assert len(content) > 1_000_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": "unit"}, "no architecture 'unit'"),
        ({"channels": (8, 4)}, "does not go with"),
        ({"architecture": "dpt"}, "for transformers"),
    ],
)
def test_what_does_not_fit_is_said(changes: dict[str, object], words: str) -> None:
    asked = recipe(**changes)  # type: ignore[arg-type] # a test of several

    with pytest.raises(RecipeError, match=words) as caught:
        build(asked, resolve("mobilenetv2_100", pretrained=False, size=64), 1)
    assert caught.value.hint
