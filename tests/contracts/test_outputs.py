"""What every registered output promises."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Prediction
from senoscope.core.errors import MissingFileError
from senoscope.runtime.outputs import OUTPUTS
from senoscope.runtime.predictor import Failure
from senoscope.runtime.store import load
from tests.makers import tiny_bundle, ultrasound

every_output = pytest.mark.parametrize("name", OUTPUTS.names())


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    model = load(tiny_bundle(tmp_path_factory.mktemp("tiny")), threads=1)
    return model.predict(Image(ultrasound(1), 255.0, "größe 1.png"))


@pytest.fixture(scope="module")
def withheld(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    model = load(tiny_bundle(tmp_path_factory.mktemp("tiny")), threads=1)
    return model.predict(Image(np.zeros((20, 20), np.uint8), 255.0, "blank.png"))


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
