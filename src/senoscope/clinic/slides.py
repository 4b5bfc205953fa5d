"""The thread that asks about whole slides, one at a time; a slide that was begun goes on after the next start."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from senoscope.clinic.catalogue import Catalogue
from senoscope.clinic.changes import Changes
from senoscope.clinic.images import ImageStore
from senoscope.clinic.jobs import SLIDE, Job, JobQueue
from senoscope.clinic.schemas import HotSpotView, SlideView, ThresholdView, WorkView
from senoscope.clinic.slide_views import OVERLAP, TILE, map_extent, named
from senoscope.clinic.worker import StoppedError, Worker
from senoscope.core.errors import InputError, SenoscopeError
from senoscope.core.io.slide import is_slide, open_slide
from senoscope.runtime.outputs.json import RESEARCH_USE
from senoscope.runtime.predictor import Model
from senoscope.runtime.reading import Failure
from senoscope.runtime.slides.job import Settings, digest_of, folder_name, identity_of, run_or_fail
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.tiles import PatchClassifier

TELL_EVERY = 0.5
"""Seconds between two words of progress."""


class SlideWorker(Worker):
    """Asks about slides; a TIFF that turns out to be a still is answered as one.

    Args:
        engine: the database.
        queue: where the jobs come from.
        images: where the uploads are.
        catalogue: the bundles.
        changes: whom to tell.
        folder: for a folder of results a slide.
        largest_still: bytes a TIFF may have that turns out to be no slide.
    """

    kind = SLIDE

    def __init__(
        self,
        engine: Engine,
        queue: JobQueue,
        images: ImageStore,
        catalogue: Catalogue,
        changes: Changes,
        folder: Path,
        largest_still: int,
    ) -> None:
        super().__init__(engine, queue, images, catalogue, changes)
        self._folder, self._largest_still = folder, largest_still

    def _answer(self, job: Job) -> None:
        row = self._row(job)
        path = self._images.path(row.digest)
        # What is too large for a still is taken for a slide, and says as one why it cannot be read.
        if path.stat().st_size <= self._largest_still and not is_slide(path):
            super()._answer(job)
            return
        start = time.monotonic()
        try:
            zooms = _zooms(path)
            self._step(job, 0.01)
            model = self._catalogue.load(row.bundle)
            assert isinstance(model, Model)
            classifier = PatchClassifier(model, row.operating_point)
            found = run_or_fail(path, classifier, Settings(), self._folder, progress=self._progress(job))
            if isinstance(found, Failure):
                raise found.error
            name = folder_name(path, identity_of(digest_of(path), classifier, Settings()))
            view = _view(found, self._folder / name, zooms, time.monotonic() - start)
        except SenoscopeError as error:
            raise named(named(error, path, row.filename), self._folder, "slides") from error
        self._queue.finish_slide(job, view, {"folder": name})

    def _progress(self, job: Job) -> Callable[[int, int], None]:
        began = told = time.monotonic()
        before: int | None = None

        def tell(done: int, total: int) -> None:
            nonlocal began, told, before
            if self._stopping:
                raise StoppedError
            now = time.monotonic()
            if before is None:  # tissue has been sought until now, which says nothing of how fast tiles are
                began, before = now, done
            elif done < total and now - told < TELL_EVERY:
                return
            # What an attempt before this one had done says nothing of it either.
            told, rate = now, (done - before) / max(now - began, 1e-6)
            left = (total - done) / rate if rate else None
            work = WorkView(tiles=done, of=total, per_second=rate, seconds_left=left)
            self._step(job, 0.05 + 0.9 * done / max(1, total), work.model_dump())

        return tell


def _zooms(path: Path) -> int:
    """Zooms of a slide that says how many µm its pixels are; raises `InputError` of one that does not."""
    with open_slide(path) as reader:
        if reader.microns is None:
            raise InputError(
                f"{path}: the slide does not say how many µm its pixels are",
                "export it again as SVS or OME-TIFF, which say it",
            )
        return reader.zooms


def _view(found: SlideSummary, folder: Path, zooms: int, seconds: float) -> dict[str, Any]:
    question = found.question
    across, down = map_extent(folder, found.microns)
    return SlideView(
        width=found.size.width,
        height=found.size.height,
        microns=list(found.microns),
        task=question.task,
        bundle=question.bundle,
        bundle_version=question.version,
        positive=question.positive,
        operating_point=ThresholdView(name=question.operating_point, threshold=question.threshold),
        tissue_mm2=found.tissue_mm2,
        answered_mm2=found.answered_mm2,
        positive_mm2=found.positive_mm2,
        fraction=found.fraction,
        mean=found.mean,
        highest=found.highest,
        tiles=found.tiles,
        hot_spots=[HotSpotView(x=spot.x, y=spot.y, probability=spot.probability) for spot in found.hot_spots],
        regions=found.regions,
        warnings=list(found.warnings),
        map_width=across,
        map_height=down,
        zooms=zooms,
        tile=TILE,
        overlap=OVERLAP,
        seconds=seconds,
        notice=RESEARCH_USE,
    ).model_dump(mode="json")
