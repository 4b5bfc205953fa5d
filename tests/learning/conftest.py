"""Small networks with random weights, and a feature store that is not the user's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto

from senoscope.learning.models.build import Head
from senoscope.learning.models.heads import LogisticHead, PapersHead
from senoscope.learning.models.smallcnn import DenseHead
from senoscope.learning.models.svm import SVMHead
from senoscope.learning.models.weights import Backbone, resolve

TINY = "test_efficientnet"
"""A network of timm's with 99,196 weights and 256 features."""


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep features in the test's own folder."""
    monkeypatch.setenv("SENOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SENOSCOPE_WEIGHTS", raising=False)
    return tmp_path / "cache" / "features.sqlite"


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny networks are slower in several threads than in one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """A network whose batch normalisation has seen something, so that its features are of ordinary size."""
    made = resolve(TINY, pretrained=False, seed=3)
    made.network.train()
    with torch.no_grad():
        for seed in range(30):
            noise = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1
            made.network.forward_features(noise * torch.linspace(0.2, 1, 8)[:, None, None, None])  # type: ignore[operator]
    made.network.eval()
    return made


def papers_head(features: int, looks: bool = False, answers: int = 1) -> PapersHead:
    """The papers' head as after a fit: no weight or statistic is at its start, and some units are closed."""
    random = torch.manual_seed(1)
    head = PapersHead(features, hidden=32, looks=looks, answers=answers)
    head.start(torch.randn(50, features, generator=random) * 2 + 1)
    with torch.no_grad():
        head.dense.bias.copy_(torch.randn(32, generator=random) * 0.3)
        head.norm.running_mean = torch.randn(32, generator=random)
        head.norm.running_var = torch.rand(32, generator=random) * 3 + 0.1
        head.norm.weight.copy_(torch.randn(32, generator=random) * 2)
        head.norm.bias.copy_(torch.randn(32, generator=random))
    return head.eval()


def logistic_head(features: int, answers: int = 1) -> LogisticHead:
    """The logistic head with random weights and statistics."""
    random = torch.Generator().manual_seed(2)
    head = LogisticHead(features, answers)
    head.start(torch.randn(50, features, generator=random) * 2 + 1)
    with torch.no_grad():
        head.last.weight.copy_(torch.randn(answers, features, generator=random) / features**0.5)
        head.last.bias.copy_(torch.randn(answers, generator=random))
    return head.eval()


def svm_head(features: int, linear: bool, answers: int = 1) -> SVMHead:
    """A support vector machine with random vectors, as after a fit."""
    random = torch.Generator().manual_seed(3)
    head = SVMHead(features, linear, answers)
    head.start(torch.randn(50, features, generator=random) * 2 + 1)
    count = answers if linear else 9
    weights = torch.eye(answers) * 0.5 if linear else torch.randn(count, answers, generator=random) * 3
    vectors, bias = torch.randn(count, features, generator=random), torch.randn(answers, generator=random)
    if answers > 1 and not linear:
        # Coefficients that sum to nothing: the machine with the greatest sum would else win everywhere.
        weights, bias = weights - weights.mean(dim=0), torch.zeros(answers)
    head.adopt(vectors, weights, bias, torch.tensor([0.3 / features]))
    return head.eval()


def dense_head(features: int) -> DenseHead:
    """Dense layer and two logits, with biases as after a fit."""
    random = torch.Generator().manual_seed(4)
    head = DenseHead(features, hidden=32)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.3)
    return head.eval()


HEADS: dict[str, Callable[[int], Head]] = {
    "papers": papers_head,
    "logistic": logistic_head,
    "svm_linear": lambda features: svm_head(features, linear=True),
    "svm_rbf": lambda features: svm_head(features, linear=False),
    "dense": dense_head,
}


SEVERAL: dict[str, Callable[[int], Head]] = {
    "papers of three": lambda features: papers_head(features, answers=3),
    "logistic of four": lambda features: logistic_head(features, answers=4),
    "svm_linear of three": lambda features: svm_head(features, linear=True, answers=3),
    "svm_rbf of three": lambda features: svm_head(features, linear=False, answers=3),
}
"""Heads of more than two labels."""


def clouds(count: int = 160, features: int = 12, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Two overlapping clouds of points (N, D) with labels; a quarter is positive."""
    shape = np.random.default_rng(0)
    spread, shift = shape.uniform(0.5, 3, features), shape.normal(0, 1, features)
    labels = (np.arange(count) % 4 == 0).astype(np.int64)
    points = np.random.default_rng(seed).normal(size=(count, features)) * spread + labels[:, None] * shift
    return points.astype(np.float32), labels


def halves(path: Path) -> int:
    """How many weights of an ONNX file are kept in half precision."""
    return sum(tensor.data_type == TensorProto.FLOAT16 for tensor in onnx.load(path).graph.initializer)
