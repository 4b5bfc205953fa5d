"""Tables, JSON and CSV: of answers, of abstentions, of failures."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Prediction
from senoscope.core.errors import UnreadableImageError
from senoscope.runtime.outputs import OUTPUTS
from senoscope.runtime.predictor import Failure
from senoscope.runtime.store import load
from tests.makers import tiny_bundle
from tests.runtime.conftest import picture

AWKWARD = 'a, "b"\nc\tü 漢/scan.png'
FAILURE = Failure("gone.png", UnreadableImageError("gone.png: it is, and\nso on", 'say "please", then go'))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Prediction | Failure]:
    """A plain answer, one by an awkward name, an abstained one, a failure."""
    model = load(tiny_bundle(tmp_path_factory.mktemp("tiny")), threads=1)
    plain = model.predict(picture(1, malignant=True))
    blank = model.predict(Image(np.zeros((30, 30), np.uint8), 255.0, "blank.png"))
    return [plain, replace(plain, source=AWKWARD), blank, FAILURE]


def rows(answers: list[Prediction | Failure]) -> list[dict[str, str]]:
    text = "".join(f"{line}\n" for line in OUTPUTS.get("csv")(answers))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_the_columns_of_the_contract(answers: list[Prediction | Failure]) -> None:
    assert next(iter(OUTPUTS.get("csv")(answers))) == "file,task,bundle,label,probability,abstained,warnings"


def test_csv_of_an_answer(answers: list[Prediction | Failure]) -> None:
    row, answer = rows(answers)[0], answers[0]

    assert isinstance(answer, Prediction)
    assert row["file"] == "picture 1"
    assert (row["task"], row["bundle"], row["abstained"]) == ("ultrasound", "tiny", "false")
    assert row["label"] == answer.label
    assert float(row["probability"]) == pytest.approx(answer.probability, abs=1e-6)


def test_csv_quotes_what_must_be_quoted(answers: list[Prediction | Failure]) -> None:
    assert rows(answers)[1]["file"] == AWKWARD


def test_csv_of_an_abstention_has_no_label(answers: list[Prediction | Failure]) -> None:
    row = rows(answers)[2]

    assert row["abstained"] == "true"
    assert row["label"] == ""
    assert 0 <= float(row["probability"]) <= 1
    assert {"too_small", "blank"} <= set(row["warnings"].split("; "))


def test_csv_of_a_failure(answers: list[Prediction | Failure]) -> None:
    row = rows(answers)[3]

    assert row["file"] == "gone.png"
    assert row["warnings"].startswith("error: gone.png: it is")
    assert [row[name] for name in ("task", "bundle", "label", "probability", "abstained")] == [""] * 5


def test_json_is_an_object_a_line(answers: list[Prediction | Failure]) -> None:
    lines = list(OUTPUTS.get("json")(answers))

    objects = [json.loads(line) for line in lines]
    assert all("\n" not in line for line in lines)
    assert [item["file"] for item in objects] == ["picture 1", AWKWARD, "blank.png", "gone.png"]
    answer = answers[0]
    assert isinstance(answer, Prediction)
    assert objects[0]["probability"] == answer.probability
    assert objects[0]["probabilities"] == answer.probabilities
    assert objects[0]["operating_point"] == {"name": "balanced", "threshold": 0.5}
    assert (objects[0]["width"], objects[0]["height"]) == (96, 80)
    assert objects[0]["notice"] == "Research use only; not for diagnosis."
    assert objects[2]["abstained"] is True
    assert {flag["code"] for flag in objects[2]["trust"]["flags"]} >= {"too_small", "blank"}
    assert objects[3]["error"]["code"] == "unreadable_image"
    assert "please" in objects[3]["error"]["hint"]


def test_table_says_what_a_reader_must_know(answers: list[Prediction | Failure]) -> None:
    text = "\n".join(OUTPUTS.get("table")(answers))

    answer = answers[0]
    assert isinstance(answer, Prediction)
    assert answer.label in text
    assert f"{answer.probability:.1%}" in text
    assert "balanced ≥ 50.0%" in text
    assert "no answer" in text
    assert "hardly vary" in text
    assert "error: gone.png" in text
    assert "hint: say" in text
    assert text.endswith("Research use only; not for diagnosis.")


def test_table_of_an_abstention_has_no_probability(answers: list[Prediction | Failure]) -> None:
    (line,) = (line for line in OUTPUTS.get("table")([answers[2]]) if line.startswith("blank.png"))

    assert "%" not in line.split("balanced")[0]


def test_table_shows_the_end_of_a_long_name(answers: list[Prediction | Failure]) -> None:
    name = str(Path("x" * 100) / "scan.png")
    answer = answers[0]
    assert isinstance(answer, Prediction)

    lines = list(OUTPUTS.get("table")([replace(answer, source=name)]))

    assert lines[1].startswith("…xxx")
    assert "scan.png  " in lines[1]


def test_lines_come_as_answers_do(answers: list[Prediction | Failure]) -> None:
    taken = 0

    def source() -> Iterator[Prediction | Failure]:
        nonlocal taken
        for answer in answers:
            taken += 1
            yield answer

    for name in OUTPUTS.names():
        taken = 0
        lines = OUTPUTS.get(name)(source())
        next(lines)
        assert taken <= 1, name
