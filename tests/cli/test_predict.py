"""`senoscope predict`."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.io import read
from tests.cli.conftest import Command
from tests.makers import ultrasound

HEADER = "file,task,bundle,label,probability,abstained,warnings"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scans and a file that only says it is one, in a folder with a name."""
    place = tmp_path / "Größe und Übung"
    (place / "unter ordner").mkdir(parents=True)
    Pil.fromarray(ultrasound(1, (96, 80))).save(place / "scan ä 1.png")
    Pil.fromarray(ultrasound(2, (96, 80), malignant=True)).save(place / "unter ordner" / "scan 2.png")
    (place / "page.png").write_bytes(b"<!doctype html><html>not found</html>")
    return place


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_folder_as_csv_with_one_file_that_cannot_be_read(senoscope: Command, bundle: Path, folder: Path) -> None:
    done = senoscope("predict", "ultrasound", folder, "--format", "csv", "--bundle", bundle)

    found = rows(done.out)
    assert done.status == 1
    assert done.out.splitlines()[0] == HEADER
    assert [Path(row["file"]).name for row in found] == ["page.png", "scan ä 1.png", "scan 2.png"]
    assert found[0]["warnings"].startswith("error: ")
    assert found[0]["label"] == ""
    assert all(row["label"] in ("benign", "malignant") and row["bundle"] == "tiny" for row in found[1:])


def test_files_are_answered_in_the_order_given(senoscope: Command, bundle: Path, folder: Path) -> None:
    paths = [folder / "unter ordner" / "scan 2.png", folder / "scan ä 1.png", folder / "unter ordner" / "scan 2.png"]

    done = senoscope("predict", "ultrasound", *paths, "--format", "csv", "--bundle", bundle)

    assert done.status == 0
    assert [row["file"] for row in rows(done.out)] == [str(path) for path in paths]


def test_json_is_an_object_a_line(senoscope: Command, bundle: Path, folder: Path) -> None:
    done = senoscope("predict", "ultrasound", folder, "--format", "json", "--bundle", bundle)

    answers = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 1
    assert len(answers) == 3
    assert answers[0]["error"]["code"] == "unreadable_image"
    assert 0 <= answers[1]["probability"] <= 1


def test_table_is_the_default(senoscope: Command, bundle: Path, folder: Path) -> None:
    done = senoscope("predict", "ultrasound", folder / "scan ä 1.png", "--bundle", bundle)

    assert done.status == 0
    assert "scan ä 1.png" in done.out
    assert "Research use only" in done.out


def test_missing_path_is_a_row_and_the_others_are_answered(senoscope: Command, bundle: Path, folder: Path) -> None:
    missing, there = folder / "nowhere.png", folder / "scan ä 1.png"

    done = senoscope("predict", "ultrasound", missing, there, "--format", "csv", "--bundle", bundle)

    found = rows(done.out)
    assert done.status == 1
    assert "no such file" in found[0]["warnings"]
    assert found[1]["label"]


def test_folder_without_pictures(senoscope: Command, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    done = senoscope("predict", "ultrasound", tmp_path / "empty", "--bundle", bundle)

    assert done.status == 1
    assert done.err.startswith("error: no pictures in")


def test_operating_point(senoscope: Command, bundle: Path, folder: Path) -> None:
    command = ("predict", "ultrasound", folder / "scan ä 1.png", "--bundle", bundle, "--format", "json")

    answer = json.loads(senoscope(*command, "--operating-point", "screening").out)
    wrong = senoscope(*command, "--operating-point", "hopeful")

    assert answer["operating_point"] == {"name": "screening", "threshold": 0.2}
    assert wrong.status == 2
    assert "screening, balanced" in wrong.err


@pytest.mark.parametrize(("form", "ending"), [("csv", "csv"), ("json", "json"), ("table", "txt")])
def test_out_holds_answers_and_evidence(
    senoscope: Command, bundle: Path, folder: Path, tmp_path: Path, form: str, ending: str
) -> None:
    out = tmp_path / "new" / "answers ü"

    done = senoscope("predict", "ultrasound", folder, "--format", form, "--bundle", bundle, "--out", out)

    pictures = sorted(path.name for path in out.glob("*.png"))
    assert done.status == 1
    assert "3 images, 1 failed" in done.err
    assert len(pictures) == 2
    assert pictures[1].startswith("scan_ä_1_")
    assert [(read(out / name).size.width, read(out / name).size.height) for name in pictures] == [(96, 80)] * 2
    assert "scan 2.png" in (out / f"predictions.{ending}").read_text("utf-8")
    assert {path.suffix for path in out.iterdir()} == {".png", f".{ending}"}


def test_pictures_of_one_name_do_not_overwrite_each_other(senoscope: Command, bundle: Path, tmp_path: Path) -> None:
    for seed, place in enumerate(("a", "b")):
        (tmp_path / place).mkdir()
        Pil.fromarray(ultrasound(seed, (96, 80))).save(tmp_path / place / "scan.png")

    senoscope("predict", "ultrasound", tmp_path / "a", tmp_path / "b", "--bundle", bundle, "--out", tmp_path / "out")

    assert len(list((tmp_path / "out").glob("scan_*_evidence.png"))) == 2


def test_name_of_the_longest_kind(senoscope: Command, bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 120 + ".png")
    Pil.fromarray(ultrasound(1, (96, 80))).save(path)

    done = senoscope("predict", "ultrasound", path, "--bundle", bundle, "--out", tmp_path / "out")

    assert done.status == 0
    assert len(list((tmp_path / "out").glob("*_evidence.png"))) == 1


def test_out_that_is_a_file(senoscope: Command, bundle: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")

    done = senoscope("predict", "ultrasound", folder, "--bundle", bundle, "--out", tmp_path / "out")

    assert done.status == 1
    assert done.err.startswith("error: ")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["horoscope", "x.png"], "there is no task 'horoscope'"),
        (["ultrasound", "x.png", "--format", "xml"], "there is no format 'xml'"),
        (["ultrasound", "x.png", "--bundle", "ultrasund"], "did you mean"),
        (["ultrasound"], "PATH"),
        ([], "TASK"),
        (["ultrasound", "x.png", "--colour"], "colour"),
    ],
)
def test_usage_errors(senoscope: Command, words: list[str], said: str) -> None:
    done = senoscope("predict", *words)

    assert done.status == 2
    assert said in done.err
    assert done.out == ""


def test_damaged_bundle(senoscope: Command, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text('{"format": 7}')

    done = senoscope("predict", "ultrasound", "x.png", "--bundle", tmp_path)

    assert done.status == 1
    assert "this version reads 1" in done.err
    assert done.err.splitlines()[1].startswith("hint: ")
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_name_that_is_no_text(process: Command, bundle: Path, tmp_path: Path, form: str, encoding: str) -> None:
    """A name in Latin-1, as old archives hold them, on a terminal that may not even know umlauts."""
    name = os.fsencode(tmp_path) + b"/gr\xf6\xdfe \xc3\xa4.png"
    with open(name, "wb") as file:
        Pil.fromarray(ultrasound(1, (96, 80))).save(file, "PNG")

    done = process(
        *("predict", "ultrasound", tmp_path, "--format", form, "--bundle", bundle), PYTHONIOENCODING=encoding
    )

    assert done.status == 0
    # Where the terminal's encoding is ASCII, click writes UTF-8 and a question mark for what is no character.
    assert "gr\\udcf6" in done.out or (encoding == "ascii" and "gr??e ä.png" in done.out)
    if form == "json" and encoding == "utf-8":
        assert json.loads(done.out)["file"].encode("utf-8", "surrogateescape") == name


def test_name_that_is_no_text_in_a_file(process: Command, bundle: Path, tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/gr\xf6\xdfe.png", "wb") as file:
        Pil.fromarray(ultrasound(1, (96, 80))).save(file, "PNG")

    done = process("predict", "ultrasound", tmp_path, "--format", "csv", "--bundle", bundle, "--out", tmp_path / "out")

    assert done.status == 0
    assert "gr\\udcf6\\udcdfe.png" in (tmp_path / "out" / "predictions.csv").read_text("utf-8")


def test_reader_that_has_had_enough(bundle: Path, folder: Path) -> None:
    words = ["predict", "ultrasound", *[str(folder)] * 300, "--bundle", str(bundle), "--format", "json"]
    command = [sys.executable, "-c", "from senoscope.cli import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read().decode()
        running.wait(timeout=60)

    assert said == ""
    assert running.returncode != 0


def test_the_shipped_bundle_answers(process: Command, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    Pil.fromarray(noise).save(tmp_path / "noise.png")

    done = process("predict", "ultrasound", tmp_path / "noise.png", "--format", "csv")

    (row,) = rows(done.out)
    assert done.status == 0
    assert row["bundle"] == "ultrasound"
    assert row["abstained"] == "true"
    assert "out_of_distribution" in row["warnings"]
