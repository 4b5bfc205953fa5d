"""What is handed to other processes is JSON and tensors, and what they build of it is what the leader has."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pil
from safetensors.torch import load, save, save_file
from torch import nn

from senoscope.core.domain.recipe_parts import FinetuneRecipe, JitterRecipe
from senoscope.core.errors import RecipeError, RunError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Breast, Gray, Resize
from senoscope.learning.data.pictures import Pictures, PictureSource
from senoscope.learning.data.source import parts_of
from senoscope.learning.exams.head import build_exam_head
from senoscope.learning.exams.network import ExamClassifier
from senoscope.learning.exams.packing import Packing
from senoscope.learning.exams.source import ExamBatch, ExamSource
from senoscope.learning.fitting.jobs import Job, job_of, message
from senoscope.learning.fitting.loop import Plan
from senoscope.learning.models import weights
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.models.weights import resolve
from tests.learning.conftest import TINY, dense_head, logistic_head, papers_head, svm_head
from tests.learning.exams.conftest import CODING, recipe
from tests.makers import ultrasound

PIPELINE = Pipeline((Gray(), Breast(), Resize(64, 64)))
ASKED = FinetuneRecipe(epochs=3, balance="weights", layer_decay=0.7)
JITTER = JitterRecipe(turn=True)
PLAN = Plan(3, 2, 11, Path("run") / "folds")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(6):
        Pil.fromarray(ultrasound(seed, (80, 64), malignant=seed % 2 == 0)).save(folder / f"{seed}.png")
    return Pictures(sorted(folder.iterdir()), PIPELINE, np.array([0, 1, 2, 1, 0, 2]))


def handed(network: nn.Module, train: Any, validation: Any = None) -> tuple[Job, Classifier | ExamClassifier]:
    """A job as another process has it, and its network."""
    words, state = message(network, train, validation, ASKED, PLAN)
    job = job_of(json.loads(json.dumps(words)))
    return job, job.network_of(load(save({key: value.contiguous() for key, value in state.items()}))).eval()


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 255


@pytest.mark.parametrize(
    "name", [TINY, "smallcnn", f"{TINY}:stages", f"{TINY}:stages+smallcnn", "test_resnet+smallcnn"]
)
@pytest.mark.parametrize("head", [papers_head, logistic_head])
def test_a_network_is_built_anew(pictures: Pictures, name: str, head: Any) -> None:
    backbone = resolve(name, pretrained=False, seed=3, size=64)
    network = Classifier(backbone, head(backbone.features, answers=3), views=2).eval()

    built = handed(network, PictureSource(pictures, JITTER, 0))[1]

    assert isinstance(built, Classifier)
    for found, expected in zip(built(noise(2, 3, 64, 64)), network(noise(2, 3, 64, 64)), strict=True):
        assert torch.equal(found, expected)


def test_a_head_is_built_anew_with_all_that_training_does(pictures: Pictures) -> None:
    backbone = resolve("smallcnn", pretrained=False, size=64)
    for head in (papers_head(64, looks=True), dense_head(backbone.features * backbone.places)):
        network = Classifier(backbone, head).train()

        built = handed(network, PictureSource(pictures, JITTER, 0))[1].train()

        assert isinstance(built, Classifier)
        torch.manual_seed(5)
        expected = network.logits(noise(3, 3, 64, 64))
        torch.manual_seed(5)
        assert torch.equal(built.logits(noise(3, 3, 64, 64)), expected)


def test_paddings_of_the_leaders_weights_are_kept(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"{TINY}.safetensors"
    save_file(resolve(TINY, pretrained=False, seed=3).network.state_dict(), path)
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    own = resolve(TINY)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(weights.CONVENTIONS, digest, weights.TENSORFLOW)
    backbone = resolve(TINY)
    network = Classifier(backbone, logistic_head(backbone.features)).eval()
    monkeypatch.delenv(weights.FOLDER)

    built = handed(network, PictureSource(pictures, JITTER, 0))[1]

    image = noise(1, 3, 64, 64)
    assert isinstance(built, Classifier)
    assert torch.equal(built.features(image), network.features(image))
    assert not torch.equal(Classifier(own, network.head).features(image), network.features(image))


@pytest.mark.parametrize(
    "changes", [{}, {"exam__pool": "attention", "exam__drop": "0.5"}, {"record__network": "gru", "exam__gain": "1.0"}]
)
def test_an_exams_network_is_built_anew(pictures: Pictures, changes: dict[str, str]) -> None:
    backbone = resolve(TINY, pretrained=False, seed=3)
    torch.manual_seed(7)
    head = build_exam_head(recipe(**changes), Packing(4, backbone.features, CODING.width), CODING, 3)
    network = ExamClassifier(backbone, head).train()
    source = ExamSource(
        pictures,
        [np.array([0, 1, 2]), np.array([3]), np.array([5, 4])],
        np.random.default_rng(0).normal(size=(6, CODING.width)).astype(np.float32),
        np.array([2, 0, 1]),
        JITTER,
        9,
    )

    job, built = handed(network, source, source)

    assert isinstance(built, ExamClassifier)
    parts = parts_of(np.array([2, 0, 1, 0]), 2)
    for epoch in (None, 4):
        for found, batch in zip(job.train.batches(parts, epoch), source.batches(parts, epoch), strict=True):
            assert isinstance(found, ExamBatch)
            assert torch.equal(found.images, batch.images)
            torch.manual_seed(1)
            expected = source.logits(network, batch)
            torch.manual_seed(1)
            assert torch.equal(source.logits(built.train(), found), expected)
    assert job.validation is not None
    assert job.validation.labels.tolist() == [2, 0, 1]


def test_pictures_recipe_and_plan_are_the_leaders(pictures: Pictures) -> None:
    backbone = resolve(TINY, pretrained=False)
    source = PictureSource(pictures, JITTER, 3)

    job = handed(Classifier(backbone, LogisticHead(backbone.features)), source)[0]

    assert (job.recipe, job.plan, job.validation) == (ASKED, PLAN, None)
    assert job.train.labels.tolist() == pictures.labels.tolist()
    assert job.train.pictures.pipeline == PIPELINE
    parts = parts_of(np.arange(6), 4)
    for epoch in (None, 2):
        for found, expected in zip(job.train.batches(parts, epoch), source.batches(parts, epoch), strict=True):
            assert isinstance(found, torch.Tensor)
            assert torch.equal(found, expected)


def test_what_cannot_be_put_into_words_says_so(pictures: Pictures) -> None:
    source, backbone = PictureSource(pictures, JITTER, 3), resolve(TINY, pretrained=False)

    with pytest.raises(RunError, match="a Linear is not trained by several processes"):
        message(nn.Linear(2, 2), source, None, ASKED, PLAN)
    with pytest.raises(RecipeError, match="SVMHead is not fine-tuned by several processes"):
        message(Classifier(backbone, svm_head(backbone.features, linear=True)), source, None, ASKED, PLAN)


@pytest.mark.parametrize("change", [{"plan": None}, {"network": {"kind": "other"}}, {"train": {"kind": "pictures"}}])
def test_words_of_another_version_say_so(pictures: Pictures, change: dict[str, Any]) -> None:
    backbone = resolve(TINY, pretrained=False)
    network = Classifier(backbone, LogisticHead(backbone.features))
    words = message(network, PictureSource(pictures, JITTER, 3), None, ASKED, PLAN)[0]

    with pytest.raises(RunError, match=f"cannot be read: {next(iter(change))}") as caught:
        job_of({**words, **change})

    assert "same version" in caught.value.hint
