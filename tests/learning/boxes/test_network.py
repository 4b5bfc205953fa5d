"""Networks that put boxes around lesions can be built on any backbone with stages, trained, exported and asked."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import RecipeError
from senoscope.learning.boxes.fasterrcnn import FasterNetwork
from senoscope.learning.boxes.folds import network_of
from senoscope.learning.boxes.network import CentreNetwork
from senoscope.learning.boxes.packing import export_boxes
from senoscope.learning.boxes.targets import Lesions
from senoscope.learning.models.weights import Backbone, resolve
from senoscope.runtime.detecting import Finding, found_in
from senoscope.runtime.session import BoxSession

NONE = np.zeros((0, 4))


def recipe(**changes: object) -> Recipe:
    text = 'name = "x"\ntask = "lesions"\ndataset = "busi"'
    values = {"input.size": 64, "finetune.epochs": 1, "model.pretrained": "false", "split.mode": "crossval"}
    return parse_recipe(text, {key: str(value) for key, value in {**values, **changes}.items()})


def spotted(seed: int, side: int = 64) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A grey picture with one bright square, and where it is."""
    random = np.random.default_rng(seed)
    array = random.normal(90, 8, (3, side, side)).astype(np.float32)
    x, y = random.integers(4, side - 28, 2)
    array[:, y : y + 24, x : x + 24] += 120
    return array.clip(0, 255), np.array([[x, y, x + 24, y + 24]], np.float64)


@pytest.mark.parametrize("stride", [4, 8, 16])
def test_maps_have_the_stride_and_edges_lie_about_their_place(backbone: Backbone, stride: int) -> None:
    network = network_of(recipe(**{"boxes.stride": stride}), backbone).eval()
    assert isinstance(network, CentreNetwork)

    with torch.inference_mode():
        heat, sides, embedding = network(torch.rand(2, 3, 64, 64) * 255)

    assert heat.shape == (2, 1, 64 // stride, 64 // stride)
    assert sides.shape == (2, 4, 64 // stride, 64 // stride)
    assert embedding.shape[0] == 2
    assert bool((sides > 0).all())
    # An untrained network says everywhere that a middle is rare.
    assert float(heat.sigmoid().mean()) == pytest.approx(0.01, rel=0.5)


def test_the_embedding_is_the_means_and_spreads_of_the_first_and_the_last_stage_looked_at(backbone: Backbone) -> None:
    network = network_of(recipe(**{"boxes.stride": 8}), backbone).eval()
    assert isinstance(network, CentreNetwork)
    image = torch.rand(1, 3, 64, 64) * 255

    with torch.inference_mode():
        embedding = network(image)[2][0].numpy()
        whole: Any = network.backbone
        stages = whole.forward_intermediates((image - network.mean) / network.std, intermediates_only=True)

    looked_at = [stage[0].reshape(stage.shape[1], -1).numpy() for stage in stages if stage.shape[-1] <= 8]
    seen = [looked_at[0], looked_at[-1]]
    expected = [*(stage.mean(axis=1) for stage in seen), *(stage.std(axis=1) for stage in seen)]
    np.testing.assert_allclose(embedding, np.concatenate(expected), atol=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2_100"])
def test_other_backbones_of_timm(name: str) -> None:
    made = resolve(name, pretrained=False, seed=0, size=64)

    network = network_of(recipe(**{"model.backbone": name}), made).eval()

    assert isinstance(network, CentreNetwork)
    assert network.found([spotted(0)[0]], Finding(0, 0.3, 5))[0].heat.shape == (8, 8)


def test_the_backbone_is_a_copy_and_the_head_is_drawn_from_the_seed(backbone: Backbone) -> None:
    one, same = (network_of(recipe(), backbone) for _ in range(2))
    other = network_of(recipe(**{"fit.seed": 1}), backbone)

    assert isinstance(one, CentreNetwork)
    assert one.backbone is not backbone.network
    states = [network.state_dict() for network in (one, same, other)]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert not torch.equal(states[0]["smooth.0.weight"], states[2]["smooth.0.weight"])


def test_a_few_steps_teach_it_to_find_bright_squares(backbone: Backbone) -> None:
    network = network_of(recipe(**{"boxes.channels": 32}), backbone)
    network.requires_grad_(True).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for step in range(40):
        arrays, rows = zip(*(spotted(8 * step + place) for place in range(8)), strict=True)
        loss = network.loss(torch.from_numpy(np.stack(arrays)), [Lesions(each, NONE) for each in rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch's own
        optimizer.step()
    network.eval()

    arrays, rows = zip(*(spotted(9000 + place) for place in range(12)), strict=True)
    found = network.found(list(arrays), Finding(0, 0.3, 5))

    distance = [np.abs(one.rows[0] - true[0]).max() for one, true in zip(found, rows, strict=True)]
    assert np.median(distance) < 8, "the surest box is about the square"


def test_onnx_answers_as_torch_does_whatever_the_batch(backbone: Backbone) -> None:
    network = network_of(recipe(), backbone).eval()
    assert isinstance(network, CentreNetwork)
    session = BoxSession(export_boxes(network), 1)
    arrays = [spotted(place)[0] for place in range(5)]

    ours = network.found(arrays, Finding(0, 0.3, 5))
    theirs = found_in(arrays, session.run, Finding(0, 0.3, 5))

    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.rows, other.rows, atol=0.05)
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-3)
        np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-3)
    assert session.run(np.stack(arrays[:1]))[0].shape == (1, 1, 8, 8)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"boxes.stride": 4, "input.size": 48}, r"boxes\.stride = 4"),
        ({"boxes.architecture": "fasterrcnn"}, "fasterrcnn is not built on 'test_efficientnet'"),
    ],
)
def test_what_cannot_be_built_is_said(backbone: Backbone, changes: dict[str, object], words: str) -> None:
    if "input.size" in changes:
        backbone = resolve("resnet18", pretrained=False, seed=0, size=64)
        changes = {"boxes.stride": 16, "input.size": 72}
        words = r"boxes\.stride = 16"

    with pytest.raises(RecipeError, match=words):
        network_of(recipe(**changes), backbone)


@pytest.fixture(scope="module")
def faster() -> FasterNetwork:
    made = resolve("resnet18", pretrained=False, seed=0, size=64)
    asked = recipe(
        **{"boxes.architecture": "fasterrcnn", "finetune.statistics": "learnt", "model.backbone": "resnet18"}
    )
    network = network_of(asked, made)
    assert isinstance(network, FasterNetwork)
    return network


def test_faster_rcnn_begins_with_the_weights_of_timm(faster: FasterNetwork) -> None:
    made = resolve("resnet18", pretrained=False, seed=0, size=64).network.state_dict()
    own = {key.removeprefix("body."): value for key, value in faster.backbone.state_dict().items()}

    assert all(torch.equal(value, own[key]) for key, value in made.items())


def test_faster_rcnn_learns_and_answers(faster: FasterNetwork) -> None:
    faster.requires_grad_(True).train()
    optimizer = torch.optim.SGD(faster.parameters(), lr=0.01, momentum=0.9)
    arrays, rows = zip(*(spotted(place) for place in range(4)), strict=True)
    images, lesions = torch.from_numpy(np.stack(arrays)), [Lesions(each, NONE) for each in rows]
    lesions[-1] = Lesions(NONE, NONE)
    losses = []
    for _ in range(4):
        torch.manual_seed(0)
        loss = faster.loss(images, lesions)
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch's own
        optimizer.step()
    faster.eval()
    with torch.no_grad():
        torch.manual_seed(0)
        judged = float(faster.loss(images, lesions))

    assert losses[-1] < losses[0]
    assert np.isfinite(judged)
    assert not faster.body.training
    assert faster.surest(images).shape == (4,)
    for found in faster.found(list(arrays), Finding(0, 0.3, 5)):
        assert found.rows.shape == (len(found.logits), 4)
        assert len(found.rows) <= 5
        assert (np.diff(found.logits) <= 0).all()
        assert found.surest >= found.logits.max(initial=-np.inf)


def test_faster_rcnn_on_squares_gives_boxes_of_the_picture(faster: FasterNetwork) -> None:
    array = np.concatenate([np.concatenate([spotted(place)[0] for place in (0, 1)], axis=2)] * 2, axis=1)

    (found,) = faster.eval().found([array], Finding(64, 0.3, 10))

    assert array.shape == (3, 128, 128)
    assert found.rows.max() > 64
    assert (found.rows >= 0).all()
    assert (found.rows <= 128).all()
