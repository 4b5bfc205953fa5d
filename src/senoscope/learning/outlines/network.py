"""A network of segmentation_models_pytorch on an encoder of timm's, from the weights that `resolve` finds."""

from difflib import get_close_matches
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import RecipeError
from senoscope.learning.models.weights import Backbone


class OutlineNetwork(nn.Module):
    """Intensity normalisation → encoder → decoder → a logit for every pixel and label.

    Args:
        body: with `encoder`, `decoder` and `segmentation_head`, as the library's networks have.
        backbone: whose mean and deviation the encoder expects.
        scale: the number full scale has in the input.
    """

    def __init__(self, body: nn.Module, backbone: Backbone, scale: float = 255.0) -> None:
        super().__init__()
        parts: Any = body
        self.backbone: nn.Module = parts.encoder
        self.decoder: nn.Module = parts.decoder
        self.head: nn.Module = parts.segmentation_head
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(backbone.mean).reshape(1, -1, 1, 1) * scale)
        self.register_buffer("std", torch.tensor(backbone.std).reshape(1, -1, 1, 1) * scale)

    def logits(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, scale] → (N, 1, H, W) or (N, K, H, W)."""
        return self.forward(image)[0]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1 or K, H, W), and the deepest features' mean (N, D)."""
        features = self.backbone((image - self.mean) / self.std)
        logits: Tensor = self.head(self.decoder(features))
        return logits, features[-1].mean(dim=(2, 3))


def build(recipe: Recipe, backbone: Backbone, answers: int) -> OutlineNetwork:
    """Build the network a recipe asks for; the decoder's weights are drawn from `fit.seed`.

    Args:
        recipe: architecture, decoder and input size.
        backbone: its weights, which the encoder begins with.
        answers: maps it gives: 1 for two labels.

    Raises:
        RecipeError: there is no such architecture, or it does not go with the encoder, the channels or the size.
    """
    asked, known = recipe.outline, sorted(smp.MODEL_ARCHITECTURES_MAPPING)
    if asked.architecture not in known:
        near = ", ".join(get_close_matches(asked.architecture, known, n=3, cutoff=0.3)) or ", ".join(known)
        raise RecipeError(f"there is no architecture {asked.architecture!r}", f"did you mean: {near}?")
    torch.manual_seed(recipe.fit.seed)
    options: dict[str, Any] = {"decoder_channels": asked.channels} if asked.channels else {}
    if any(type(module).__name__ == "Conv2dSame" for module in backbone.network.modules()):
        options["pad_type"] = "same"
    if asked.architecture == "dpt":
        raise RecipeError("the architecture 'dpt' is for transformers", "take 'upernet', 'fpn' or 'unet'")
    unfit = f"{asked.architecture} does not go with {recipe.model.backbone} at {recipe.input.size} px"
    try:
        body = smp.create_model(
            asked.architecture, f"tu-{recipe.model.backbone}", None, in_channels=3, classes=answers, **options
        )
        network = OutlineNetwork(body, backbone)
        _fill(network.backbone, backbone)
        with torch.inference_mode():
            network.eval()
            size = recipe.input.size
            shape = network.logits(torch.zeros(1, 3, size, size)).shape
    except (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise RecipeError(f"{unfit}: {str(error).splitlines()[0][:160]}", "take another of either") from error
    if tuple(shape) != (1, answers, size, size):
        raise RecipeError(f"{unfit}: it gives maps {tuple(shape)}", "take another of either")
    return network


def _fill(encoder: nn.Module, backbone: Backbone) -> None:
    """Give an encoder the weights of the same network as a classifier; the two name stages a little differently."""
    given = {key.replace(".", "_"): value for key, value in backbone.network.state_dict().items()}
    own = encoder.state_dict()
    state = {}
    for key, value in own.items():
        name = key.removeprefix("model.").replace(".", "_")
        if name not in given or given[name].shape != value.shape:
            raise ValueError(f"the encoder's {key} is not among the weights")
        state[key] = given[name]
    encoder.load_state_dict(state)
