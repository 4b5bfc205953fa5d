"""Joining images: shares, and gradients in closed form."""

import pytest
import torch

from senoscope.learning.exams.pooling import AttentionPool, MeanPool, Pool

MASK = torch.tensor([[1.0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]])


def _pool(kind: str) -> Pool:
    torch.manual_seed(2)
    if kind == "mean":
        return MeanPool()
    pool = AttentionPool(5, 7)
    torch.nn.init.normal_(pool.score.weight)
    return pool


def _views() -> torch.Tensor:
    return torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(1)) * MASK[..., None]


@pytest.mark.parametrize("kind", ["mean", "attention"])
def test_shares_are_of_the_images_that_are_there(kind: str) -> None:
    shares = _pool(kind).shares(_views(), MASK)

    torch.testing.assert_close(shares.sum(dim=1), torch.ones(3))
    assert (shares[MASK == 0] == 0).all()
    assert shares[1, 0] == 1.0


def test_attention_begins_as_the_mean_and_then_tells_images_apart() -> None:
    torch.manual_seed(0)
    fresh = AttentionPool(5, 7)

    torch.testing.assert_close(fresh.shares(_views(), MASK), MeanPool().shares(_views(), MASK))
    assert _pool("attention").shares(_views(), MASK)[2].std() > 0.01


@pytest.mark.parametrize("kind", ["mean", "attention"])
def test_the_closed_form_is_the_gradient(kind: str) -> None:
    pool, views = _pool(kind), _views().requires_grad_()
    outer = torch.randn(3, 5, generator=torch.Generator().manual_seed(3))

    pooled = (pool.shares(views, MASK)[..., None] * views).sum(dim=1)
    (expected,) = torch.autograd.grad((pooled * outer).sum(), views)

    torch.testing.assert_close(pool.gradient(views.detach(), MASK, outer), expected * MASK[..., None])
