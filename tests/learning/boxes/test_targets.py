"""What a network is to say of a picture, and what it is told of its mistakes."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from senoscope.learning.boxes.losses import edge_loss, middle_loss
from senoscope.learning.boxes.targets import Lesions, Targets, targets_of

NONE = np.zeros((0, 4))
ROWS = np.array([[16.0, 8, 64, 40], [70, 70, 90, 110]])


def one(rows: np.ndarray = ROWS, rest: np.ndarray = NONE) -> Targets:
    return targets_of([Lesions(rows, rest)], (16, 16), 8)


def test_the_middle_of_each_lesion_is_one_and_only_there() -> None:
    targets = one()

    middles = {(int(x), int(y)) for _, _, y, x in (targets.heat == 1).nonzero().tolist()}
    assert middles == {(5, 3), (10, 11)}
    assert targets.lesions == 2
    assert targets.heat.shape == targets.counted.shape == (1, 1, 16, 16)
    assert targets.heat.min() == 0


def test_edges_are_those_of_the_lesion_and_weigh_one_in_sum() -> None:
    targets = one()

    assert targets.edges[0, :, 3, 5].tolist() == ROWS[0].tolist()
    assert targets.edges[0, :, 11, 10].tolist() == ROWS[1].tolist()
    assert float(targets.weight.sum()) == pytest.approx(2)
    assert (targets.edges[0][:, targets.weight[0] == 0] == 0).all()


def test_of_two_over_each_other_the_smaller_is_seen() -> None:
    targets = one(np.array([[40.0, 40, 60, 60], [0, 0, 100, 100]]))

    assert targets.edges[0, :, 6, 6].tolist() == [40, 40, 60, 60]


def test_what_is_left_of_a_lesion_is_not_asked_unless_another_is_there() -> None:
    targets = one(ROWS[:1], np.array([[0.0, 0, 40, 128]]))

    assert targets.counted[0, 0, 15, 0] == 0
    assert targets.counted[0, 0, 15, 10] == 1
    assert targets.counted[0, 0, 3, 5] == 1


def test_a_picture_without_a_lesion_asks_for_nothing() -> None:
    targets = targets_of([Lesions(NONE, NONE)], (4, 4), 8)

    assert targets.lesions == 0
    assert float(targets.heat.sum() + targets.weight.sum()) == 0
    assert float(middle_loss(torch.full((1, 1, 4, 4), -20.0), targets, 2.0)) == pytest.approx(0, abs=1e-6)
    assert float(edge_loss(torch.ones(1, 4, 4, 4), targets)) == 0


def test_the_loss_of_middles_is_the_focal_loss_where_bells_do_not_matter() -> None:
    logits = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    targets = targets_of([Lesions(NONE, NONE), Lesions(NONE, NONE)], (6, 6), 8)

    found = middle_loss(logits, targets, 2.0)

    expected = sigmoid_focal_loss(logits, torch.zeros_like(logits), alpha=-1, gamma=2.0, reduction="sum")
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_a_missed_middle_costs_its_cross_entropy() -> None:
    targets = one(ROWS[:1])
    logits = torch.full((1, 1, 16, 16), -30.0)

    assert float(middle_loss(logits, targets, 0.0)) == pytest.approx(30, rel=1e-4)
    logits[0, 0, 3, 5] = 30
    assert float(middle_loss(logits, targets, 2.0)) == pytest.approx(0, abs=1e-4)


def test_near_a_middle_less_is_asked() -> None:
    targets = one(ROWS[:1])
    costs = []
    for x in (6, 14):
        logits = torch.full((1, 1, 16, 16), -30.0)
        logits[0, 0, 3, 5], logits[0, 0, 3, x] = 30, 3
        costs.append(float(middle_loss(logits, targets, 2.0)))

    assert 0 < costs[0] < costs[1] / 2


def test_the_loss_of_edges_is_that_of_generalised_overlap() -> None:
    random = torch.Generator().manual_seed(1)
    corner = torch.rand(1, 2, 16, 16, generator=random) * 60
    edges = torch.cat([corner, corner + 5 + torch.rand(1, 2, 16, 16, generator=random) * 60], dim=1)
    targets = one()

    found = edge_loss(edges, targets)

    flat, wanted = edges[0].flatten(1).T, targets.edges[0].flatten(1).T
    weight = targets.weight[0].flatten()
    each = generalized_box_iou_loss(flat, wanted, reduction="none")
    assert float(found) == pytest.approx(float((each * weight).sum() / 2), rel=1e-4)
    assert float(edge_loss(torch.where(targets.weight > 0, targets.edges, torch.ones(4, 16, 16)), targets)) < 1e-5


def test_losses_have_finite_gradients() -> None:
    logits = torch.full((1, 1, 16, 16), 90.0, requires_grad=True)
    sides = torch.zeros(1, 4, 16, 16, requires_grad=True)

    loss = middle_loss(logits, one(), 2.0) + edge_loss(functional.relu(sides), one())
    loss.backward()  # type: ignore[no-untyped-call] # torch's own

    assert logits.grad is not None
    assert sides.grad is not None
    assert bool(torch.isfinite(logits.grad).all() and torch.isfinite(sides.grad).all())
