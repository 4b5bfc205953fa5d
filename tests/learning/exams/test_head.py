"""The exam head: any subset of images, gradients in closed form, what training leaves out."""

import pytest
import torch

from senoscope.learning.exams.head import thinned
from tests.learning.exams.conftest import FEATURES, exam_head, exam_rows

KINDS = [
    {"exam__pool": pool, "record__network": network, "model__head": head}
    for pool in ("mean", "attention")
    for network, head in (("table", "logistic"), ("gru", "papers"), ("lstm", "papers"))
]


@pytest.mark.parametrize("changes", KINDS, ids=lambda changes: "-".join(changes.values()))
@pytest.mark.parametrize("answers", [1, 3])
def test_the_closed_form_is_the_gradient_of_the_answer(changes: dict[str, str], answers: int) -> None:
    head = exam_head(answers, **changes)
    views, records, mask = head.packing.unpack(exam_rows(6, seed=3))
    views = views.clone().requires_grad_()

    logits = head.head(head.join(views, records, mask))
    (expected,) = torch.autograd.grad(logits.max(dim=1).values.sum(), views)

    found = head.gradient(views.detach(), records, mask)
    torch.testing.assert_close(found * mask[..., None], expected * mask[..., None], rtol=1e-4, atol=1e-5)
    assert expected.abs().max() > 1e-3


def test_images_in_another_order_are_the_same_exam_where_no_record_is_read_in_turn() -> None:
    head, rows = exam_head(exam__pool="attention"), exam_rows(8)
    cube = rows.reshape(8, 4, -1)
    turned = cube.clone()
    turned[3] = cube[3, [2, 0, 3, 1]]

    torch.testing.assert_close(head(turned.reshape(8, -1)), head(rows))


def test_an_image_more_or_less_changes_the_answer() -> None:
    head, rows = exam_head(), exam_rows(4)
    cube = rows.reshape(4, 4, -1).clone()
    cube[3, 3] = 0.0

    assert (head(cube.reshape(4, -1))[3] - head(rows)[3]).abs() > 1e-4


def test_training_leaves_out_images_but_never_all() -> None:
    torch.manual_seed(0)
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]).repeat(400, 1)

    kept = thinned(mask, 0.5)

    assert torch.equal(thinned(mask, 0.0), mask)
    assert (kept <= mask).all()
    assert (kept.sum(dim=1) >= 1).all()
    assert (kept[1::3].sum(dim=1) == 1).all()
    # Of four images, half are left out but where it would be all of them: (4 × ½ + (½)⁴) / 4.
    assert float(kept[::3].mean()) == pytest.approx((2 + 0.5**4) / 4, abs=0.04)


def test_without_pictures_the_record_answers_and_without_facts_the_pictures() -> None:
    alone = exam_head(model__backbone="none")
    seen = exam_head(record__facts="[]")

    assert (alone.pool, seen.records) == (None, None)
    assert alone.packing.features == 0
    assert alone(
        torch.zeros(2, alone.packing.width)[:, :].index_fill(1, torch.tensor([alone.packing.columns]), 1.0)
    ).shape
    assert seen.head.last.weight.shape[1] == 8
    assert seen.packing.features == FEATURES


def test_with_a_gain_of_one_all_pictures_weigh_as_much_as_one_fact() -> None:
    light, plain = exam_head(exam__gain="1.0"), exam_head()
    views, records, mask = light.packing.unpack(exam_rows(6))

    found, usual = light.join(views, records, mask), plain.join(views, records, mask)

    torch.testing.assert_close(found[:, :FEATURES], usual[:, :FEATURES] / FEATURES**0.5)
    torch.testing.assert_close(found[:, FEATURES:], usual[:, FEATURES:])
