"""The loss that marks of two labels are learnt by."""

import pytest
import segmentation_models_pytorch as smp
import torch
from torch.nn import functional

from senoscope.core.domain.recipe_parts import FinetuneRecipe
from senoscope.learning.outlines.fit import loss_of


def drawn(*sides: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and marks with a square of each side in the corner."""
    logits = torch.randn(len(sides), 1, 16, 16, generator=torch.Generator().manual_seed(0))
    marks = torch.zeros(len(sides), 1, 16, 16)
    for mark, side in zip(marks, sides, strict=True):
        mark[:, :side, :side] = 1
    return logits, marks


def test_the_loss_is_the_mean_of_the_pictures_own_dice_and_cross_entropy() -> None:
    logits, marks = drawn(12, 2)
    one = smp.losses.DiceLoss("binary", from_logits=True, smooth=1.0)

    each = [float(one(logits[place : place + 1], marks[place : place + 1])) for place in range(2)]
    wanted = sum(each) / 2 + float(functional.binary_cross_entropy_with_logits(logits, marks))

    assert float(loss_of(FinetuneRecipe())(logits, marks)) == pytest.approx(wanted, abs=1e-4)


def test_a_missed_small_lesion_costs_as_much_as_a_missed_large_one() -> None:
    _, marks = drawn(12, 2)
    right = torch.where(marks > 0, 30.0, -30.0)
    costs = []
    for place in range(2):
        missed = right.clone()
        missed[place] = -30.0
        pixel = float(functional.binary_cross_entropy_with_logits(missed, marks))
        costs.append(float(loss_of(FinetuneRecipe())(missed, marks)) - pixel)

    assert costs[0] == pytest.approx(0.5, abs=0.01)
    # The one that smooths the quotient is a third of itself and half of this lesion's four pixels.
    assert costs[1] == pytest.approx(1 / 3, abs=0.01)


def test_a_picture_without_a_lesion_is_judged_by_its_pixels_alone() -> None:
    logits, marks = drawn(0)

    wanted = float(functional.binary_cross_entropy_with_logits(logits, marks))

    assert float(loss_of(FinetuneRecipe())(logits, marks)) == pytest.approx(wanted)
