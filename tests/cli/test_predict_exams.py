"""`senoscope predict` with bundles of exams."""

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image as Pil

from tests.cli.conftest import Command
from tests.makers import tiny_exam_bundle, ultrasound


@pytest.fixture(scope="module")
def exams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_exam_bundle(tmp_path_factory.mktemp("bundle") / "exams", by="patient")


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_exam_bundle(tmp_path_factory.mktemp("bundle") / "blind", by="patient", sees=False)


@pytest.fixture
def women(tmp_path: Path) -> Path:
    """Two women with three films and two, and a film by itself."""
    for number, name in enumerate(("ann ü/1.png", "ann ü/2.png", "ann ü/3.png", "ben/1.png", "ben/2.png", "zoe.png")):
        path = tmp_path / "women" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pil.fromarray(ultrasound(number, (160, 130))).save(path)
    return tmp_path / "women"


def facts(folder: Path, text: str) -> Path:
    (folder / "facts.csv").write_text(text, encoding="utf-8")
    return folder / "facts.csv"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_an_exam(senoscope: Command, exams: Path, women: Path, tmp_path: Path) -> None:
    known = facts(tmp_path, "exam,file,age,machine\nann ü,,50,29\nben,1.png,60,48\nben,2.png,60,29\n")
    command = ("predict", "screening", women / "ann ü", women / "ben", women / "zoe.png", "--bundle", exams)

    done = senoscope(*command, "--format", "csv")
    told = senoscope(*command[:4], "--bundle", exams, "--format", "csv", "--facts", known)

    assert (done.status, told.status) == (0, 0)
    found = rows(done.out)
    assert list(found[0]) == ["file", "task", "bundle", "label", "probability", "abstained", "warnings"]
    assert [row["file"] for row in found] == [str(women / name) for name in ("ann ü", "ben", "zoe.png")]
    assert ["missing_facts" in row["warnings"] for row in found] == [True] * 3
    assert "one_image" in found[2]["warnings"]
    assert [row["file"] for row in rows(told.out)] == [str(women / name) for name in ("ann ü", "ben")]
    assert not any("missing_facts" in row["warnings"] for row in rows(told.out))
    assert [row["probability"] for row in rows(told.out)] != [row["probability"] for row in found[:2]]


def test_json_tells_of_each_image(senoscope: Command, exams: Path, women: Path) -> None:
    done = senoscope("predict", "screening", women, "--bundle", exams, "--format", "json")

    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [Path(answer["file"]).name for answer in answers] == ["ann ü", "ben", "women"]
    images = answers[0]["images"]
    assert [Path(image["file"]).name for image in images] == ["1.png", "2.png", "3.png"]
    assert sum(image["share"] for image in images) == pytest.approx(1)
    assert {"sha256", "width", "height", "trust"} <= set(images[0])
    assert answers[0]["missing"] == ["age", "machine"]


def test_table_and_evidence_of_every_view(senoscope: Command, exams: Path, women: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = senoscope("predict", "screening", women / "ann ü", "--bundle", exams)

    done = senoscope("predict", "screening", women / "ann ü", women / "zoe.png", "--bundle", exams, "--out", out)

    assert "share of its images: 1.png" in shown.out
    assert "Answered without knowing: age, machine." in shown.out
    assert done.status == 0
    assert "2 exams, 0 failed" in done.err
    pictures = sorted(path.name[:-22] for path in out.glob("*_evidence.png"))
    assert pictures == ["ann_ü_1", "ann_ü_2", "ann_ü_3", "zoe"]


def test_an_unreadable_image_is_its_exams_row(senoscope: Command, exams: Path, women: Path) -> None:
    (women / "ann ü" / "2.png").write_bytes(b"<html>gone</html>")

    done = senoscope("predict", "screening", women / "ann ü", women / "ben", "--bundle", exams, "--format", "csv")

    first, second = rows(done.out)
    assert done.status == 1
    assert first["file"] == str(women / "ann ü")
    assert first["warnings"].startswith("error: ")
    assert "2.png" in first["warnings"]
    assert second["probability"]


def test_a_table_alone_for_a_bundle_without_pictures(senoscope: Command, blind: Path, tmp_path: Path) -> None:
    known = facts(tmp_path, "exam,age,machine\nann,50,29\nben,60,unknown\n")

    done = senoscope("predict", "screening", "--facts", known, "--bundle", blind, "--format", "csv")
    out = senoscope("predict", "screening", "--facts", known, "--bundle", blind, "--out", tmp_path / "out")

    found = rows(done.out)
    assert [row["file"] for row in found] == ["ann", "ben"]
    assert [row["warnings"] for row in found if "missing_facts" in row["warnings"]] == [found[1]["warnings"]]
    assert found[0]["probability"] != found[1]["probability"]
    assert out.status == 0
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "predictions.txt"]


def test_requests_that_make_no_sense(
    senoscope: Command, bundle: Path, exams: Path, blind: Path, women: Path, tmp_path: Path
) -> None:
    known = facts(tmp_path, "exam,age\nann ü,50\n")
    cases = (
        (("ultrasound", women / "ben", "--facts", known, "--bundle", bundle), "goes by no facts"),
        (("screening", women / "ben", "--facts", known, "--bundle", blind), "looks at no pictures"),
        (("screening", "--bundle", blind), "goes by what is known alone"),
        (("screening", "--facts", known, "--bundle", exams), "looks at pictures, and none is named"),
        (("ultrasound", "--bundle", bundle), "looks at pictures, and none is named"),
    )

    for words, said in cases:
        done = senoscope("predict", *words)
        assert done.status == 2, words
        assert said in done.err
        assert "hint: " in done.err


def test_a_table_that_does_not_fit_is_an_error_with_row_and_column(
    senoscope: Command, exams: Path, women: Path, tmp_path: Path
) -> None:
    known = facts(tmp_path, "exam,age\nann ü,50\nnobody,60\n")

    done = senoscope("predict", "screening", women, "--facts", known, "--bundle", exams)

    assert done.status == 1
    assert "row 2, column 'exam': there is no picture of 'nobody'" in done.err


def test_an_empty_folder(senoscope: Command, exams: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    done = senoscope("predict", "screening", tmp_path / "empty", "--bundle", exams)

    assert done.status == 1
    assert done.err.startswith("error: no pictures in")
