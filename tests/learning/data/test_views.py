"""Pictures looked at in several ways: the ways themselves, the evidence carried back, and what a run answers."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from senoscope.core.domain.image import Image
from senoscope.core.domain.recipe import parse_recipe
from senoscope.core.errors import RecipeError
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Resize
from senoscope.core.recipes import recipe_text
from senoscope.learning.data.material import gather, indexed
from senoscope.learning.data.views import STEPS, VIEWS, carried_back, each, plain, shown, together, turned
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble
from senoscope.learning.models.export import export
from senoscope.learning.models.heads_together import HeadEnsemble
from senoscope.learning.models.weights import Backbone, resolve
from senoscope.learning.runs.calling import fitted
from senoscope.learning.runs.run import train
from senoscope.runtime.session import Session
from senoscope.runtime.store import load, verify
from tests.learning.conftest import HEADS, SEVERAL, TINY
from tests.makers import busi

SIDE = 64


def images(count: int, side: int = SIDE) -> Tensor:
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 5, 5, generator=random) * torch.linspace(80, 255, count)[:, None, None, None]
    return torch.nn.functional.interpolate(coarse, (side, side))


@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_what_preprocessing_turns_is_what_the_network_turns(fit: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 50), np.uint8)
    picture = Image(pixels, 255.0, "made", "0" * 64)
    pipeline = Pipeline((Resize(21, 21, fit),))  # type: ignore[arg-type] # a literal
    square = torch.from_numpy(pipeline.apply(picture).array)[None]

    for view, steps in zip(each(square, 8), STEPS, strict=True):
        np.testing.assert_array_equal(turned(pipeline, steps).apply(picture).array, view[0].numpy())


def test_all_eight_views_differ_and_the_plain_one_comes_first() -> None:
    square = torch.arange(3 * 7 * 7, dtype=torch.float32).reshape(1, 3, 7, 7)

    views = each(square, 8)

    assert len({tuple(view.flatten().tolist()) for view in views}) == len(VIEWS) == 8
    assert torch.equal(views[0], square)
    assert torch.equal(views[1], square.flip(3))


@pytest.mark.parametrize("count", [1, 2, 8])
def test_carried_back_is_as_it_was(count: int) -> None:
    maps = torch.rand(3, 5, 5, generator=torch.Generator().manual_seed(0))

    found = shown(maps[:, None], count)

    assert found.shape == (3 * count, 1, 5, 5)
    assert torch.equal(carried_back(found[:, 0], count), maps.repeat(count, 1, 1))
    assert torch.equal(plain(found, count)[:, 0], maps)
    torch.testing.assert_close(together(carried_back(found[:, 0], count), count), maps)


def grad_cam(model: Classifier, batch: Tensor, called: Tensor | None) -> Tensor:
    """Grad-CAM (Selvaraju et al. 2017) by autograd of each view, carried back by numpy, and averaged."""
    parts = []
    for view, (mirrored, turns) in zip(each(batch, model.views), VIEWS, strict=False):
        maps = model.features(view).detach().requires_grad_(True)
        logits = model.head(model.pooled(maps))
        (gradient,) = torch.autograd.grad((logits if called is None else logits.gather(1, called)).sum(), maps)
        saliency = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)).detach().numpy()
        back = np.rot90(saliency, -turns, (1, 2))
        parts.append(back[:, :, ::-1] if mirrored else back)
    return torch.from_numpy(np.mean(parts, axis=0))


CASES = [
    *[(name, count, TINY) for name in HEADS if name != "dense" for count in (2, 8) if name == "papers" or count == 8],
    ("dense", 8, "smallcnn"),
    ("papers", 8, f"smallcnn+{TINY}"),
    *[(name, 8, TINY) for name in SEVERAL],
]


@pytest.mark.parametrize(("head", "count", "name"), CASES)
def test_answer_and_evidence_are_the_means_of_the_views(head: str, count: int, name: str, backbone: Backbone) -> None:
    seen = backbone if name == TINY else resolve(name, pretrained=False, size=SIDE)
    made = {**HEADS, **SEVERAL}[head](seen.features * (seen.places if head == "dense" else 1))
    model, batch = Classifier(seen, made, views=count).eval(), images(5)

    with torch.inference_mode():
        logits, saliency, embedding = model(batch)
        alone = torch.stack([model.logits(view) for view in each(batch, count)])
        answers = model.answers(batch)

    called = logits.argmax(dim=1, keepdim=True) if logits.shape[1] > 1 else None
    assert float(alone.std(dim=0).max()) > 1e-4
    torch.testing.assert_close(logits, alone.mean(dim=0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(embedding, model.embedding(model.pooled(model.features(batch))), atol=1e-5, rtol=1e-4)
    expected = grad_cam(model, batch, called)
    torch.testing.assert_close(saliency, expected, atol=1e-5 * max(1.0, float(expected.max())), rtol=1e-3)
    for ours, theirs in zip(answers, (logits, embedding), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("head", "count", "name"),
    [("papers", 2, TINY), ("svm_rbf of three", 8, TINY), ("dense", 8, "smallcnn"), ("logistic", 8, f"smallcnn+{TINY}")],
)
def test_exported_network_of_several_views(head: str, count: int, name: str, backbone: Backbone) -> None:
    seen = backbone if name == TINY else resolve(name, pretrained=False, size=SIDE)
    made = {**HEADS, **SEVERAL}[head](seen.features * (seen.places if head == "dense" else 1))
    model, batch = Classifier(seen, made, views=count).eval(), images(3)

    session = Session(export(model, SIDE), 1)

    with torch.inference_mode():
        expected = [value.numpy() for value in model(batch)]
    for found in (session.run(batch.numpy()), session.run(batch.numpy()[:1])):
        for ours, theirs in zip((found.logits, found.saliency, found.embedding), expected, strict=True):
            np.testing.assert_allclose(ours, theirs[: len(ours)], atol=1e-4 * max(1.0, float(np.abs(theirs).max())))


def test_networks_and_heads_together_look_in_several_ways(backbone: Backbone) -> None:
    names = ["svm_rbf of three", "papers of three"]
    heads, batch = [SEVERAL[name](backbone.features) for name in names], images(4)
    one = Classifier(backbone, HeadEnsemble(heads), views=8).eval()
    several = Ensemble([Classifier(backbone, head, views=8).eval() for head in heads]).eval()

    with torch.inference_mode():
        logits, saliency, embedding = several(batch)
        expected = torch.stack([one.logits(view) for view in each(batch, 8)]).mean(dim=0)

    called = logits.argmax(dim=1, keepdim=True)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(one(batch)[0], expected, atol=1e-5, rtol=1e-4)
    maps = torch.stack([grad_cam(member, batch, called) for member in several.members])  # type: ignore[arg-type] # torch
    torch.testing.assert_close(saliency, maps.mean(dim=0), atol=1e-4, rtol=1e-3)
    assert embedding.shape == (4, backbone.features)
    found = Session(export(several, SIDE), 1).run(batch.numpy())
    np.testing.assert_allclose(found.saliency, saliency.numpy(), atol=1e-4 * max(1.0, float(saliency.max())))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi(tmp_path_factory.mktemp("data"), 18)


START = {
    "split.folds": "3",
    "input.size": "64",
    "input.fit": "pad",
    "model.backbone": TINY,
    "model.pretrained": "false",
}
HOLDOUT = {"split.mode": "holdout"}
TUNED = {"augment.views": "0", "finetune.epochs": "1", "finetune.rate": "1e-3"}
RUNS: dict[str, dict[str, str]] = {
    "frozen": {"input.views": "8", **HOLDOUT},
    "machine": {"input.views": "2", "model.head": "svm_rbf", "fit.solver": "libsvm", **HOLDOUT},
    "fine-tuned": {"input.views": "8", **HOLDOUT, **TUNED},
    "learnt as answered": {"input.views": "8", "augment.answering": "true", **HOLDOUT},
    "joined": {"input.views": "2", **HOLDOUT, "augment.views": "0", "model.backbone": f"{TINY}+test_resnet"},
    "heads together": {"input.views": "8", "augment.views": "0", "split.ensemble": "true"},
    "networks together": {"input.views": "2", "split.ensemble": "true", **TUNED},
}


@pytest.mark.parametrize("kind", RUNS)
def test_the_bundle_answers_what_the_run_scored(
    kind: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stored features of turned pictures come to, against the exported graph that turns them itself."""
    recipe = parse_recipe(recipe_text("ultrasound"), {**START, **RUNS[kind]})
    scored: list[NDArray[np.float64]] = []

    def noted(*given: Any) -> Any:
        scored.append(given[2])
        return fitted(*given)

    monkeypatch.setattr("senoscope.learning.runs.bundling.fitted", noted)

    train(recipe, root, tmp_path / "out")

    manifest = verify(tmp_path / "out")
    assert manifest.recipe.input.views == recipe.input.views > 1
    answers = load(tmp_path / "out", threads=1).predict(sorted((root / "benign").glob("*).png"))[:4])
    assert all(answer.heat.shape[0] == answer.heat.shape[1] for answer in answers)
    if recipe.split.mode == "holdout":
        index = indexed(recipe, root).index
        parts = {row["sample_id"]: row["part"] for row in _rows(tmp_path / "out" / "split.csv")}
        chosen = [parts[sample.sample_id] == "validation" for sample in index.samples]
        paths = [path for path, taken in zip(index.paths(), chosen, strict=True) if taken]
        batch = np.stack([manifest.pipeline.apply(read(path)).array for path in paths])
        said = Session((tmp_path / "out" / "bundle" / "model.onnx").read_bytes(), 1).run(batch)
        assert np.ptp(scored[0]) > 1e-3
        np.testing.assert_allclose(said.logits[:, 0], scored[0], atol=1e-3)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_fine_tuning_looks_at_pictures_as_they_are(root: Path, tmp_path: Path) -> None:
    logs = []
    for views in ("1", "8"):
        changes = {**START, **HOLDOUT, **TUNED, "input.views": views}
        train(parse_recipe(recipe_text("ultrasound"), changes), root, tmp_path / views)
        logs.append((tmp_path / views / "folds" / "final" / "backbone" / "log.csv").read_text())

    assert logs[0] == logs[1]


def test_what_an_answer_looks_at_can_be_learnt_too(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SENOSCOPE_CACHE", str(tmp_path))
    positions = np.array([4, 2])
    examples = []
    for asked in ("false", "true"):
        changes = {**START, "augment.views": "1", "input.views": "2", "augment.answering": asked}
        recipe = parse_recipe(recipe_text("ultrasound"), changes)
        backbone = resolve(TINY, pretrained=False, seed=recipe.fit.seed, size=64)
        material = gather(recipe, indexed(recipe, root), backbone, lambda stage, done, total: None)
        examples.append(material.train_examples(positions))

    without, with_them = examples
    mirrored = material.answering(positions)[1]
    np.testing.assert_array_equal(with_them.features, np.concatenate([without.features, mirrored]))
    np.testing.assert_array_equal(with_them.labels, np.tile(without.labels[:2], 3))
    assert not np.allclose(mirrored, material.plain[positions])


@pytest.mark.parametrize("changes", [{"input.views": "1"}, {"input.views": "8", **TUNED}])
def test_what_was_not_stored_cannot_be_learnt(changes: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match=r"augment\.answering"):
        parse_recipe(recipe_text("ultrasound"), {**START, **changes, "augment.answering": "true"})


def test_exams_look_at_pictures_in_one_way() -> None:
    with pytest.raises(RecipeError, match=r"input\.views"):
        parse_recipe(
            recipe_text("ultrasound"), {**START, "exam.by": "patient", "fit.solver": "adam", "input.views": "2"}
        )
