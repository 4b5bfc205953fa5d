"""What every head offers, over all that a recipe may ask for."""

from typing import get_args

import pytest
import torch

from senoscope.core.domain.recipe_parts import ModelRecipe
from senoscope.core.errors import RecipeError
from senoscope.core.tasks import TASKS
from senoscope.learning.models.build import build
from senoscope.learning.models.heads import LogisticHead, PapersHead
from tests.learning.conftest import HEADS, SEVERAL, papers_head

NAMES = get_args(ModelRecipe.model_fields["head"].annotation)


def test_every_head_has_an_example_here() -> None:
    assert set(NAMES) == set(HEADS)


@pytest.mark.parametrize("name", NAMES)
def test_head_gives_one_logit_an_image(name: str) -> None:
    head = build(ModelRecipe.model_validate({"head": name}), 5, places=4 if name == "dense" else 1)

    assert head(torch.randn(7, 20 if name == "dense" else 5)).shape == (7, 1)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_that_of_autograd(name: str) -> None:
    head = HEADS[name](20)
    pooled = torch.randn(64, 20, generator=torch.Generator().manual_seed(5), requires_grad=True)

    (expected,) = torch.autograd.grad(head(pooled).sum(), pooled)
    found = head.gradient(pooled.detach())

    assert expected.std() > 0.05
    torch.testing.assert_close(found.detach(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SEVERAL)
def test_gradient_of_several_logits_is_that_of_the_highest(name: str) -> None:
    head = SEVERAL[name](20)
    pooled = (9 * torch.randn(256, 20, generator=torch.Generator().manual_seed(5)) + 1).requires_grad_()

    logits = head(pooled)
    (expected,) = torch.autograd.grad(logits.amax(dim=1).sum(), pooled)

    assert len(logits.argmax(dim=1).unique()) == logits.shape[1] > 2
    torch.testing.assert_close(head.gradient(pooled.detach()).detach(), expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("task", [name for name in TASKS.names() if TASKS.get(name).kind == "classify"])
@pytest.mark.parametrize("name", ["papers", "logistic", "svm_linear", "svm_rbf"])
def test_every_classifying_task_has_a_head(name: str, task: str) -> None:
    labels = len(TASKS.get(task).labels)
    answers = 1 if labels == 2 else labels

    head = build(ModelRecipe.model_validate({"head": name}), 20, answers=answers)

    assert head(torch.randn(5, 20)).shape == (5, answers)
    assert head.eval().gradient(torch.randn(5, 20)).shape == (5, 20)


def test_dense_head_of_several_labels_is_refused() -> None:
    with pytest.raises(RecipeError, match="answers two labels"):
        build(ModelRecipe(head="dense"), 20, answers=3)


@pytest.mark.parametrize("name", SEVERAL)
def test_gradient_of_a_logit_that_is_named_is_that_logits(name: str) -> None:
    head = SEVERAL[name](20)
    pooled = torch.randn(64, 20, generator=torch.Generator().manual_seed(5), requires_grad=True)
    logits = head(pooled)
    of = (logits.argmax(dim=1) + 1) % logits.shape[1]

    (expected,) = torch.autograd.grad(logits.gather(1, of[:, None]).sum(), pooled)

    torch.testing.assert_close(head.gradient(pooled.detach(), of).detach(), expected, atol=1e-4, rtol=1e-5)


def test_gradient_of_a_head_that_looks_is_that_of_autograd() -> None:
    head = papers_head(20, looks=True)
    pooled = torch.randn(64, 20, generator=torch.Generator().manual_seed(5), requires_grad=True)

    (expected,) = torch.autograd.grad(head(pooled).sum(), pooled)

    assert head.std.min() > 1
    torch.testing.assert_close(head.gradient(pooled.detach()).detach(), expected, atol=1e-5, rtol=1e-5)


def test_looking_makes_the_unit_of_the_features_irrelevant() -> None:
    pooled = torch.randn(64, 20, generator=torch.Generator().manual_seed(5))
    answers = []
    for scale in (1.0, 100.0):
        torch.manual_seed(0)
        head = build(ModelRecipe(standardise=True), 20).eval()
        head.start(pooled * scale + 3)
        answers.append(head(pooled * scale + 3))

    torch.testing.assert_close(answers[0], answers[1], atol=1e-4, rtol=1e-4)


def test_papers_head_is_the_papers_head() -> None:
    head = PapersHead(1408)

    assert (head.noise, head.dropout.p) == (0.25, 0.25)
    assert sum(parameter.numel() for parameter in head.parameters()) == 1408 * 256 + 256 + 2 * 256 + 256 + 1


def test_noise_and_dropout_belong_to_training() -> None:
    head, pooled = PapersHead(20), torch.randn(8, 20)

    head.train()
    assert not torch.equal(head(pooled), head(pooled))
    head.eval()
    assert torch.equal(head(pooled), head(pooled))


def test_recipe_sets_the_papers_head() -> None:
    head = build(ModelRecipe(head="papers", hidden=7, noise=0.5, dropout=0.1), 20)

    assert isinstance(head, PapersHead)
    assert (head.dense.out_features, head.noise, head.dropout.p) == (7, 0.5, 0.1)


def test_logistic_head_standardises_and_survives_a_constant_feature() -> None:
    head = LogisticHead(3)
    pooled = torch.tensor([[1.0, 5.0, 0.0], [3.0, 5.0, 2.0], [5.0, 5.0, 7.0]])

    head.start(pooled)
    standardised = (pooled - head.mean) / head.std

    torch.testing.assert_close(standardised[:, 0], torch.tensor([-1.0, 0.0, 1.0]))
    assert torch.equal(standardised[:, 1], torch.zeros(3))
    assert torch.isfinite(head(pooled)).all()
