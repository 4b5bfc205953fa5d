"""Backbone and exam head as one: evidence, one exam and many, what is exported."""

import numpy as np
import pytest
import torch

from senoscope.core.domain.coding import RecordCoding
from senoscope.learning.exams.export import export_exams
from senoscope.learning.exams.head import build_exam_head
from senoscope.learning.exams.network import ExamClassifier
from senoscope.learning.exams.packing import Packing
from senoscope.learning.models.weights import Backbone
from senoscope.runtime.session import ExamSession
from tests.learning.exams.conftest import CODING, recipe


def network(backbone: Backbone, answers: int = 1, most: int = 4, /, **changes: str) -> ExamClassifier:
    asked = recipe(**changes)
    coding = CODING if asked.record.facts else RecordCoding()
    sees = asked.model.sees
    torch.manual_seed(6)
    head = build_exam_head(asked, Packing(most, backbone.features if sees else 0, coding.width), coding, answers)
    with torch.no_grad():
        for weight in head.parameters():
            weight.normal_(std=0.1)
    return ExamClassifier(backbone if sees else None, head).eval()


def exam(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(count)
    records = torch.rand(count, CODING.width, generator=random)
    records[:, 1] = 0.0
    return torch.rand(count, 3, 64, 64, generator=random) * 255, records


@pytest.mark.parametrize("pool", ["mean", "attention"])
def test_the_evidence_is_grad_cam_of_every_image(backbone: Backbone, pool: str) -> None:
    model = network(backbone, exam__pool=pool)
    images, records = exam(3)

    maps = model.maps(images).detach().requires_grad_()
    logits, saliency, embedding, shares = model.answer(maps, records)
    (gradient,) = torch.autograd.grad(logits.sum(), maps)

    expected = torch.relu((maps * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1))
    torch.testing.assert_close(saliency, expected, rtol=1e-4, atol=1e-6)
    assert expected.max() > 0
    assert (embedding.shape, shares.shape) == ((3, backbone.features), (3,))
    torch.testing.assert_close(shares.sum(), torch.tensor(1.0))


def test_a_batch_of_exams_answers_as_each_by_itself(backbone: Backbone) -> None:
    model = network(backbone, exam__pool="attention", record__network="gru")
    exams = [exam(2), exam(1), exam(4)]

    together = model.logits(
        torch.cat([images for images, _ in exams]),
        torch.cat([records for _, records in exams]),
        torch.tensor([2, 1, 4]),
    )

    one_by_one = [model.answer(model.maps(pictures), known)[0] for pictures, known in exams]
    torch.testing.assert_close(together, torch.cat(one_by_one), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("answers", "changes"),
    [
        (1, {"exam__pool": "attention", "record__network": "lstm"}),
        (3, {"record__network": "gru"}),
        (1, {"record__facts": "[]"}),
        (1, {"model__backbone": "none", "record__network": "gru"}),
    ],
    ids=["attention-lstm", "three-labels", "pictures", "records"],
)
def test_what_is_exported_answers_exams_of_any_size(backbone: Backbone, answers: int, changes: dict[str, str]) -> None:
    model = network(backbone, answers, **changes)

    content = export_exams(model, 64)

    session = ExamSession(content, model.head.packing.columns)
    for count in (1, 2, 3, 4):
        images, records = exam(count)
        records = records[:, : model.head.packing.columns]
        maps = None if model.backbone is None else model.maps(images)
        expected = [value.detach().numpy() for value in model.answer(maps, records)]
        found = session.run(None if maps is None else images.numpy(), records.numpy())
        assert found.logits.shape == (1, answers)
        for name, value in zip(("logits", "saliency", "embedding", "attention"), expected, strict=True):
            np.testing.assert_allclose(getattr(found, name), value, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_exams_of_few_places_are_exported_too(backbone: Backbone, most: int) -> None:
    model = network(backbone, 1, most, exam__pool="attention", record__network="gru")

    session = ExamSession(export_exams(model, 64), model.head.packing.columns)

    for count in range(1, most + 1):
        images, records = exam(count)
        logits = model.logits(images, records, torch.tensor([count]))
        found = session.run(images.numpy(), records.numpy())
        np.testing.assert_allclose(found.logits, logits.detach().numpy(), rtol=1e-3, atol=1e-4)
