"""The thread that answers uploads of a kind, one at a time."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Engine, Row, select

from senoscope.clinic.catalogue import Catalogue
from senoscope.clinic.changes import Changes
from senoscope.clinic.images import ImageStore
from senoscope.clinic.jobs import PREDICT, Job, JobQueue
from senoscope.clinic.pictures import pack_evidence
from senoscope.clinic.tables import PredictionRow
from senoscope.core.errors import SenoscopeError, ServiceError
from senoscope.core.io import SERVICE, read_bytes
from senoscope.core.io.dicom.facts import facts_in
from senoscope.runtime.outputs.json import to_json
from senoscope.runtime.reading import check_kind

log = logging.getLogger(__name__)
IDLE_SECONDS = 1.0
T = TypeVar("T")


class StoppedError(Exception):
    """The service ends; the job in hand is given back."""


class Worker:
    """Takes jobs of one kind until it is stopped.

    Args:
        engine: the database.
        queue: where the jobs come from.
        images: where the pictures are.
        catalogue: the bundles.
        changes: whom to tell.
    """

    kind = PREDICT

    def __init__(
        self, engine: Engine, queue: JobQueue, images: ImageStore, catalogue: Catalogue, changes: Changes
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._images = images
        self._catalogue = catalogue
        self._changes = changes
        self._word = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"senoscope-{self.kind}")

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def wake(self) -> None:
        """Look for jobs now."""
        self._word.set()

    def stop(self) -> None:
        """Finish the job in hand and end; what is still queued waits for the next start."""
        self._stopping = True
        self._word.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            worked, error = _outcome(self._turn)
            if error is not None:
                log.error("the worker could not go on; it tries again", exc_info=error)
            if not worked:
                self._word.wait(IDLE_SECONDS)
                self._word.clear()

    def _turn(self) -> bool:
        """Take one job and close it; false where there is none."""
        job = self._queue.take(self.kind)
        if job is None:
            return False
        self._changes.publish(job.subject)
        _, error = _outcome(lambda: self._answer(job))
        if isinstance(error, StoppedError):
            self._queue.give_back(job)
        elif error is not None:
            self._fail(job, error)
        self._changes.publish(job.subject)
        return True

    def _fail(self, job: Job, error: BaseException) -> None:
        if not isinstance(error, SenoscopeError):
            log.error("job %d failed", job.number, exc_info=error)
            error = ServiceError("the service failed on this file", "its log says more; please report it")
        self._queue.fail(job, error)

    def _step(self, job: Job, share: float, work: dict[str, Any] | None = None) -> None:
        self._queue.progress(job, share, work)
        self._changes.publish(job.subject)

    def _row(self, job: Job) -> Row[Any]:
        with self._engine.connect() as connection:
            return connection.execute(select(PredictionRow.__table__).where(PredictionRow.id == job.subject)).one()

    def _answer(self, job: Job) -> None:
        row = self._row(job)
        self._step(job, 0.1)
        start = time.perf_counter()
        data = self._images.read(row.digest)
        image = read_bytes(data, row.filename, SERVICE)
        read_ms = (time.perf_counter() - start) * 1e3
        self._step(job, 0.4)
        model = self._catalogue.load(row.bundle)
        check_kind(facts_in(data, row.filename), model.task, row.filename)
        self._step(job, 0.6)
        prediction = model.predict(image, row.operating_point)
        prediction = replace(prediction, timings=replace(prediction.timings, read=read_ms))
        self._queue.finish(job, to_json(prediction), pack_evidence(prediction))


def _outcome(work: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    """Do work in a thread of its own, from which an exception of any kind comes back as a value."""
    with ThreadPoolExecutor(1, thread_name_prefix="senoscope-job") as pool:
        future = pool.submit(work)
        error = future.exception()
    return (None, error) if error is not None else (future.result(), None)
