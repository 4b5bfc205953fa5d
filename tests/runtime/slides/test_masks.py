"""Bundles that mark regions over slides: one map or several, from the slide's file to what is written."""

import csv
import errno
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import UsageError
from senoscope.core.io.slide import open_slide
from senoscope.runtime.reading import Failure
from senoscope.runtime.slides import measure
from senoscope.runtime.slides.job import KEPT_MAP, Settings, run_slides
from senoscope.runtime.slides.mask_files import CODES, files_of
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.outliner import PatchOutliner, slide_model
from senoscope.runtime.slides.plan import Grid
from senoscope.runtime.slides.rows import csv_lines, json_lines
from senoscope.runtime.slides.shapes import Mask, Ring, outlines
from senoscope.runtime.slides.tiles import Masks
from senoscope.runtime.slides.writing import MAP, OVERLAY, REGIONS, SUMMARY
from senoscope.runtime.store import load_any
from tests.makers import TINY, slide_file, tiny_outline_bundle, tissue
from tests.makers.outline_bundles import patch_outliner

WIDTH, HEIGHT = 400, 300
LABELS = ("pale", "grey", "dark")
BLOB = (slice(120, 180), slice(160, 250))
"""Rows and columns that are darker than all stain."""


def drawn() -> NDArray[np.uint8]:
    pixels = tissue(WIDTH, HEIGHT, share=0.9)
    grain = np.random.default_rng(1).integers(-6, 6, pixels[BLOB].shape)
    pixels[BLOB] = np.clip(np.array((70, 10, 40)) + grain, 0, 255)
    return pixels


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return slide_file(tmp_path_factory.mktemp("slides") / "slide.tif", drawn(), mpp=2.0, compression=None)


def asked(folder: Path, labels: tuple[str, ...] = ("tissue", "lesion")) -> PatchOutliner:
    return PatchOutliner(patch_outliner(folder / "bundle", labels=labels))


def run(slide: Path, model: PatchOutliner, out: Path | None, **settings: int) -> SlideSummary:
    (found,) = run_slides([slide], model, Settings(**settings), out)
    assert isinstance(found, SlideSummary), found
    return found


def written(out: Path) -> Path:
    (folder,) = (path for path in out.iterdir() if path.is_dir())
    return folder


def test_one_map_marks_the_dark_region(slide: Path, tmp_path: Path) -> None:
    model = asked(tmp_path)

    summary = run(slide, model, tmp_path / "out")

    folder = written(tmp_path / "out")
    area = 60 * 90 * 4 / 1e6
    assert summary.positive_mm2 == pytest.approx(area, rel=0.1)  # its corners are smoothed away
    assert summary.label_mm2 == {"lesion": summary.positive_mm2}
    assert summary.regions == 1
    assert {path.name for path in folder.iterdir()} == {MAP, REGIONS, OVERLAY, SUMMARY, "state.json"}
    (region, *spots) = json.loads((folder / REGIONS).read_text())["features"]
    x, y = np.array(region["geometry"]["coordinates"][0]).T
    assert (x.min(), x.max(), y.min(), y.max()) == pytest.approx((160, 250, 120, 180), abs=2)
    assert region["properties"]["classification"]["name"] == "lesion"
    assert all(spot["geometry"]["type"] == "Point" for spot in spots)
    with tifffile.TiffFile(folder / MAP) as file:
        chances = file.asarray()
        assert chances.shape == (HEIGHT, WIDTH)
        assert file.pages.first.tags["XResolution"].value[0] / file.pages.first.tags["XResolution"].value[1] == 5000
    assert (chances[130:170, 170:240] > 1 + 254 * 0.5).all()
    assert chances[0, 0] == 0


def test_several_maps_give_every_pixel_of_tissue_a_label(slide: Path, tmp_path: Path) -> None:
    summary = run(slide, asked(tmp_path, LABELS), tmp_path / "out")

    folder = written(tmp_path / "out")
    codes = tifffile.imread(folder / CODES)
    assert set(summary.label_mm2) == set(LABELS)
    assert sum(summary.label_mm2.values()) == pytest.approx(summary.answered_mm2)
    assert summary.positive_mm2 == summary.label_mm2["dark"] == pytest.approx(60 * 90 * 4 / 1e6, rel=0.05)
    assert (summary.mean, summary.highest, summary.hot_spots) == (None, None, ())
    assert codes.shape == (HEIGHT, WIDTH)
    assert (codes[130:170, 170:240] == 3).all()
    assert set(np.unique(codes)) <= {0, 1, 2, 3}
    names = {
        one["properties"]["classification"]["name"] for one in json.loads((folder / REGIONS).read_text())["features"]
    }
    assert names == {"grey", "dark"}
    said = json.loads((folder / SUMMARY).read_text())
    assert said["question"]["labels"] == list(LABELS)
    assert (folder / OVERLAY).stat().st_size > 1000


def test_the_map_is_that_of_the_network_on_the_whole_slide(slide: Path, tmp_path: Path) -> None:
    """Its maps see a pixel around: tiles that overlap by sixteen give what the slide would give untiled."""
    model = asked(tmp_path, LABELS)
    run(slide, model, tmp_path / "out")

    found = tifffile.imread(written(tmp_path / "out") / CODES).astype(int)
    grey = np.asarray(drawn().astype(float) @ [0.299, 0.587, 0.114]).round()
    share = np.pad(1 - grey / 255, 1, mode="edge")
    dark = np.mean([share[y : y + HEIGHT, x : x + WIDTH] for y in range(3) for x in range(3)], axis=0)
    nearest = np.abs(dark[None] - np.linspace(0, 1, 3)[:, None, None]).argsort(axis=0)
    sure = (found > 0) & (np.minimum(np.abs(dark - 0.25), np.abs(dark - 0.75)) > 0.01)
    sure[:2] = sure[-2:] = sure[:, :2] = sure[:, -2:] = False
    assert sure.sum() > 30_000
    assert (found - 1 == nearest[0])[sure].all()


def test_results_are_taken_again_and_told_in_every_form(slide: Path, tmp_path: Path) -> None:
    model = asked(tmp_path, LABELS)

    first, again = (run(slide, model, tmp_path / "out") for _ in range(2))

    assert again == first
    (answer,) = (json.loads(line) for line in json_lines([again]))
    assert answer["label_mm2"]["dark"] == first.label_mm2["dark"]
    (row,) = csv.DictReader(csv_lines([again]))
    assert float(row["positive_mm2"]) == pytest.approx(first.positive_mm2, abs=1e-4)


def test_nothing_is_written_where_no_folder_is_given(slide: Path, tmp_path: Path) -> None:
    model = asked(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    assert run(slide, model, None).regions == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_at_stitching_leaves_no_result_and_a_second_run_goes_on(
    slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = asked(tmp_path, LABELS), tmp_path / "out"
    expected = run(slide, model, tmp_path / "other")

    def full(*given: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(tifffile.TiffWriter, "write", full)
        (found,) = run_slides([slide], model, Settings(), out)
    assert isinstance(found, Failure)
    assert "cannot be written: No space left" in found.error.message
    assert not set(files_of(model.question)) & {path.name for path in written(out).iterdir()}
    assert (written(out) / KEPT_MAP).exists()

    counts: list[int] = []
    answer = model.answer
    model.answer = lambda batch: counts.append(len(batch)) or answer(batch)  # type: ignore[method-assign,func-returns-value]
    assert run(slide, model, out) == expected
    assert sum(counts) == 0  # the map was whole
    assert {path.name for path in written(out).iterdir()} == {*files_of(model.question), "state.json"}


def test_tiles_the_bundle_does_not_know_are_withheld(slide: Path, tmp_path: Path) -> None:
    model = asked(tmp_path, LABELS)
    answer = model.answer

    def unknown(batch: NDArray[np.float32]) -> Masks:
        return Masks(answer(batch).shares, np.ones(len(batch), bool))

    model.answer = unknown  # type: ignore[method-assign]
    summary = run(slide, model, tmp_path / "out")

    assert summary.tiles["withheld"] > 100
    assert (summary.answered_mm2, summary.fraction, summary.regions) == (0, None, 0)
    assert not tifffile.imread(written(tmp_path / "out") / CODES).any()
    assert any("nothing the model knows" in warning for warning in summary.warnings)


def test_a_slide_without_tissue_and_one_without_resolution(tmp_path: Path) -> None:
    model = asked(tmp_path, LABELS)
    bare = slide_file(tmp_path / "bare.tif", np.full((200, 300, 3), 243, np.uint8), mpp=2.0)
    silent = slide_file(tmp_path / "silent.tif", drawn(), mpp=None)

    empty, failed = run_slides([bare, silent], model, Settings(), tmp_path / "out")

    assert isinstance(empty, SlideSummary)
    assert empty.warnings == ("No tissue was found on the slide.",)
    assert isinstance(failed, Failure)
    assert "--mpp" in failed.error.hint


def test_what_is_not_asked_about_slides_is_refused(tmp_path: Path) -> None:
    stills = load_any(tiny_outline_bundle(tmp_path / "stills"), 1)
    tissue_bundle = patch_outliner(tmp_path / "bundle")

    with pytest.raises(UsageError, match="not asked about whole slides"):
        slide_model(stills)
    with pytest.raises(UsageError, match="no operating point"):
        slide_model(tissue_bundle, "screening")
    assert isinstance(slide_model(tissue_bundle), PatchOutliner)


def test_a_level_that_is_finer_is_scaled_to_the_questions_resolution(slide: Path, tmp_path: Path) -> None:
    model = PatchOutliner(patch_outliner(tmp_path / "bundle", labels=LABELS, microns=4.0))

    summary = run(slide, model, tmp_path / "out")

    codes = tifffile.imread(written(tmp_path / "out") / CODES)
    with open_slide(slide) as reader:
        assert codes.shape == (reader.size.height // 2, reader.size.width // 2)
    assert summary.label_mm2["dark"] == pytest.approx(60 * 90 * 4 / 1e6, rel=0.1)


def test_a_slide_is_cut_into_the_squares_the_network_was_trained_on(slide: Path, tmp_path: Path) -> None:
    outliner = patch_outliner(tmp_path / "bundle", labels=LABELS, square=2 * TINY)
    model = PatchOutliner(outliner)

    summary = run(slide, model, tmp_path / "out")

    assert model.patch == Size(2 * TINY, 2 * TINY)
    assert sum(summary.tiles.values()) == 9 * 12  # which start every 32 pixels; the task's own would every 16
    assert summary.label_mm2["dark"] == pytest.approx(60 * 90 * 4 / 1e6, rel=0.1)
    # Of two labels a picture is asked about whole, and its size is the task's.
    assert PatchOutliner(patch_outliner(tmp_path / "two", square=2 * TINY)).patch == Size(TINY, TINY)


def test_of_many_regions_the_largest_alone_are_drawn(slide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.random.default_rng(0).random((30, 40), np.float32)
    grid = Grid(0, (1.0, 1.0), 2.0, Size(WIDTH, HEIGHT), Size(10, 10), 1, (30, 40), (1, 4))
    lines = list[int]()

    def counted(mask: Mask) -> list[Ring]:
        lines.append(int(mask.sum()))
        return outlines(mask)

    monkeypatch.setattr(measure, "outlines", counted)
    with open_slide(slide) as reader:
        every = measure.regions(reader, grid, cells, 0.6)
        lines.clear()
        few = measure.regions(reader, grid, cells, 0.6, 5)

    assert len(every) > 50
    assert few == every[:5]
    assert lines == sorted(lines, reverse=True)
    assert len(lines) == 5
