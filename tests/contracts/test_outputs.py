"""What every registered output promises."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.exam import Exam, View
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import ExamPrediction, Prediction
from senoscope.core.errors import MissingFileError
from senoscope.runtime.outputs import OUTPUTS
from senoscope.runtime.predictor import Failure
from senoscope.runtime.store import load
from tests.makers import tiny_bundle, tiny_exam_bundle, ultrasound

every_output = pytest.mark.parametrize("name", OUTPUTS.names())


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    model = load(tiny_bundle(tmp_path_factory.mktemp("tiny")), threads=1)
    return model.predict(Image(ultrasound(1), 255.0, "größe 1.png"))


@pytest.fixture(scope="module")
def withheld(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    model = load(tiny_bundle(tmp_path_factory.mktemp("tiny")), threads=1)
    return model.predict(Image(np.zeros((20, 20), np.uint8), 255.0, "blank.png"))


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> ExamPrediction:
    model = load(tiny_exam_bundle(tmp_path_factory.mktemp("exams")), threads=1)
    views = tuple(View(Image(ultrasound(seed, (160, 130)), 255.0, f"größe {seed}.png")) for seed in (1, 2))
    return model.predict(Exam("woman ü", views))


FAILURE = Failure("gone.png", MissingFileError("gone.png: there is no such file", "check the spelling"))


@every_output
def test_names_the_file_the_answer_and_the_doubt(name: str, answer: Prediction, withheld: Prediction) -> None:
    text = "\n".join(OUTPUTS.get(name)([answer, withheld, FAILURE]))

    assert "größe 1.png" in text
    assert answer.label in text
    assert "blank.png" in text
    assert "gone.png: there is no such file" in text
    assert "check the spelling" in text


@every_output
def test_names_the_exam_its_answer_and_its_doubt(name: str, exam: ExamPrediction) -> None:
    text = "\n".join(OUTPUTS.get(name)([exam, FAILURE]))

    assert "woman ü" in text
    assert exam.label in text
    assert "missing_facts" in text or "Answered without knowing: age, machine." in text
    assert "gone.png: there is no such file" in text


@every_output
def test_an_image_and_an_exam_may_follow_each_other(name: str, answer: Prediction, exam: ExamPrediction) -> None:
    apart = [list(OUTPUTS.get(name)([one])) for one in (answer, exam)]
    together = list(OUTPUTS.get(name)([answer, exam]))

    assert {line for lines in apart for line in lines} == set(together)


@every_output
def test_lines_are_text_without_line_ends(name: str, answer: Prediction) -> None:
    for line in OUTPUTS.get(name)([answer, FAILURE]):
        assert isinstance(line, str)
        assert not line.endswith("\n")


@every_output
def test_nothing_in_leaves_only_the_frame(name: str, answer: Prediction) -> None:
    told, framed = list(OUTPUTS.get(name)([])), list(OUTPUTS.get(name)([answer]))

    assert len(told) < len(framed)
    assert set(told) <= set(framed)


@every_output
def test_first_answer_is_told_before_the_second_is_taken(name: str, answer: Prediction) -> None:
    def source() -> Iterator[Prediction]:
        yield answer
        raise AssertionError("taken too early")

    for line in OUTPUTS.get(name)(source()):
        if "größe 1.png" in line:
            return
    pytest.fail("the answer was not told")


def test_formats_are_those_of_the_command_line() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")

    assert all(name in text for name in OUTPUTS.names())
