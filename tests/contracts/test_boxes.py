"""What the runtime answers to every task that asks for boxes, in every form."""

import csv
import json
from pathlib import Path

import pytest

from senoscope.core.domain.boxes import BoxPrediction
from senoscope.core.domain.image import Image
from senoscope.core.tasks import TASKS
from senoscope.runtime.detecting import Detector
from senoscope.runtime.outputs import OUTPUTS
from senoscope.runtime.outputs.boxes import boxes_png
from senoscope.runtime.store import load_any, verify
from tests.makers import tiny_box_bundle, ultrasound

DETECTING = [name for name in TASKS.names() if TASKS.get(name).kind == "detect"]
PICTURES = [Image(ultrasound(seed, (160, 150), malignant=seed % 2 == 0), 255.0, f"{seed}.png") for seed in range(8)]


@pytest.fixture(scope="module", params=DETECTING)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder: Path = tiny_box_bundle(tmp_path_factory.mktemp(request.param) / "tiny", task=request.param)
    verify(folder)
    found = load_any(folder, threads=1)
    assert isinstance(found, Detector)
    return found


@pytest.fixture(scope="module")
def answers(model: Detector) -> list[BoxPrediction]:
    every = [answer for answer in model.stream(PICTURES) if isinstance(answer, BoxPrediction)]
    found = [answer for answer in every if not answer.abstained]
    assert found
    return found


def test_boxes_lie_in_the_picture_the_surest_first(model: Detector, answers: list[BoxPrediction]) -> None:
    for answer in answers:
        assert tuple(answer.probabilities) == TASKS.get(model.manifest.task).labels
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert (answer.label == answer.positive) == bool(answer.boxes)
        every = [*answer.boxes, *answer.unshown]
        assert [one.score for one in every] == sorted((one.score for one in every), reverse=True)
        for one in every:
            left, top, right, bottom = one.box.edges
            assert 0 <= left < right <= answer.size.width
            assert 0 <= top < bottom <= answer.size.height
            assert 0 <= one.score <= 1
            assert one.label == answer.positive
        assert answer.saliency.shape == (answer.size.height, answer.size.width)


def test_every_output_tells_it(answers: list[BoxPrediction]) -> None:
    for name in OUTPUTS.names():
        assert all(answer.label in "\n".join(OUTPUTS.get(name)([answer])) for answer in answers)
    rows = list(csv.DictReader(OUTPUTS.get("csv")(answers)))
    assert [float(row["probability"]) for row in rows] == pytest.approx([one.probability for one in answers], abs=1e-6)
    for line, answer in zip(OUTPUTS.get("json")(answers), answers, strict=True):
        boxes = json.loads(line)["boxes"]
        assert [one["box"] for one in boxes] == [list(vars(one.box).values()) for one in answer.boxes]
        assert [one["score"] for one in boxes] == [one.score for one in answer.boxes]


def test_a_withheld_answer_shows_no_box(model: Detector) -> None:
    small = Image(ultrasound(1, (40, 30)), 255.0, "small.png")

    answer = model.predict(small)

    assert answer.abstained
    assert json.loads(next(OUTPUTS.get("json")([answer])))["boxes"] == []


def test_boxes_are_drawn_on_the_picture(answers: list[BoxPrediction]) -> None:
    import io

    import numpy as np
    from PIL import Image as Pil

    answer = next(one for one in answers if one.boxes)
    picture = next(one for one in PICTURES if one.source == answer.source)

    drawn = np.asarray(Pil.open(io.BytesIO(boxes_png(picture, answer.boxes))))

    left, top, right, bottom = answer.boxes[0].box.edges
    orange = (drawn == (252, 165, 10)).all(axis=2)
    assert orange[top, left:right].all()
    assert orange[bottom - 1, left:right].all()
    assert orange[top:bottom, right - 1].all()
    assert not orange.all()
    assert (drawn[~orange] == np.repeat(picture.pixels[..., None], 3, axis=2)[~orange]).all()
