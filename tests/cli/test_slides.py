"""`senoscope predict` of whole slides."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as Pil

from tests.cli.conftest import Command
from tests.makers import slide_file, tiny_outline_bundle, tiny_slide_bundle, tissue


@pytest.fixture(scope="module")
def slide_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_slide_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    """Two slides, one that is broken, and a picture, in a folder with a name."""
    folder = tmp_path / "Größe und Übung"
    (folder / "below").mkdir(parents=True)
    slide_file(folder / "slide ä.tif", tissue(1600, 1200), mpp=2.0, tile=128)
    slide_file(folder / "below" / "slide 2.svs", tissue(1600, 1200, 1), mpp=2.0, tile=128)
    (folder / "broken.svs").write_bytes(b"nothing of the kind" * 9)
    Pil.fromarray(tissue(64, 64)).save(folder / "thumbnail.png")
    return folder


def test_a_folder_of_slides_just_works(senoscope: Command, slides: Path, slide_bundle: Path, tmp_path: Path) -> None:
    done = senoscope("predict", "idc", slides, "--bundle", slide_bundle, "--out", tmp_path / "out")

    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "summary.csv").read_text(), newline="")))
    assert done.status == 1
    assert [Path(row["file"]).name for row in rows] == ["slide 2.svs", "broken.svs", "slide ä.tif"]
    assert rows[1]["warnings"].startswith("error: ")
    assert all(0 <= float(rows[place]["fraction"]) <= 1 for place in (0, 2))
    assert "3 slides, 1 failed" in done.err
    assert "mm²" in done.out
    assert "Research use only" in done.out
    assert len(list((tmp_path / "out").glob("*/probability.ome.tiff"))) == 2
    assert len(list((tmp_path / "out").glob("*/regions.geojson"))) == 2


def test_one_slide_without_a_folder_is_told_and_nothing_is_written(
    senoscope: Command, slides: Path, slide_bundle: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))

    done = senoscope("predict", "idc", slides / "slide ä.tif", "--bundle", slide_bundle, "--format", "json")

    answer = json.loads(done.out)
    assert done.status == 0
    assert answer["tissue_mm2"] > 1
    assert answer["question"]["bundle"] == "tiny_idc"
    assert sorted(tmp_path.rglob("*")) == before


def test_csv_is_a_row_a_slide(senoscope: Command, slides: Path, slide_bundle: Path) -> None:
    done = senoscope("predict", "idc", slides, "--bundle", slide_bundle, "--format", "csv", "--overlap", "0.5")

    rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
    assert done.status == 1
    assert len(rows) == 3
    assert int(rows[0]["tiles_answered"]) > 40


def test_a_slide_without_resolution_hints_at_mpp(senoscope: Command, slide_bundle: Path, tmp_path: Path) -> None:
    path = slide_file(tmp_path / "silent.tif", tissue(1600, 1200), mpp=None)

    silent = senoscope("predict", "idc", path, "--bundle", slide_bundle)
    said = senoscope("predict", "idc", path, "--bundle", slide_bundle, "--mpp", "2")

    assert silent.status == 1
    assert "does not say how many µm" in silent.out
    assert "--mpp" in silent.out
    assert "Traceback" not in silent.out + silent.err
    assert said.status == 0


def test_skip_errors_leaves_alone_what_failed(
    senoscope: Command, slides: Path, slide_bundle: Path, tmp_path: Path
) -> None:
    asked = ("predict", "idc", slides, "--bundle", slide_bundle, "--out", tmp_path / "out")
    senoscope(*asked)

    done = senoscope(*asked, "--skip-errors")

    assert done.status == 1
    assert "in an earlier run" in done.out


def test_stills_are_answered_as_before(senoscope: Command, slides: Path, slide_bundle: Path) -> None:
    done = senoscope("predict", "idc", slides / "thumbnail.png", "--bundle", slide_bundle, "--format", "csv")

    assert done.out.splitlines()[0] == "file,task,bundle,label,probability,abstained,warnings"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--overlap", "0.7"), "--overlap 0.7"),
        (("--overlap", "1"), "--overlap 1"),
        (("--mpp", "-3"), "µm per pixel"),
        (("--format", "pdf"), "there is no format"),
        (("--operating-point", "guess"), "no operating point"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    senoscope: Command, slides: Path, slide_bundle: Path, given: tuple[str, str], said: str
) -> None:
    done = senoscope("predict", "idc", slides, "--bundle", slide_bundle, *given)

    assert done.status == 2
    assert said in done.err


def test_slides_and_stills_are_not_mixed(senoscope: Command, slides: Path, slide_bundle: Path) -> None:
    done = senoscope("predict", "idc", slides / "slide ä.tif", slides / "thumbnail.png", "--bundle", slide_bundle)

    assert done.status == 2
    assert "is a still" in done.err


def test_help_shows_slides() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "senoscope", "predict", "--help"], capture_output=True, text=True, check=True
    )

    assert "senoscope predict idc slide.svs" in done.stdout


def test_real_slides(senoscope: Command, data_root: Path, slide_bundle: Path, tmp_path: Path) -> None:
    done = senoscope(
        "predict", "idc", data_root / "slides", "--bundle", slide_bundle, "--mpp", "4", "--out", tmp_path / "out"
    )

    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "summary.csv").read_text(), newline="")))
    assert done.status == 1
    assert [Path(row["file"]).stem for row in rows] == ["broken", "cmu_small_region", "tcga-cr-7395-01a-01-ts1"]
    assert [row["tissue_mm2"] for row in rows] == ["", "0.5676", "156.2173"]


def test_a_bundle_that_gives_every_pixel_a_label_writes_masks(senoscope: Command, tmp_path: Path) -> None:
    bundle = tiny_outline_bundle(tmp_path / "bundle", task="tissue_outline")
    slide = slide_file(tmp_path / "slide.tif", tissue(600, 500), mpp=0.25)

    done = senoscope(
        "predict", "tissue_outline", slide, "--bundle", bundle, "--out", tmp_path / "out", "--format", "json"
    )

    (folder,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert done.status == 0
    assert len(json.loads(done.out)["label_mm2"]) == 21
    assert {path.name for path in folder.iterdir()} == {
        *("labels.ome.tiff", "regions.geojson", "overlay.png", "summary.json", "state.json")
    }


def test_an_operating_point_is_no_matter_of_pixels(senoscope: Command, slides: Path, tmp_path: Path) -> None:
    bundle = tiny_outline_bundle(tmp_path / "bundle", task="tissue_outline")

    done = senoscope("predict", "tissue_outline", slides, "--bundle", bundle, "--operating-point", "balanced")

    assert done.status == 2
    assert "leave it out" in done.err
