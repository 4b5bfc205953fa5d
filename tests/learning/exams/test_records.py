"""Networks over records: scales of the training part, words that were not learnt, order, padding."""

import pytest
import torch

from senoscope.learning.exams.records import Recurrent, Standard, Table, forgotten
from tests.learning.exams.conftest import CODING

AGE, AGELESS, A, B, C, ANOTHER, NAMELESS = range(7)


def _records(ages: list[float | None], machines: list[int]) -> torch.Tensor:
    rows = torch.zeros(len(ages), CODING.width)
    for row, (age, machine) in enumerate(zip(ages, machines, strict=True)):
        rows[row, AGE if age is not None else AGELESS] = age if age is not None else 1.0
        rows[row, machine] = 1.0
    return rows


def test_numbers_take_the_training_parts_scale_and_missing_ones_its_middle() -> None:
    known = _records([1.0, 3.0, 5.0, None] * 5, [A] * 20)
    standard = Standard(CODING)

    standard.start(known)

    values = standard(_records([3.0, 5.0, None], [A, A, A]))
    spread = known[known[:, AGELESS] == 0, AGE].std()
    torch.testing.assert_close(values[:, AGE], torch.tensor([0.0, 2.0, 0.0]) / spread)
    assert values[:, AGELESS].tolist() == [0, 0, 1]


def test_a_word_training_hardly_saw_counts_as_another() -> None:
    standard = Standard(CODING)
    standard.start(_records([1.0] * 13, [A] * 10 + [B] * 3))

    values = standard(_records([1.0] * 5, [A, B, C, ANOTHER, NAMELESS]))

    learnt, another, missing = values[:, A], values[:, ANOTHER], values[:, NAMELESS]
    assert learnt.tolist() == [1, 0, 0, 0, 0]
    assert another.tolist() == [0, 1, 1, 1, 0]
    assert missing.tolist() == [0, 0, 0, 0, 1]
    assert not values[:, [B, C]].any()


def test_a_number_that_never_varies_divides_by_nothing() -> None:
    standard = Standard(CODING)
    standard.start(_records([2.0] * 8, [A] * 8))

    assert standard(_records([7.0], [A]))[0, AGE] == 5.0


def test_forgetting_leaves_every_fact_in_one_state() -> None:
    rows = _records([1.0] * 600, [A, B, C] * 200)[:, None].repeat(1, 3, 1)
    torch.manual_seed(0)

    kept = forgotten(rows, CODING, 0.4)

    assert torch.equal(forgotten(rows, CODING, 0.0), rows)
    assert torch.equal(kept[:, 0], kept[:, 2])
    assert (kept[..., [A, B, C, ANOTHER, NAMELESS]].sum(dim=-1) == 1).all()
    ageless, another, nameless = (float(kept[:, 0, place].mean()) for place in (AGELESS, ANOTHER, NAMELESS))
    assert (ageless, another, nameless) == pytest.approx((0.4, 0.2, 0.2), abs=0.06)
    assert not kept[kept[..., AGELESS] == 1][:, AGE].any()


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_the_unrolled_cell_is_torchs_recurrent_network(kind: str) -> None:
    torch.manual_seed(0)
    ours = Recurrent(CODING, "gru" if kind == "gru" else "lstm", 5)
    theirs = (torch.nn.GRU if kind == "gru" else torch.nn.LSTM)(CODING.width, 5, batch_first=True)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(theirs, f"{name}_l0").data.copy_(getattr(ours.cell, name).data)
    records = torch.randn(3, 4, CODING.width)
    records[..., AGELESS] = 0.0

    state = theirs(records)[1]

    expected = (state[0] if kind == "lstm" else state)[0]
    torch.testing.assert_close(ours(records, torch.ones(3, 4)), expected)


@pytest.mark.parametrize("kind", ["table", "gru", "lstm"])
def test_places_without_an_image_say_nothing(kind: str) -> None:
    torch.manual_seed(0)
    network = Table(CODING) if kind == "table" else Recurrent(CODING, "gru" if kind == "gru" else "lstm", 5)
    records, mask = torch.randn(2, 4, CODING.width), torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1]])
    noisy = records.clone()
    noisy[0, 2:] = 99.0

    found = network(noisy, mask)

    torch.testing.assert_close(found[:1], network(records[:1, :2], mask[:1, :2]))
    assert found.shape == (2, network.size)
