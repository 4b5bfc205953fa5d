"""Codings, rows and heads of small exams."""

import torch
from torch import Tensor

from senoscope.core.domain.coding import FactCoding, RecordCoding
from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.learning.exams.head import ExamHead, build_exam_head
from senoscope.learning.exams.packing import Packing

CODING = RecordCoding(
    facts=(
        FactCoding(name="age", kind="number", center=50.0, spread=10.0, low=30.0, high=80.0),
        FactCoding(name="machine", kind="word", words=("a", "b", "c")),
    )
)
VIEWS, FEATURES = 4, 6
PACKING = Packing(VIEWS, FEATURES, CODING.width)

TEXT = """
name = "mini"
task = "screening"
dataset = "rsna"

[split]
mode = "crossval"
folds = 3

[input]
size = 64

[exam]
by = "breast"
most = 4

[record]
facts = ["age", "machine"]

[model]
backbone = "test_efficientnet"
pretrained = false
head = "papers"
hidden = 8

[fit]
epochs = 3
batch = 8
"""


def recipe(**changes: str) -> Recipe:
    """The small recipe with some keys changed: `exam__pool="attention"`."""
    return parse_recipe(TEXT, {key.replace("__", "."): value for key, value in changes.items()})


def exam_rows(count: int, seed: int = 0) -> Tensor:
    """(count, width) rows of exams of 1 to 4 images, ages and machines drawn, every third age missing."""
    random = torch.Generator().manual_seed(seed)
    cube = torch.zeros(count, VIEWS, FEATURES + CODING.width + 1)
    for row in range(count):
        taken = 1 + row % VIEWS
        cube[row, :taken, :FEATURES] = torch.randn(taken, FEATURES, generator=random) * 3 + 1
        record = torch.zeros(CODING.width)
        if row % 3:
            record[0] = torch.randn(1, generator=random)
        else:
            record[1] = 1.0
        record[2 + row % 3] = 1.0
        cube[row, :taken, FEATURES:-1] = record
        cube[row, :taken, -1] = 1.0
    return cube.reshape(count, -1)


def exam_head(answers: int = 1, **changes: str) -> ExamHead:
    """An exam head as after a fit: no weight is at its start."""
    asked = recipe(**changes)
    packing = PACKING if asked.model.sees else Packing(VIEWS, 0, CODING.width)
    if not asked.record.facts:
        packing = Packing(VIEWS, FEATURES, 0)
    coding = CODING if asked.record.facts else RecordCoding()
    torch.manual_seed(5)
    head = build_exam_head(asked, packing, coding, answers)
    if packing == PACKING:
        head.start(exam_rows(40))
    with torch.no_grad():
        for weight in head.parameters():
            weight.normal_(std=0.4)
    return head.eval()
