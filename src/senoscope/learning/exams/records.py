"""Networks over the records of an exam: coded facts, image by image."""

from typing import Literal

import torch
from torch import Tensor, nn

from senoscope.core.domain.coding import RecordCoding

SEEN = 5
"""Records of training with a word, below which the word counts as another: its weight would rest on too few."""


class Standard(nn.Module):
    """Brings coded records to the training part's own scale, and words it does not know to "another".

    A coding knows the words of all data, tested ones too; which of them have been learnt is a matter of the training
    part alone.

    Args:
        coding: how records were coded.
    """

    def __init__(self, coding: RecordCoding) -> None:
        super().__init__()
        width = coding.width
        self.center: Tensor
        self.scale: Tensor
        self.route: Tensor
        self.register_buffer("center", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("route", torch.eye(width))
        self._numbers, self._words = columns(coding)
        self.signs: Tensor
        signs = torch.zeros(width, width)
        for place in self._numbers:
            signs[place + 1, place] = 1.0
        self.register_buffer("signs", signs)

    def start(self, records: Tensor) -> None:
        """Look at the (n, M) coded records of training."""
        for place in self._numbers:
            known = records[records[:, place + 1] == 0, place]
            if len(known) > 1:
                self.center[place] = known.mean()
                self.scale[place] = spread(known)
        seen = records.sum(dim=0)
        for first, count in self._words:
            for word in range(first, first + count):
                if seen[word] < SEEN:
                    self.route[word, word] = 0.0
                    self.route[word, first + count] = 1.0

    def forward(self, records: Tensor) -> Tensor:
        """(…, M) coded → (…, M): numbers in units of training's spread, 0 where missing; words as they were learnt."""
        values: Tensor = (records - self.center) / self.scale * (1 - records @ self.signs)
        return values @ self.route


def spread(values: Tensor) -> Tensor:
    """Return the standard deviation of each column of (n, D) values, 1 where it is nothing."""
    found = values.std(dim=0)
    return torch.where(found > 1e-6, found, torch.ones_like(found))


def columns(coding: RecordCoding) -> tuple[list[int], list[tuple[int, int]]]:
    """Place of every number, whose sign of absence follows; and first place and count of the words of every other fact.

    The words' "another" follows them, and then their sign of absence.
    """
    numbers, words, place = [], [], 0
    for fact in coding.facts:
        if fact.kind == "number":
            numbers.append(place)
        else:
            words.append((place, len(fact.words)))
        place += fact.width
    return numbers, words


def forgotten(records: Tensor, coding: RecordCoding, share: float) -> Tensor:
    """Leave out facts of (E, V, M) coded records at random, the same for all images of an exam.

    A share of the facts becomes missing, and of the words half of these another word: what was never missing in
    training would have no weight when it is missing later.
    """
    if share == 0:
        return records
    kept = records.clone()
    numbers, words = columns(coding)
    for place in numbers:
        drop = torch.rand(len(records)) < share
        kept[drop, :, place], kept[drop, :, place + 1] = 0.0, 1.0
    for first, count in words:
        drawn = torch.rand(len(records))
        drop = drawn < share
        kept[drop, :, first : first + count + 2] = 0.0
        another = drawn < share / 2
        kept[another, :, first + count] = 1.0
        kept[drop & ~another, :, first + count + 1] = 1.0
    return kept


class Table(nn.Module):
    """The mean of an exam's records."""

    def __init__(self, coding: RecordCoding) -> None:
        super().__init__()
        self.standard = Standard(coding)
        self.size = coding.width

    def forward(self, records: Tensor, mask: Tensor) -> Tensor:
        """(E, V, M) coded and (E, V) → (E, M)."""
        values = self.standard(records) * mask[..., None]
        total: Tensor = values.sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return total


class Recurrent(nn.Module):
    """The last state of a GRU or LSTM that reads an exam's records one after the other.

    The cells are unrolled over the places of an exam, so that an exporter meets ordinary operators only.

    Args:
        coding: how records were coded.
        kind: of the cell.
        hidden: units of the state.
    """

    def __init__(self, coding: RecordCoding, kind: Literal["gru", "lstm"], hidden: int) -> None:
        super().__init__()
        self.standard = Standard(coding)
        self.size = hidden
        self.cell: nn.GRUCell | nn.LSTMCell = (nn.GRUCell if kind == "gru" else nn.LSTMCell)(coding.width, hidden)

    def forward(self, records: Tensor, mask: Tensor) -> Tensor:
        """(E, V, M) coded and (E, V) → (E, hidden)."""
        values = self.standard(records)
        state: Tensor = values.new_zeros(values.shape[0], self.size)
        memory = state
        for place in range(mask.shape[1]):
            taken = mask[:, place : place + 1]
            if isinstance(self.cell, nn.LSTMCell):
                next_state, next_memory = self.cell(values[:, place], (state, memory))
                memory = taken * next_memory + (1 - taken) * memory
            else:
                next_state = self.cell(values[:, place], state)
            state = taken * next_state + (1 - taken) * state
        return state


RecordNetwork = Table | Recurrent


def record_network(coding: RecordCoding, kind: Literal["table", "gru", "lstm"], hidden: int) -> RecordNetwork:
    """Build the network a recipe asks for."""
    return Table(coding) if kind == "table" else Recurrent(coding, kind, hidden)
