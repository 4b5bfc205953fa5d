"""The thread that answers uploads, one at a time."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import Engine, select

from senoscope.clinic.catalogue import Catalogue
from senoscope.clinic.changes import Changes
from senoscope.clinic.images import ImageStore
from senoscope.clinic.jobs import Job, JobQueue
from senoscope.clinic.pictures import pack_evidence
from senoscope.clinic.tables import PredictionRow
from senoscope.core.errors import SenoscopeError, ServiceError
from senoscope.core.io import SERVICE, read_bytes
from senoscope.runtime.outputs.json import to_json

log = logging.getLogger(__name__)
IDLE_SECONDS = 1.0


class Worker:
    """Takes jobs until it is stopped.

    Args:
        engine: the database.
        queue: where the jobs come from.
        images: where the pictures are.
        catalogue: the bundles.
        changes: whom to tell.
    """

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
        self._thread = threading.Thread(target=self._run, name="senoscope-worker")

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
        # A pool of one: a job's exception comes back as a value, whatever it is, and cannot end the worker.
        with ThreadPoolExecutor(1, thread_name_prefix="senoscope-job") as pool:
            while not self._stopping:
                job = self._queue.take()
                if job is None:
                    self._word.wait(IDLE_SECONDS)
                    self._word.clear()
                    continue
                self._changes.publish(job.subject)
                error = pool.submit(self._answer, job).exception()
                if error is not None:
                    self._fail(job, error)
                self._changes.publish(job.subject)

    def _fail(self, job: Job, error: BaseException) -> None:
        if not isinstance(error, SenoscopeError):
            log.error("job %d failed", job.number, exc_info=error)
            error = ServiceError("the service failed on this file", "its log says more; please report it")
        self._queue.fail(job, error)

    def _step(self, job: Job, share: float) -> None:
        self._queue.progress(job, share)
        self._changes.publish(job.subject)

    def _answer(self, job: Job) -> None:
        with self._engine.connect() as connection:
            row = connection.execute(select(PredictionRow.__table__).where(PredictionRow.id == job.subject)).one()
        self._step(job, 0.1)
        start = time.perf_counter()
        image = read_bytes(self._images.read(row.digest), row.filename, SERVICE)
        read_ms = (time.perf_counter() - start) * 1e3
        self._step(job, 0.4)
        model = self._catalogue.load(row.bundle)
        self._step(job, 0.6)
        prediction = model.predict(image, row.operating_point)
        prediction = replace(prediction, timings=replace(prediction.timings, read=read_ms))
        self._queue.finish(job, to_json(prediction), pack_evidence(prediction))
