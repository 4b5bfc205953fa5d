"""`senoscope predict` with a bundle that marks regions."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from tests.cli.conftest import Command
from tests.makers import outlined_ultrasound, tiny_outline_bundle

TASK = "ultrasound_outline"


@pytest.fixture(scope="module")
def outlines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_outline_bundle(tmp_path_factory.mktemp("outlines") / "tiny")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scan with a lesion, a bright one without, and a file that only says it is one."""
    place = tmp_path / "scans"
    place.mkdir()
    Pil.fromarray(outlined_ultrasound(1, (160, 128))[0]).save(place / "lesion.png")
    Pil.fromarray(np.maximum(outlined_ultrasound(1, (160, 128), lesion=False)[0], 90)).save(place / "free.png")
    (place / "page.png").write_bytes(b"<!doctype html>")
    return place


def test_the_table_says_where(senoscope: Command, outlines: Path, folder: Path) -> None:
    done = senoscope("predict", TASK, folder / "lesion.png", folder / "free.png", "--bundle", outlines)

    assert done.status == 0
    assert "lesion, " in done.out
    assert "% of the picture" in done.out
    assert "tissue" in done.out
    assert "balanced ≥ 50.0%" in done.out


@pytest.mark.parametrize("task", [TASK, "lesions"])
def test_the_bundle_that_ships_answers_where_none_is_named(senoscope: Command, folder: Path, task: str) -> None:
    done = senoscope("predict", task, folder / "lesion.png", "--format", "json")

    assert done.status == 0
    told = json.loads(done.out)
    assert told["bundle"] == task
    assert 0 < told["probability"] < 1


def test_csv_and_json_carry_answer_and_regions(senoscope: Command, outlines: Path, folder: Path) -> None:
    words = ("predict", TASK, folder, "--bundle", outlines, "--format")
    table, lines = senoscope(*words, "csv"), senoscope(*words, "json")

    rows = {Path(row["file"]).name: row for row in csv.DictReader(io.StringIO(table.out))}
    told = {Path(one["file"]).name: one for one in map(json.loads, lines.out.splitlines())}
    assert (table.status, lines.status) == (1, 1)
    assert (rows["lesion.png"]["label"], rows["free.png"]["label"]) == ("lesion", "tissue")
    assert rows["page.png"]["warnings"].startswith("error: ")
    assert told["page.png"]["error"]["code"] == "unreadable_image"
    assert told["free.png"]["regions"] == []
    region = told["lesion.png"]["regions"][0]
    left, top, width, height = region["box"]
    assert 0 <= left < left + width <= 160
    assert 0 <= top < top + height <= 128
    assert region["share"] == region["pixels"] / (160 * 128)
    assert told["lesion.png"]["operating_point"] == {"name": "balanced", "threshold": 0.5}


def test_out_holds_the_outline_and_the_mask(senoscope: Command, outlines: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    done = senoscope("predict", TASK, folder, "--bundle", outlines, "--format", "json", "--out", out)

    told = {Path(one["file"]).name: one for one in map(json.loads, (out / "predictions.json").read_text().splitlines())}
    assert done.status == 1
    assert "3 images, 1 failed" in done.err
    assert len(list(out.glob("*_evidence.png"))) == len(list(out.glob("*_mask.png"))) == 2
    (mask,) = out.glob("lesion_*_mask.png")
    with Pil.open(mask) as picture:
        marked = np.asarray(picture)
    assert marked.shape == (128, 160)
    assert set(np.unique(marked)) == {0, 255}
    assert (marked > 0).sum() == sum(region["pixels"] for region in told["lesion.png"]["regions"])
    with Pil.open(mask.with_name(mask.name.replace("_mask", "_evidence"))) as picture:
        assert (np.asarray(picture) == (252, 165, 10)).all(axis=2).any()


def test_a_doubtful_picture_leaves_neither(senoscope: Command, outlines: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    Pil.fromarray(noise).save(tmp_path / "noise.png")

    done = senoscope("predict", TASK, tmp_path / "noise.png", "--bundle", outlines, "--out", tmp_path / "out")

    assert done.status == 0
    assert list((tmp_path / "out").glob("*.png")) == []
    assert "no answer" in (tmp_path / "out" / "predictions.txt").read_text("utf-8")


def test_the_operating_point_is_named(senoscope: Command, outlines: Path, folder: Path) -> None:
    words = ("predict", TASK, folder / "lesion.png", "--bundle", outlines, "--format", "json", "--operating-point")

    answer, wrong = json.loads(senoscope(*words, "screening").out), senoscope(*words, "hopeful")

    assert answer["operating_point"] == {"name": "screening", "threshold": 0.2}
    assert wrong.status == 2
    assert "screening, balanced" in wrong.err


def test_what_does_not_fit_is_said(senoscope: Command, outlines: Path, bundle: Path, folder: Path) -> None:
    others = [
        senoscope("predict", "ultrasound", folder, "--bundle", outlines),
        senoscope("predict", TASK, folder, "--bundle", bundle),
        senoscope("predict", TASK, "--bundle", outlines),
    ]

    assert [done.status for done in others] == [2, 2, 2]
    assert "answers 'ultrasound_outline', not 'ultrasound'" in others[0].err
    assert "answers 'ultrasound', not 'ultrasound_outline'" in others[1].err
    assert "looks at pictures, and none is named" in others[2].err


def test_a_network_that_does_not_fit_is_said(senoscope: Command, outlines: Path, tmp_path: Path) -> None:
    content = bytearray((outlines / "model.onnx").read_bytes())
    content[100] ^= 1
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "bundle.json").write_bytes((outlines / "bundle.json").read_bytes())
    (damaged / "model.onnx").write_bytes(content)

    done = senoscope("predict", TASK, "x.png", "--bundle", damaged)

    assert done.status == 1
    assert "is not the network of this bundle" in done.err
    assert len(done.err.splitlines()) == 2
