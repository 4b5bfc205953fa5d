"""Training the backbone too, on a handful of pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from senoscope.core.domain.recipe_parts import FinetuneRecipe, JitterRecipe
from senoscope.core.errors import RunError
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.learning.data.pictures import Pictures
from senoscope.learning.fitting.finetune import finetune, outputs
from senoscope.learning.fitting.loop import Fitted, Plan, Row
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.models.weights import resolve
from tests.learning.conftest import TINY
from tests.makers import ultrasound

PIPELINE = Pipeline((Gray(), Resize(64, 64)))
RECIPE = FinetuneRecipe(epochs=3, batch=4, rate=1e-3)
STILL = JitterRecipe(crop=1.0, flip=False, light=0.0)

OPTIONS: list[dict[str, Any]] = [
    {},
    {"optimizer": "adam", "schedule": "plateau", "wait": 1, "rate": 0.05},
    {"optimizer": "sgd", "schedule": "constant", "balance": "sampling", "loss": "focal"},
    {"warmup": 2, "accumulate": 2, "layer_decay": 0.7, "smoothing": 0.1, "balance": "weights"},
]
every_option = pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(14):
        Pil.fromarray(ultrasound(seed, (80, 64), malignant=seed % 2 == 0)).save(folder / f"{seed:02d}.png")
    return sorted(folder.iterdir())


def classifier() -> Classifier:
    backbone = resolve(TINY, pretrained=False, seed=3)
    torch.manual_seed(0)
    return Classifier(backbone, LogisticHead(backbone.features)).eval()


def pictures(paths: list[Path]) -> Pictures:
    return Pictures(paths, PIPELINE, np.array([int(path.stem) % 2 == 0 for path in paths], np.int64))


def tune(
    model: Classifier, paths: list[Path], folder: Path, cut_after: int = 0, jitter: JitterRecipe = STILL, **options: Any
) -> Fitted:
    def told(row: Row) -> None:
        if row.epoch == cut_after:
            raise KeyboardInterrupt

    recipe = FinetuneRecipe.model_validate({**RECIPE.model_dump(), **options})
    plan = Plan(recipe.epochs, recipe.patience, 5, folder)
    return finetune(model, pictures(paths[:9]), pictures(paths[9:]), recipe, jitter, plan, told)


def same(first: Classifier, second: Classifier) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_backbone_and_head_are_trained_and_frozen_again(paths: list[Path], tmp_path: Path) -> None:
    model, before = classifier(), classifier().state_dict()

    fitted = tune(model, paths, tmp_path)

    after = model.state_dict()
    changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
    assert len(fitted.rows) == 3
    assert all(np.isfinite(row.loss) and row.validation_auc is not None for row in fitted.rows)
    assert "backbone.conv_stem.weight" in changed
    assert "head.last.weight" in changed
    assert not {"mean", "std", "head.mean", "head.std"} & changed
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


@every_option
def test_resumed_fine_tuning_is_the_same(paths: list[Path], tmp_path: Path, options: dict[str, Any]) -> None:
    whole, cut, resumed = classifier(), classifier(), classifier()
    jitter = JitterRecipe(turn=True, stain=0.2)
    expected = tune(whole, paths, tmp_path / "whole", jitter=jitter, epochs=4, **options)
    with pytest.raises(KeyboardInterrupt):
        tune(cut, paths, tmp_path / "cut", cut_after=2, jitter=jitter, epochs=4, **options)

    found = tune(resumed, paths, tmp_path / "cut", jitter=jitter, epochs=4, **options)

    assert found == expected
    assert same(resumed, whole)


@pytest.mark.parametrize(
    "option",
    [
        {"optimizer": "sgd"},
        {"schedule": "constant"},
        {"warmup": 1},
        {"accumulate": 2},
        {"layer_decay": 0.5},
        {"loss": "focal"},
        {"smoothing": 0.2},
        {"balance": "weights"},
        {"balance": "sampling"},
        {"decay": 10.0},
    ],
)
def test_every_option_changes_what_is_learnt(paths: list[Path], tmp_path: Path, option: dict[str, Any]) -> None:
    plain, changed = classifier(), classifier()

    tune(plain, paths, tmp_path / "plain", epochs=2)
    tune(changed, paths, tmp_path / "changed", epochs=2, **option)

    assert not same(plain, changed)


def test_accumulated_batches_are_one_large_batch(paths: list[Path], tmp_path: Path) -> None:
    one, several = classifier(), classifier()

    tune(one, paths, tmp_path / "one", batch=8, optimizer="sgd", rate=0.1)
    tune(several, paths, tmp_path / "several", batch=2, accumulate=4, optimizer="sgd", rate=0.1)

    for key, value in one.state_dict().items():
        torch.testing.assert_close(several.state_dict()[key], value, atol=1e-5, rtol=1e-4, msg=key)


def test_a_lower_layer_decay_keeps_the_stem_nearer_to_what_it_was(paths: list[Path], tmp_path: Path) -> None:
    def moved(layer_decay: float) -> tuple[float, float]:
        model, before = classifier(), classifier().state_dict()
        tune(model, paths, tmp_path / str(layer_decay), layer_decay=layer_decay)
        keys = ("backbone.conv_stem.weight", "head.last.weight")
        stem, head = (float((model.state_dict()[key] - before[key]).abs().mean()) for key in keys)
        return stem, head

    (stem, head), (slow_stem, slow_head) = moved(1.0), moved(0.5)

    assert slow_stem < stem / 10
    assert slow_head > head / 3


def test_without_validation_every_epoch_is_run(paths: list[Path], tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 1})

    fitted = finetune(classifier(), pictures(paths[:5]), None, recipe, STILL, Plan(1, 1, 5, tmp_path))

    assert fitted.best_epoch == 1
    assert fitted.rows[0].validation_loss is None


def test_a_loss_that_is_no_number_stops_and_leaves_what_was_there(paths: list[Path], tmp_path: Path) -> None:
    def poison(row: Row) -> None:
        if row.epoch == 2:
            with torch.no_grad():
                model.backbone.conv_stem.weight.fill_(float("nan"))  # type: ignore[union-attr, operator]

    model, plan = classifier(), Plan(4, 4, 5, tmp_path)
    with pytest.raises(RunError, match="epoch 3, batch 1: the loss is nan") as caught:
        finetune(model, pictures(paths[:9]), pictures(paths[9:]), RECIPE, STILL, plan, poison)

    assert caught.value.hint
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    rows: list[Row] = []
    again = Plan(2, 4, 5, tmp_path)
    finetune(classifier(), pictures(paths[:9]), pictures(paths[9:]), RECIPE, STILL, again, rows.append)
    assert [row.epoch for row in rows] == [1, 2]
    assert all(np.isfinite(row.loss) for row in rows)


def test_outputs_are_those_of_the_network_on_prepared_pictures(paths: list[Path]) -> None:
    model = classifier()
    assert isinstance(model.head, LogisticHead)
    with torch.no_grad():
        model.head.last.weight.normal_(generator=torch.Generator().manual_seed(1))

    logits, embeddings = outputs(model, paths, PIPELINE)

    with torch.no_grad():
        arrays = np.stack([PIPELINE.apply(read(path)).array for path in paths])
        expected, _, embedding = model(torch.from_numpy(arrays))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(embeddings, embedding, atol=1e-5, rtol=1e-4)
