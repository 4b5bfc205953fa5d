"""Pretrained weights: a local safetensors file first, the hub otherwise (where timm loads weights only)."""

import hashlib
import os
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from senoscope.core.domain.recipe_parts import SMALLCNN
from senoscope.core.errors import RecipeError, WeightsError
from senoscope.learning.models.joined import JoinedNetwork
from senoscope.learning.models.smallcnn import SmallCNN
from senoscope.learning.models.staged import StagedNetwork

FOLDER = "SENOSCOPE_WEIGHTS"
"""Environment variable: folder of `<timm name>.safetensors` files, looked at before the hub."""

STAGES = ":stages"
"""Behind a backbone's name: the maps of all its stages, not of the last alone."""

SAME = ":same"
"""Behind a name in an architecture: convolutions that pad as in TensorFlow, whatever timm's own do."""


@dataclass(frozen=True)
class Convention:
    """What goes with a set of weights.

    Args:
        mean: of RGB in [0, 1].
        std: likewise.
        same_padding: whether convolutions pad as in TensorFlow.
        origin: whose they are, and under which licence.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    same_padding: bool
    origin: str


HALF = (0.5, 0.5, 0.5)
TENSORFLOW = Convention(HALF, HALF, same_padding=True, origin="Google's ImageNet weights, Apache-2.0")
CONVENTIONS = {
    "2ba446f27d6a981d4b5dc35173e4901e51dc8b5e3d58e26a77b5d3ac71b08281": TENSORFLOW,  # mobilenetv1_100
    "dc6c785a01452ab292911cb7f9eef75770724943ab5b0848b5dcce874d0a7cda": TENSORFLOW,  # mobilenetv2_100
    "5d1e67d6d594c6c41e7c5d930f38760ed1689c2a64f0f91ae0bf5bc43f72f9d6": TENSORFLOW,  # tf_efficientnet_lite0
}
"""SHA-256 of files whose convention differs from timm's own weights of that name: Google's, from TensorFlow."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """A convolutional network without its classifier.

    Args:
        name: timm's name, or several joined by "+".
        network: its `forward_features` maps (N, 3, H, W) to (N, C, h, w).
        features: C.
        places: h × w of the map at the size it was resolved for.
        mean: of RGB in [0, 1], as the weights expect it.
        std: likewise.
        digest: SHA-256, in hex, over the architecture, its convention and every weight.
        origin: where the weights come from, for the card.
        architecture: what `unfilled` builds the same network from.
    """

    name: str
    network: nn.Module
    features: int
    places: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digest: str
    origin: str
    architecture: str


def resolve(name: str, *, pretrained: bool = True, seed: int = 0, size: int = 96) -> Backbone:
    """Build a backbone and give it its weights.

    Args:
        name: any convolutional timm model, with `:stages` behind it where all its stages are asked for; or `smallcnn`;
            or several of them joined by "+".
        pretrained: whether to load weights; random ones are drawn from `seed` otherwise. Among several, `smallcnn`, of
            which there are no weights, starts from random ones all the same.
        seed: of random weights.
        size: side of the square it will see, in pixels; some networks take certain sizes only.

    Raises:
        RecipeError: timm has no such model, it does not take pictures of this size, or its last features are no map;
            or one is joined with itself.
        WeightsError: the weights are neither local nor to be had from the hub, or do not fit.
    """
    if "+" in name:
        return _joined(name, pretrained=pretrained, seed=seed, size=size)
    if name.endswith(STAGES):
        return _staged(resolve(name.removesuffix(STAGES), pretrained=pretrained, seed=seed, size=size), size)
    if name != SMALLCNN and not timm.is_model(name):
        near = ", ".join(get_close_matches(name, timm.list_models(), n=5)) or "see timm.list_models()"
        raise RecipeError(f"there is no backbone {name!r} in timm", f"did you mean: {near}?")
    folder = os.environ.get(FOLDER)
    path = Path(folder) / f"{name}.safetensors" if folder else None
    if not pretrained:
        torch.manual_seed(seed)
        network, convention, origin = _create(name), None, f"random weights, seed {seed}"
    elif path is not None and path.is_file():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        convention = CONVENTIONS.get(digest)
        network = _create(name, same_padding=convention is not None and convention.same_padding)
        _fill(network, path)
        whose = f"{convention.origin}, " if convention else ""
        origin = f"{whose}{path.name}, sha256 {digest[:12]}"
    else:
        network, convention = _from_hub(name), None
        origin = f"timm/{name} from the hub, {_licence(network)}"
    return _finished(name, network, convention, origin, size)


def unfilled(architecture: str) -> Backbone:
    """Build the network of a `Backbone.architecture` for a state to be loaded into: what it holds means nothing."""
    if "+" in architecture:
        members = [unfilled(each).network for each in architecture.split("+")]
        nothing = [(0.0,) * 3] * len(members)
        network: nn.Module = JoinedNetwork(members, nothing, nothing)
    elif architecture.endswith(STAGES):
        network = StagedNetwork(unfilled(architecture.removesuffix(STAGES)).network)
    else:
        network = _create(architecture.removesuffix(SAME), same_padding=architecture.endswith(SAME))
    return Backbone(architecture, network, 0, 0, (0.0,) * 3, (1.0,) * 3, "", "", architecture)


def _staged(backbone: Backbone, size: int) -> Backbone:
    if not hasattr(backbone.network, "forward_intermediates"):
        raise RecipeError(f"{backbone.name!r} does not show its stages", f"leave out {STAGES!r}")
    network = StagedNetwork(backbone.network)
    network.eval()
    with torch.inference_mode():
        maps = network.forward_features(torch.zeros(1, 3, size, size))
    return replace(
        backbone,
        name=f"{backbone.name}{STAGES}",
        network=network,
        features=maps.shape[1],
        places=maps.shape[2] * maps.shape[3],
        digest=hashlib.sha256(f"stages {backbone.digest}".encode()).hexdigest(),
        architecture=f"{backbone.architecture}{STAGES}",
    )


def _joined(name: str, *, pretrained: bool, seed: int, size: int) -> Backbone:
    names = name.split("+")
    if len(set(names)) < len(names):
        raise RecipeError(f"the backbone {name!r} joins a network with itself", "name each one once")
    members = [
        resolve(each, pretrained=pretrained and each != SMALLCNN, seed=_own(seed, each), size=size) for each in names
    ]
    network = JoinedNetwork(
        [member.network for member in members],
        [member.mean for member in members],
        [member.std for member in members],
    )
    network.eval().requires_grad_(False)
    digest = hashlib.sha256(" ".join(["joined", *(member.digest for member in members)]).encode()).hexdigest()
    return Backbone(
        name,
        network,
        features=sum(member.features for member in members),
        places=min(member.places for member in members),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        digest=digest,
        origin="; ".join(f"{member.name}: {member.origin}" for member in members),
        architecture="+".join(member.architecture for member in members),
    )


def _own(seed: int, name: str) -> int:
    """Seed of one member: networks that begin alike would otherwise draw the same first weights."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4])


def _licence(network: nn.Module) -> str:
    facts: Any = network.pretrained_cfg
    return str(facts.get("license") or "licence not stated")


def _create(name: str, *, same_padding: bool = False) -> nn.Module:
    if name == SMALLCNN:
        return SmallCNN()
    network: nn.Module = (
        timm.create_model(name, num_classes=0, pad_type="same")
        if same_padding
        else timm.create_model(name, num_classes=0)
    )
    return network


def _fill(network: nn.Module, path: Path) -> None:
    try:
        state = {key: value.float() for key, value in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} cannot be read: {error}", "fetch the file again") from error
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit its model: {str(error).splitlines()[1].strip()}") from error
    wrong = [key for key in missing if not key.endswith("num_batches_tracked")]
    wrong += [key for key in unexpected if not key.startswith(("classifier", "fc", "head"))]
    if wrong:
        raise WeightsError(f"{path} does not fit its model: {wrong[0]!r} and {len(wrong) - 1} more keys differ")


def _from_hub(name: str) -> nn.Module:
    try:
        network: nn.Module = timm.create_model(name, pretrained=True, num_classes=0)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"no pretrained weights for {name}: {str(error).splitlines()[0][:160]}",
            f"put {name}.safetensors in a folder and point {FOLDER} to it, or --set model.pretrained=false",
        ) from error
    return network


def _finished(name: str, network: nn.Module, convention: Convention | None, origin: str, size: int) -> Backbone:
    network.eval().requires_grad_(False)
    defaults: Any = network.pretrained_cfg
    features: Any = network.forward_features
    mean = convention.mean if convention else tuple(float(value) for value in defaults["mean"])
    std = convention.std if convention else tuple(float(value) for value in defaults["std"])
    try:
        with torch.inference_mode():
            maps = features(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise RecipeError(
            f"{name} does not take pictures of {size}×{size} pixels",
            f"set input.size to its own, {defaults['input_size'][-1]}, or take another backbone",
        ) from error
    if maps.ndim != 4 or maps.shape[1] != network.num_features or maps.shape[2] != maps.shape[3]:
        shape = tuple(maps.shape)
        raise RecipeError(
            f"the last features of {name} are of shape {shape}, not a map", "take a convolutional network"
        )
    hasher = hashlib.sha256(f"{name} {mean} {std} {convention}".encode())
    for key, value in sorted(network.state_dict().items()):
        hasher.update(key.encode())
        hasher.update(value.numpy().tobytes())
    places = maps.shape[2] * maps.shape[3]
    architecture = f"{name}{SAME}" if convention and convention.same_padding else name
    return Backbone(name, network, maps.shape[1], places, mean, std, hasher.hexdigest(), origin, architecture)
