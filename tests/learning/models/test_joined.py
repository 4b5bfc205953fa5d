"""Backbones joined into one: what they say, where their weights come from, and a run that trains them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import RecipeError, WeightsError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Resize
from senoscope.core.recipes import recipe_text
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.learning.data.features import FeatureStore, Wanted
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.export import export
from senoscope.learning.models.joined import JoinedNetwork, averaged
from senoscope.learning.models.weights import Backbone, resolve
from senoscope.learning.runs.run import train
from senoscope.runtime.session import Session
from senoscope.runtime.store import load, verify
from tests.learning.conftest import HEADS, TINY
from tests.makers import busi

RESNET = "test_resnet"
NAME = f"{TINY}+{RESNET}"


def joined(name: str, size: int = 64) -> Backbone:
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


@pytest.mark.parametrize("side", [4, 6, 12])
def test_areas_of_whole_places_are_averaged_as_torch_does(side: int) -> None:
    maps = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(averaged(maps, side, side), adaptive_avg_pool2d(maps, side))


@pytest.mark.parametrize(("given", "made"), [((7, 7), (5, 5)), ((13, 9), (4, 9)), ((3, 3), (1, 1)), ((10, 8), (3, 7))])
def test_averages_over_areas_keep_the_mean(given: tuple[int, int], made: tuple[int, int]) -> None:
    maps = torch.randn(2, 3, *given, generator=torch.Generator().manual_seed(0))

    found = averaged(maps, *made)

    assert found.shape == (2, 3, *made)
    torch.testing.assert_close(found.mean(dim=(2, 3)), maps.mean(dim=(2, 3)), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("side", [64, 97])
def test_features_are_the_members_own_one_after_another(side: int) -> None:
    backbone, batch = joined(NAME, side), images(3, side) / 255
    assert isinstance(backbone.network, JoinedNetwork)
    conventions = [resolve(name, pretrained=False, size=side) for name in (TINY, RESNET)]

    maps = backbone.network.forward_features(batch)

    expected = []
    for member, own in zip(backbone.network.members, conventions, strict=True):
        mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (own.mean, own.std))
        expected.append(member.forward_features((batch - mean) / std).mean(dim=(2, 3)))  # type: ignore[operator] # timm
    assert maps.shape[2] * maps.shape[3] == backbone.places == min(own.places for own in conventions)
    assert maps.shape[1] == backbone.features == sum(own.features for own in conventions)
    torch.testing.assert_close(maps.mean(dim=(2, 3)), torch.cat(expected, dim=1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "side", "head"),
    [
        (NAME, 64, "papers"),
        (NAME, 97, "logistic"),
        (f"smallcnn+{RESNET}", 97, "papers"),
        (f"smallcnn+{RESNET}", 64, "svm_rbf"),
    ],
)
def test_exported_network_and_its_evidence(name: str, side: int, head: str) -> None:
    backbone, batch = joined(name, side), images(4, side)
    model = Classifier(backbone, HEADS[head](backbone.features)).eval()

    found = Session(export(model, side), 1).run(batch.numpy())
    maps = model.features(batch).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(model.head(maps.mean(dim=(2, 3))).sum(), maps)
    expected = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)).detach().numpy()

    assert found.saliency.max() > 0
    np.testing.assert_allclose(found.saliency, expected, atol=1e-4 * max(1.0, float(expected.max())))
    np.testing.assert_allclose(found.logits, model.logits(batch).detach().numpy(), atol=1e-3)


def test_members_take_their_weights_and_the_small_one_starts_at_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENOSCOPE_WEIGHTS", str(tmp_path))
    stored = resolve(TINY, pretrained=False, seed=9)
    save_file(stored.network.state_dict(), tmp_path / f"{TINY}.safetensors")

    first, other = (resolve(f"smallcnn+{TINY}", seed=seed) for seed in (1, 2))

    found, again = first.network.state_dict(), other.network.state_dict()
    assert all(torch.equal(value, found[f"members.1.{key}"]) for key, value in stored.network.state_dict().items())
    assert not torch.equal(found["members.0.convolutions.0.weight"], again["members.0.convolutions.0.weight"])
    assert f"{TINY}: {TINY}.safetensors" in first.origin
    assert "smallcnn: random weights" in first.origin
    assert not any(parameter.requires_grad for parameter in first.network.parameters())


def test_members_of_one_kind_draw_different_weights() -> None:
    state = resolve("resnet18+resnet34", pretrained=False).network.state_dict()

    assert not torch.equal(state["members.0.conv1.weight"], state["members.1.conv1.weight"])


def test_the_store_tells_orders_and_weights_apart(tmp_path: Path) -> None:
    Pil.effect_noise((64, 64), 80).save(tmp_path / "noise.png")
    wanted = [Wanted(tmp_path / "noise.png", "digest", Pipeline((Resize(64, 64),)))]
    backbones = [joined(NAME), joined(f"{RESNET}+{TINY}"), resolve(NAME, pretrained=False, seed=6, size=64)]
    store = FeatureStore(tmp_path / "features.sqlite")

    one, turned, other, again = (store.embed(backbone, wanted)[0] for backbone in [*backbones, joined(NAME)])

    store.close()
    assert store.computed == 3
    split = resolve(TINY, pretrained=False).features
    np.testing.assert_allclose(one[:split], turned[-split:], rtol=1e-4, atol=1e-6)
    assert not np.allclose(one, other)
    assert np.array_equal(one, again)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{TINY}+{TINY}", "with itself"),
        (f"{TINY}+", "no backbone ''"),
        ("+", "with itself"),
        (f"{TINY}+none", "'none'"),
    ],
)
def test_names_that_join_nothing(name: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        resolve(name, pretrained=False)


def test_missing_weights_name_the_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    with pytest.raises(WeightsError, match=f"no pretrained weights for {TINY}"):
        resolve(f"smallcnn+{TINY}")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi(tmp_path_factory.mktemp("data"), 18)


def changed(**changes: str) -> Recipe:
    start = {"split.mode": "holdout", "split.folds": "3", "input.size": "64", "model.pretrained": "false"}
    return parse_recipe(recipe_text("ultrasound"), {**start, "augment.views": "0", **changes})


TUNED = {"finetune.epochs": "2", "finetune.layer_decay": "0.8", "finetune.rate": "1e-3"}
QUIET = {"model.noise": "0", "model.dropout": "0", "finetune.epochs": "6", "finetune.rate": "3e-3"}
ADAM = {"fit.solver": "adam", "fit.epochs": "3"}


@pytest.mark.parametrize(
    "changes",
    [
        {"model.backbone": NAME},
        {"model.backbone": NAME, **TUNED},
        {"model.backbone": f"smallcnn+{TINY}", **TUNED},
        {"model.backbone": "smallcnn", "model.head": "papers", **ADAM, **TUNED, **QUIET},
        {"model.backbone": "smallcnn", "model.head": "logistic", **ADAM, **TUNED},
    ],
    ids=["frozen", "fine-tuned", "partly from scratch", "small, papers", "small, logistic"],
)
def test_a_run_gives_a_bundle_that_answers_as_its_report_says(
    changes: dict[str, str], root: Path, tmp_path: Path
) -> None:
    recipe = changed(**changes)

    found = train(recipe, root, tmp_path / "out").evaluation

    assert isinstance(found, Evaluation)
    assert verify(tmp_path / "out").recipe == recipe
    answers = load(tmp_path / "out").predict(found.samples.paths())
    assert [answer.probability for answer in answers] == pytest.approx(list(found.images.probabilities), abs=1e-4)


def test_fine_tuning_moves_every_member(root: Path, tmp_path: Path) -> None:
    recipe = changed(**{"model.backbone": NAME, **TUNED})

    train(recipe, root, tmp_path / "out")

    before = resolve(NAME, pretrained=False, seed=recipe.fit.seed, size=64).network.state_dict()
    checkpoint = load_file(tmp_path / "out" / "folds" / "final" / "backbone" / "checkpoint.safetensors")
    after = {key: checkpoint[f"best.backbone.{key}"] for key in before}
    moved = {key.split(".")[1] for key in before if not torch.equal(before[key], after[key])}
    assert moved == {"0", "1"}
    kept = [key for key in before if key.endswith(("running_mean", "means", "stds"))]
    assert len(kept) > 10
    assert all(torch.equal(before[key], after[key]) for key in kept)
