"""Slides from file to results: right, resumable, and each failing by itself."""

import errno
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError, RunError, UsageError
from senoscope.runtime.predictor import Model
from senoscope.runtime.reading import Failure
from senoscope.runtime.slides.job import KEPT, Settings, digest_of, folder_name, identity_of, run_slides
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.tiles import Numbers, PatchClassifier
from senoscope.runtime.slides.writing import FILES
from senoscope.runtime.store import load
from tests.makers import slide_file, tiny_bundle, tissue


def run(paths: Path | list[Path], model: PatchClassifier, out: Path | None = None, **settings: float) -> list[object]:
    named = paths if isinstance(paths, list) else [paths]
    return list(run_slides(named, model, Settings(**settings), out))  # type: ignore[arg-type]


def one(found: list[object]) -> SlideSummary:
    assert isinstance(found[0], SlideSummary), found
    return found[0]


def written(folder: Path) -> dict[str, bytes]:
    (inside,) = [path for path in folder.iterdir() if path.is_dir()]
    return {path.name: path.read_bytes() for path in inside.iterdir()}


class Stopping(PatchClassifier):
    """Answers so many batches, then is killed."""

    def __init__(self, model: Model, batches: int) -> None:
        super().__init__(model)
        self.left = batches
        self.seen: list[int] = []

    def answer(self, batch: NDArray[np.float32]) -> Numbers:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.seen.append(len(batch))
        return super().answer(batch)


def test_a_slide_gives_what_its_tiles_give(slide: Path, classifier: PatchClassifier, slide_bundle: Path) -> None:
    summary = one(run(slide, classifier))

    model = load(slide_bundle, threads=1)
    small = np.asarray(Pil.fromarray(tissue(2400, 1600)).reduce(4))
    expected = [
        model.predict(Image(np.ascontiguousarray(small[y : y + 50, x : x + 50]), 255.0))
        for y in range(0, 400, 50)
        for x in range(0, 600, 50)
    ]
    highest = max(answer.probability for answer in expected if not answer.abstained)
    assert summary.tiles["answered"] + summary.tiles["withheld"] + summary.tiles["glass"] == 96
    assert summary.tiles["answered"] > 20
    assert summary.highest == pytest.approx(highest, abs=0.02)
    assert summary.tissue_mm2 == pytest.approx(np.pi / 4 * 0.49 * 4.8 * 3.2, rel=0.05)
    assert 0 < summary.answered_mm2 <= summary.tissue_mm2 * 1.01
    assert summary.fraction == pytest.approx(summary.positive_mm2 / summary.answered_mm2)
    assert 1 <= len(summary.hot_spots) <= 5
    assert summary.hot_spots[0].probability == summary.highest


def test_results_are_written_and_taken_again(slide: Path, classifier: PatchClassifier, tmp_path: Path) -> None:
    first = one(run(slide, classifier, tmp_path))
    files = written(tmp_path)
    (folder,) = tmp_path.iterdir()
    stamp = (folder / "summary.json").stat().st_mtime_ns

    again = one(run(slide, classifier, tmp_path))

    assert set(files) == {*FILES, "state.json"}
    assert json.loads(files["state.json"])["status"] == "done"
    assert again == first
    assert (folder / "summary.json").stat().st_mtime_ns == stamp
    assert folder.name == folder_name(slide, identity_of(digest_of(slide), classifier, Settings()))


def test_a_run_that_stopped_goes_on_to_the_same_results(
    slide: Path, slide_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("senoscope.runtime.slides.loop.KEEP_EVERY", 0.0)
    monkeypatch.setattr("senoscope.runtime.slides.plan._BLOCK_SIDE", 64)
    model = load(slide_bundle, threads=1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    one(run(slide, PatchClassifier(model), whole, batch=4, parts=2))
    stopping = Stopping(model, 20)

    with pytest.raises(KeyboardInterrupt):
        run(slide, stopping, parts, batch=4, parts=2)
    stopped = written(parts)
    rest, told = Stopping(model, 10_000), list[tuple[int, int]]()
    settings = Settings(batch=4, parts=2)
    one(list(run_slides([slide], rest, settings, parts, progress=lambda done, total: told.append((done, total)))))

    everything = Stopping(model, 10_000)
    run(slide, everything, None, batch=4, parts=2)
    assert json.loads(stopped["state.json"])["status"] == "running"
    assert KEPT in stopped
    assert not set(FILES) & set(stopped)
    assert len(rest.seen) < len(everything.seen)
    (first, total), last = told[0], told[-1]
    assert 0 < first < total  # what the run before had done counts
    assert last == (total, total)
    assert {name: written(parts)[name] for name in FILES} == {name: written(whole)[name] for name in FILES}
    assert json.loads(written(parts)["state.json"])["attempts"] == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\0" * 500])
def test_answers_kept_that_are_damaged_are_made_anew(
    slide: Path, classifier: PatchClassifier, tmp_path: Path, content: bytes
) -> None:
    identity = identity_of(digest_of(slide), classifier, Settings())
    folder = tmp_path / folder_name(slide, identity)
    folder.mkdir()
    (folder / KEPT).write_bytes(content)
    (folder / "state.json").write_bytes(content)

    assert one(run(slide, classifier, tmp_path)) == one(run(slide, classifier))


def test_threads_do_not_change_the_results(slide: Path, classifier: PatchClassifier, tmp_path: Path) -> None:
    run(slide, classifier, tmp_path / "one", workers=1)
    run(slide, classifier, tmp_path / "four", workers=4)

    assert written(tmp_path / "one") == written(tmp_path / "four")


def test_overlap_makes_the_map_finer_and_means_of_tiles(slide: Path, classifier: PatchClassifier) -> None:
    coarse, fine = one(run(slide, classifier)), one(run(slide, classifier, parts=2))

    assert fine.tiles["answered"] > 3 * coarse.tiles["answered"]
    assert fine.mean == pytest.approx(coarse.mean, abs=0.03)


def test_one_that_fails_does_not_keep_the_others(slide: Path, classifier: PatchClassifier, tmp_path: Path) -> None:
    broken, silent = tmp_path / "broken.svs", slide_file(tmp_path / "silent.tif", tissue(300, 200), mpp=None)
    broken.write_bytes(b"nothing of the kind" * 20)
    out = tmp_path / "out"

    found = run([broken, tmp_path / "absent.svs", silent, slide], classifier, out)

    assert [type(answer) for answer in found] == [Failure, Failure, Failure, SlideSummary]
    said = [answer.error for answer in found if isinstance(answer, Failure)]
    # Without OpenSlide a file may be of a kind that only it reads.
    assert ("not a slide" if find_spec("openslide") else "needs packages") in said[0].message
    assert "no such file" in said[1].message
    assert "--mpp" in said[2].hint
    states = {path.parent.name.partition("_")[0]: json.loads(path.read_text()) for path in out.glob("*/state.json")}
    assert {name: state["status"] for name, state in states.items()} == {
        "broken": "failed",
        "silent": "failed",
        "slide": "done",
    }
    assert not list(out.glob("broken*/summary.json"))
    assert one(run(silent, classifier, out, microns=2.0)).microns == (2.0, 2.0)


def test_slides_that_failed_are_tried_again_unless_they_are_to_be_skipped(
    classifier: PatchClassifier, tmp_path: Path
) -> None:
    path = slide_file(tmp_path / "silent.tif", tissue(300, 200), mpp=None)
    out = tmp_path / "out"
    run(path, classifier, out)
    run(path, classifier, out)
    (state,) = out.glob("*/state.json")

    (found,) = run_slides([path], classifier, Settings(), out, skip_failed=True)

    assert json.loads(state.read_text())["attempts"] == 2
    assert isinstance(found, Failure)
    assert "in an earlier run" in found.error.message
    assert isinstance(found.error, RunError)


def test_a_slide_without_tissue_says_so(classifier: PatchClassifier, tmp_path: Path) -> None:
    bare = slide_file(tmp_path / "bare.tif", np.full((600, 800, 3), 243, np.uint8), mpp=2.0)

    summary = one(run(bare, classifier, tmp_path / "out"))

    assert summary.warnings == ("No tissue was found on the slide.",)
    assert (summary.fraction, summary.highest, summary.tissue_mm2) == (None, None, 0)
    assert set(FILES) <= set(written(tmp_path / "out"))


def test_tissue_the_bundle_does_not_know_is_withheld(slide: Path, slide_bundle: Path) -> None:
    model = load(slide_bundle, threads=1)
    middle = float(np.median(model.manifest.reference.quantiles))
    strict = model.manifest.reference.model_copy(update={"limit": middle / 8})
    model.manifest = model.manifest.model_copy(update={"reference": strict})

    summary = one(run(slide, PatchClassifier(model)))

    assert summary.tiles["withheld"] > summary.tiles["answered"]
    assert summary.answered_mm2 < summary.tissue_mm2
    assert any("nothing the model knows" in warning for warning in summary.warnings)


def test_blurred_tiles_are_counted_and_not_asked(classifier: PatchClassifier, tmp_path: Path) -> None:
    picture = tissue(2400, 1600)
    soft = np.asarray(Pil.fromarray(picture[:, 1200:]).reduce(80).resize((1200, 1600), Pil.Resampling.BICUBIC))
    mixed = np.concatenate([picture[:, :1200], soft], axis=1)

    summary = one(run(slide_file(tmp_path / "soft.tif", mixed, mpp=2.0), classifier))

    assert summary.tiles["blurred"] > 10
    assert summary.tiles["answered"] > 10


def test_a_full_disk_is_one_clear_line_and_no_result(
    slide: Path, classifier: PatchClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tifffile

    def full(*given: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile.TiffWriter, "write", full)

    (found,) = run(slide, classifier, tmp_path)

    assert isinstance(found, Failure)
    assert "cannot be written: No space left on device" in found.error.message
    assert "make room" in found.error.hint
    assert not set(FILES) & set(written(tmp_path))
    assert not [name for name in written(tmp_path) if "ome" in name]


def test_a_truncated_tile_fails_the_slide_and_leaves_no_result(classifier: PatchClassifier, tmp_path: Path) -> None:
    import tifffile

    path = slide_file(tmp_path / "slide.tif", tissue(1600, 1600), mpp=4.0, levels=1, tile=128)
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[90]
    content = bytearray(path.read_bytes())
    content[offset : offset + 400] = b"\xff" * 400
    path.write_bytes(content)

    (found,) = run(path, classifier, tmp_path / "out")

    assert isinstance(found, Failure)
    assert isinstance(found.error, InputError)
    assert "damaged or cut short" in found.error.message
    assert "summary.json" not in written(tmp_path / "out")


def test_a_bundle_that_is_not_asked_about_slides_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not asked about whole slides"):
        PatchClassifier(load(tiny_bundle(tmp_path / "tiny")))


def test_an_unknown_operating_point_is_refused(slide_bundle: Path) -> None:
    with pytest.raises(UsageError, match="no operating point"):
        PatchClassifier(load(slide_bundle), "guess")


def test_the_threshold_is_the_operating_points(slide: Path, slide_bundle: Path) -> None:
    model = load(slide_bundle, threads=1)
    low, high = (one(run(slide, PatchClassifier(model, name))) for name in ("screening", "balanced"))

    assert (low.question.threshold, high.question.threshold) == (0.2, 0.5)
    assert low.positive_mm2 >= high.positive_mm2


def test_progress_counts_every_tile(slide: Path, classifier: PatchClassifier) -> None:
    told: list[tuple[int, int]] = []

    found = list(run_slides([slide], classifier, Settings(), progress=lambda done, total: told.append((done, total))))

    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] == one(list(found)).tiles["answered"] + one(list(found)).tiles["withheld"]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
