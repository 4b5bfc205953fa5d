"""The parts of a running service, opened together and closed together."""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from senoscope.clinic.catalogue import Catalogue
from senoscope.clinic.changes import Changes
from senoscope.clinic.database import open_database
from senoscope.clinic.images import ImageStore
from senoscope.clinic.jobs import JobQueue
from senoscope.clinic.pictures import Pictures
from senoscope.clinic.records import Records
from senoscope.clinic.settings import Settings
from senoscope.clinic.slide_views import SlideViews
from senoscope.clinic.slides import SlideWorker
from senoscope.clinic.worker import Worker
from senoscope.core.errors import SettingsError


@dataclass(frozen=True)
class Clinic:
    """What the routes work with."""

    settings: Settings
    images: ImageStore
    catalogue: Catalogue
    queue: JobQueue
    records: Records
    pictures: Pictures
    changes: Changes
    workers: tuple[Worker, ...]
    slides: SlideViews


@contextmanager
def open_clinic(settings: Settings) -> Iterator[Clinic]:
    """Open a service's home and work there until the end.

    Raises:
        SettingsError: the home cannot be used, or another service works in it.
    """
    with ExitStack() as stack:
        stack.enter_context(_hold(settings.home))
        images = ImageStore(settings.home / "images")
        engine = open_database(settings.home / "senoscope.db")
        stack.callback(engine.dispose)
        catalogue = Catalogue(settings.home / "bundles")
        queue = JobQueue(
            engine, uuid.uuid4().hex, lease_seconds=settings.lease_seconds, max_attempts=settings.max_attempts
        )
        queue.release_all()
        changes = Changes()
        slides = SlideViews(images, settings.home / "slides")
        stack.callback(slides.close)
        stills = Worker(engine, queue, images, catalogue, changes)
        workers = (
            stills,
            SlideWorker(engine, queue, images, catalogue, changes, slides.folder, settings.max_file_bytes),
        )
        for worker in workers:
            worker.start()
            stack.callback(worker.stop)
        records, pictures = Records(engine), Pictures(images)
        yield Clinic(settings, images, catalogue, queue, records, pictures, changes, workers, slides)


@contextmanager
def _hold(home: Path) -> Iterator[None]:
    """Hold the home for this process; the kernel lets go of it however the process ends."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise SettingsError(f"{home} cannot be used: {error.strerror}", "choose another folder with --home") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError(f"another service works in {home}", "stop it, or give another --home") from error
        yield


def clinic_of(request: Request) -> Clinic:
    """Return the running service that a request came to."""
    clinic = request.app.state.clinic
    assert isinstance(clinic, Clinic)
    return clinic


Here = Annotated[Clinic, Depends(clinic_of)]
