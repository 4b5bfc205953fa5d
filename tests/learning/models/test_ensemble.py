"""Networks that answer as one: their evidence, what is stored, and what a run makes of its folds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from senoscope.core.domain.recipe import parse_recipe
from senoscope.core.errors import RecipeError
from senoscope.core.io import read
from senoscope.core.recipes import recipe_text
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble
from senoscope.learning.models.export import export
from senoscope.learning.models.heads_together import HeadEnsemble
from senoscope.learning.models.weights import Backbone, resolve
from senoscope.learning.runs.run import Outcome, train
from senoscope.runtime.session import Session
from senoscope.runtime.store import verify
from tests.learning.conftest import HEADS, SEVERAL, TINY
from tests.makers import busi

SIDE = 64
KINDS = [name for name in HEADS if name != "dense"]
FROZEN = {
    "split.folds": "3",
    "split.ensemble": "true",
    "input.size": "64",
    "model.backbone": TINY,
    "model.pretrained": "false",
    "augment.views": "0",
}


def images(count: int) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, SIDE, SIDE, generator=random) * torch.linspace(50, 255, count)[:, None, None, None]


def test_gradient_of_several_heads_is_that_of_autograd() -> None:
    head = HeadEnsemble([HEADS[name](20) for name in KINDS])
    pooled = torch.randn(32, 20, generator=torch.Generator().manual_seed(5), requires_grad=True)

    (expected,) = torch.autograd.grad(head(pooled).sum(), pooled)

    assert expected.std() > 0.02
    torch.testing.assert_close(head.gradient(pooled.detach()).detach(), expected, atol=1e-5, rtol=1e-5)


def test_several_heads_in_one_bundle_share_the_backbone(backbone: Backbone) -> None:
    heads = [HEADS[name](backbone.features) for name in KINDS]
    ensemble, batch = Classifier(backbone, HeadEnsemble(heads)).eval(), images(5)

    content = export(ensemble, SIDE)
    found = Session(content, 1).run(batch.numpy())
    alone = [Classifier(backbone, head).eval() for head in heads]
    with torch.inference_mode():
        logits = torch.stack([member.logits(batch) for member in alone]).mean(dim=0)
    maps = ensemble.features(batch).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(ensemble.head(maps.mean(dim=(2, 3))).sum(), maps)
    saliency = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)).detach()

    np.testing.assert_allclose(found.logits, logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(found.saliency, saliency.numpy(), atol=1e-4)
    assert found.embedding.shape == (5, backbone.features)
    weights = sum(parameter.numel() for parameter in backbone.network.parameters()) * 4
    assert weights < len(content) < 1.8 * weights


def test_several_networks_in_one_bundle() -> None:
    members = []
    for seed in (1, 2, 3):
        made = resolve(TINY, pretrained=False, seed=seed)
        members.append(Classifier(made, HEADS["logistic"](made.features)).eval())
    ensemble, batch = Ensemble(members).eval(), images(4)

    found = Session(export(ensemble, SIDE), 1).run(batch.numpy())
    with torch.inference_mode():
        each = [member(batch) for member in members]

    np.testing.assert_allclose(found.logits, np.mean([one[0].numpy() for one in each], axis=0), atol=1e-4)
    np.testing.assert_allclose(found.saliency, np.mean([one[1].numpy() for one in each], axis=0), atol=1e-4)
    np.testing.assert_allclose(found.embedding, each[0][2].numpy(), atol=1e-4)
    assert not np.allclose(each[0][0].numpy(), each[1][0].numpy(), atol=1e-3)
    assert torch.equal(ensemble.answers(batch)[1], each[0][2])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi(tmp_path_factory.mktemp("data"), 18)


def trained(root: Path, out: Path, changes: dict[str, str]) -> Outcome:
    return train(parse_recipe(recipe_text("ultrasound"), changes), root, out)


def test_a_run_gives_the_mean_of_its_folds(root: Path, tmp_path: Path) -> None:
    found = trained(root, tmp_path / "out", FROZEN)

    manifest = verify(tmp_path / "out")
    assert manifest.recipe.split.ensemble
    assert any("mean of all of them" in note for note in found.evaluation.notes)
    assert not (tmp_path / "out" / "folds" / "final").exists()
    paths = found.evaluation.samples.paths()[:6]
    batch = np.stack([manifest.pipeline.apply(read(path)).array for path in paths])
    said = Session((tmp_path / "out" / "bundle" / "model.onnx").read_bytes(), 1).run(batch)
    logits = [_linear(said.embedding, tmp_path / "out" / "folds" / str(fold) / "refit" / "head") for fold in range(3)]
    assert np.std(logits, axis=0).min() > 1e-4
    np.testing.assert_allclose(said.logits[:, 0], np.mean(logits, axis=0), atol=1e-3)


def _linear(embedding: NDArray[np.float32], folder: Path) -> NDArray[np.float32]:
    best = load_file(folder / "checkpoint.safetensors")
    mean, std, weight, bias = (best[f"best.{name}"].numpy() for name in ("mean", "std", "last.weight", "last.bias"))
    return np.asarray(((embedding - mean) / std) @ weight[0] + bias[0], np.float32)


def test_a_run_again_gives_the_same_bundle(root: Path, tmp_path: Path) -> None:
    trained(root, tmp_path / "out", FROZEN)
    first = verify(tmp_path / "out")

    trained(root, tmp_path / "out", FROZEN)

    assert verify(tmp_path / "out").model.sha256 == first.model.sha256


def test_fine_tuned_folds_are_whole_networks(root: Path, tmp_path: Path) -> None:
    tuned = {**FROZEN, "finetune.epochs": "1", "finetune.rate": "1e-5"}

    trained(root, tmp_path / "out", tuned)

    single = sum(parameter.numel() for parameter in resolve(TINY, pretrained=False).network.parameters()) * 4
    assert (tmp_path / "out" / "bundle" / "model.onnx").stat().st_size > 3 * single
    assert verify(tmp_path / "out").recipe.split.ensemble


def test_a_single_split_has_no_ensemble() -> None:
    with pytest.raises(RecipeError, match="ensemble"):
        parse_recipe(recipe_text("ultrasound"), {**FROZEN, "split.mode": "holdout"})


def test_the_mean_of_several_labels_explains_the_label_it_calls(backbone: Backbone) -> None:
    heads = [SEVERAL[name](backbone.features) for name in SEVERAL if name.endswith("three")]
    together = Classifier(backbone, HeadEnsemble(heads)).eval()
    apart = Ensemble([Classifier(backbone, head).eval() for head in heads]).eval()
    batch = images(5)

    logits, saliency, _ = together(batch)
    called = logits.argmax(dim=1, keepdim=True)
    parts = []
    for head in heads:
        maps = together.features(batch).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(head(maps.mean(dim=(2, 3))).gather(1, called).sum(), maps)
        parts.append((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).detach())

    alone = [head(together.pooled(together.features(batch))).argmax(dim=1) for head in heads]
    assert any((one != called[:, 0]).any() for one in alone)
    torch.testing.assert_close(saliency, torch.relu(torch.stack(parts).mean(dim=0)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(apart(batch)[0], logits)
    torch.testing.assert_close(apart(batch)[1], torch.relu(torch.stack(parts)).mean(dim=0), atol=1e-5, rtol=1e-4)
