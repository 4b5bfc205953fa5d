"""The head of an exam: images pooled, records read, both joined before an ordinary head."""

import torch
from torch import Tensor, nn

from senoscope.core.domain.coding import RecordCoding
from senoscope.core.domain.recipe import Recipe
from senoscope.learning.exams.packing import Packing
from senoscope.learning.exams.pooling import AttentionPool, MeanPool, Pool
from senoscope.learning.exams.records import RecordNetwork, forgotten, record_network, spread
from senoscope.learning.models.heads import LogisticHead, PapersHead


class ExamHead(nn.Module):
    """Rows of exams (see `Packing`) → one logit, or K.

    Args:
        packing: how exams are laid into rows.
        pool: joins the images; None where no picture is looked at.
        records: reads the records; None where no fact is gone by.
        head: on what both say together.
        coding: of the records.
        recipe: what it was built by, and what training leaves out at random.
    """

    def __init__(
        self,
        packing: Packing,
        pool: Pool | None,
        records: RecordNetwork | None,
        head: PapersHead | LogisticHead,
        coding: RecordCoding,
        recipe: Recipe,
    ) -> None:
        super().__init__()
        self.packing, self.coding = packing, coding
        self.pool, self.records, self.head = pool, records, head
        self.recipe = recipe
        self._gain = recipe.exam.gain / max(packing.features, 1) ** 0.5 if recipe.exam.gain else 1.0
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(packing.features))
        self.register_buffer("std", torch.ones(packing.features))

    def start(self, rows: Tensor) -> None:
        """Look at the training rows once, before fitting."""
        views, records, mask = self.packing.unpack(rows)
        taken = mask > 0
        if self.pool is not None:
            self.mean.copy_(views[taken].mean(dim=0))
            self.std.copy_(spread(views[taken]))
        # The head behind it looks at nothing: what it takes is standardised, and a sign of absence that is never set in
        # training has no spread to divide by.
        self.start_records(records[taken])

    def start_records(self, records: Tensor) -> None:
        """Look at the (n, M) coded records of training."""
        if self.records is not None:
            self.records.standard.start(records)

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, 1) or (E, K) logits of (E, width) rows."""
        views, records, mask = self.packing.unpack(rows)
        if self.training:
            mask = thinned(mask, self.recipe.exam.drop)
            records = forgotten(records, self.coding, self.recipe.record.drop)
        logits: Tensor = self.head(self.join(views, records, mask))
        return logits

    def standard(self, views: Tensor) -> Tensor:
        """(E, V, D) features in units of the training part's spread."""
        return (views - self.mean) / self.std

    def join(self, views: Tensor, records: Tensor, mask: Tensor) -> Tensor:
        """(E, V, D), (E, V, M) and (E, V) → (E, J) what the head takes: images first, records behind."""
        parts = []
        if self.pool is not None:
            shares, seen = self.pool.shares(self.standard(views), mask), self.standard(views)
            parts.append(self._gain * (shares[..., None] * seen).sum(dim=1))
        if self.records is not None:
            parts.append(self.records(records, mask))
        return torch.cat(parts, dim=1)

    def shares(self, views: Tensor, mask: Tensor) -> Tensor:
        """(E, V) share of each image in the answer; all alike where no picture is looked at."""
        return (self.pool or MeanPool()).shares(self.standard(views), mask)

    def gradient(self, views: Tensor, records: Tensor, mask: Tensor) -> Tensor:
        """(E, V, D) gradient of the logit, or of the highest, by each image's features."""
        assert self.pool is not None
        outer = self._gain * self.head.gradient(self.join(views, records, mask))[:, : self.packing.features]
        return self.pool.gradient(self.standard(views), mask, outer) / self.std


def thinned(mask: Tensor, share: float) -> Tensor:
    """Leave out a share of each exam's images at random, never all of them."""
    if share == 0:
        return mask
    drawn = torch.rand_like(mask) * mask
    # The image with the highest draw stays whatever the share.
    first = torch.zeros_like(mask).scatter_(1, drawn.argmax(dim=1, keepdim=True), 1.0)
    return torch.maximum(first, (drawn >= share).to(mask.dtype)) * mask


def build_exam_head(recipe: Recipe, packing: Packing, coding: RecordCoding, answers: int) -> ExamHead:
    """Build the exam head a recipe asks for, for one logit or K = `answers`."""
    pool: Pool | None = None
    if packing.features:
        attentive = recipe.exam.pool == "attention"
        pool = AttentionPool(packing.features, recipe.exam.hidden) if attentive else MeanPool()
    asked = recipe.record
    records = record_network(coding, asked.network, asked.hidden) if asked.facts else None
    size = packing.features + (records.size if records else 0)
    model = recipe.model
    head: PapersHead | LogisticHead
    if model.head == "papers":
        head = PapersHead(size, model.hidden, model.noise, model.dropout, model.standardise, answers)
    else:
        head = LogisticHead(size, answers)
    return ExamHead(packing, pool, records, head, coding, recipe)
