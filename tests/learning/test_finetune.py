"""Training the backbone too, on a handful of pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from senoscope.core.domain.recipe import FinetuneRecipe
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.learning.finetune import Pictures, finetune, jitter, outputs
from senoscope.learning.loop import Fitted, Plan, Row
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.weights import resolve
from tests.learning.conftest import TINY
from tests.makers import ultrasound

PIPELINE = Pipeline((Gray(), Resize(64, 64)))
RECIPE = FinetuneRecipe(epochs=3, batch=4, rate=1e-3)


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


def tune(model: Classifier, paths: list[Path], folder: Path, cut_after: int = 0) -> Fitted:
    def told(row: Row) -> None:
        if row.epoch == cut_after:
            raise KeyboardInterrupt

    plan = Plan(RECIPE.epochs, RECIPE.patience, 5, folder)
    return finetune(model, pictures(paths[:9]), pictures(paths[9:]), RECIPE, True, plan, told)


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


def test_resumed_fine_tuning_is_the_same(paths: list[Path], tmp_path: Path) -> None:
    whole, cut, resumed = classifier(), classifier(), classifier()
    expected = tune(whole, paths, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        tune(cut, paths, tmp_path / "cut", cut_after=2)

    found = tune(resumed, paths, tmp_path / "cut")

    assert found == expected
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


def test_without_validation_every_epoch_is_run(paths: list[Path], tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 1})

    fitted = finetune(classifier(), pictures(paths[:5]), None, recipe, False, Plan(1, 1, 5, tmp_path))

    assert fitted.best_epoch == 1
    assert fitted.rows[0].validation_loss is None


def test_pictures_are_prepared_as_the_pipeline_says(paths: list[Path]) -> None:
    loaded = pictures(paths[:3]).load()

    assert loaded.shape == (3, 3, 64, 64)
    assert loaded.dtype == torch.uint8
    expected = PIPELINE.apply(read(paths[2])).array
    assert np.abs(loaded[2].numpy() - expected).max() <= 0.5


def test_jitter_keeps_the_size_and_changes_the_picture() -> None:
    picture = torch.from_numpy(ultrasound(1, (64, 64))).expand(3, 64, 64)
    torch.manual_seed(0)

    first, second = jitter(64)(picture), jitter(64)(picture)

    assert first.shape == second.shape == (3, 64, 64)
    assert not torch.equal(first, second)
    assert torch.equal(first[0], first[1])


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
