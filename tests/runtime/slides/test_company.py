"""Slides by several workers of Ray: the same results, bit for bit."""

import pickle
from pathlib import Path

import pytest
import ray

from senoscope.core.errors import MissingExtraError, SenoscopeError
from senoscope.runtime.reading import Failure
from senoscope.runtime.slides.company import run_by_ray
from senoscope.runtime.slides.job import Settings, run_slides
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.tiles import PatchClassifier
from tests.makers import slide_file, tissue


@pytest.fixture
def slides(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "slides"
    folder.mkdir()
    found = [slide_file(folder / f"{seed}.tif", tissue(1600, 1200, seed), mpp=2.0, tile=128) for seed in range(3)]
    (folder / "broken.svs").write_bytes(b"nothing of the kind" * 9)
    return [found[0], folder / "broken.svs", *found[1:]]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_two_workers_write_what_one_process_writes(
    slides: list[Path], slide_bundle: Path, classifier: PatchClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    alone = list(run_slides(slides, classifier, Settings(parts=2), tmp_path / "alone"))

    shared = list(run_by_ray(slides, str(slide_bundle), "", Settings(parts=2), tmp_path / "shared", workers=2))

    assert [type(answer) for answer in shared] == [SlideSummary, Failure, SlideSummary, SlideSummary]
    assert [answer for answer in shared if isinstance(answer, SlideSummary)] == [
        answer for answer in alone if isinstance(answer, SlideSummary)
    ]
    assert len(files(tmp_path / "shared")) == 3 * 5 + 1
    assert files(tmp_path / "shared") == files(tmp_path / "alone")
    assert not ray.is_initialized()


@pytest.mark.parametrize("error", [MissingExtraError("slides", "slide"), SenoscopeError("a", "b")])
def test_errors_reach_another_process_whole(error: SenoscopeError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 # our own

    assert type(again) is type(error)
    assert (again.message, again.hint, str(again)) == (error.message, error.hint, str(error))
