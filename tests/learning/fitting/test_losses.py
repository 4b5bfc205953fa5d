"""Losses against torch's and by hand, and the error where one is no number."""

import math

import pytest
import torch
from torchvision.ops import sigmoid_focal_loss

from senoscope.core.errors import RunError
from senoscope.learning.fitting.losses import loss_of, numeric

LOGITS = torch.linspace(-6, 6, 40)
LABELS = (torch.arange(40) % 3 == 0).float()
ONES = torch.ones(40)


@pytest.mark.parametrize("focus", [0.0, 0.5, 2.0, 5.0])
def test_focal_loss_is_that_of_torchvision(focus: float) -> None:
    found = loss_of("focal", focus)(LOGITS, LABELS, ONES)

    expected = sigmoid_focal_loss(LOGITS, LABELS, alpha=-1, gamma=focus, reduction="mean")
    torch.testing.assert_close(found, expected)


def test_focus_of_zero_is_the_cross_entropy_with_its_weights_and_smoothing() -> None:
    weights = torch.linspace(0.1, 2, 40)

    focal, plain = (loss_of(kind, 0.0, 0.2)(LOGITS, LABELS, weights) for kind in ("focal", "bce"))

    torch.testing.assert_close(focal, plain)


def test_smoothed_labels_are_those_of_a_softmax_over_two() -> None:
    both = torch.stack([torch.zeros(40), LOGITS], dim=1)

    expected = torch.nn.functional.cross_entropy(both, LABELS.long(), label_smoothing=0.1)

    torch.testing.assert_close(loss_of("bce", 2.0, 0.1)(LOGITS, LABELS, ONES), expected)


def test_extreme_logits_have_a_loss_and_a_gradient() -> None:
    logits = torch.tensor([-200.0, 200.0, 0.0], requires_grad=True)

    loss = loss_of("focal", 2.0)(logits, torch.tensor([1.0, 0.0, 1.0]), torch.ones(3))
    (gradient,) = torch.autograd.grad(loss, logits)

    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_names_epoch_and_batch(value: float) -> None:
    with pytest.raises(RunError, match="epoch 3, batch 7: the loss is") as caught:
        numeric(torch.tensor(value), 3, 7)

    assert "learning rate" in caught.value.hint


def test_a_loss_that_is_one_is_given_back() -> None:
    assert numeric(torch.tensor(0.25), 1, 1) == 0.25
