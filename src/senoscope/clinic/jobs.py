"""The queue of work in SQL: taken under a lease, closed in the transaction that writes the result."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from senoscope.clinic.tables import JobRow, PredictionRow
from senoscope.core.errors import SenoscopeError, ServiceError

PREDICT = "predict"


@dataclass(frozen=True)
class Job:
    """One piece of work under lease: its number in the queue, what it is about, and which attempt this is."""

    number: int
    subject: str
    attempt: int


def problem(error: SenoscopeError) -> dict[str, str]:
    """An error as it is stored and sent: code, message, hint."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


class JobQueue:
    """Jobs of one database.

    Args:
        engine: the database.
        worker: name of whoever takes jobs through this queue; unique among all that share the database.
        lease_seconds: how long a taken job is safe from other workers without word of progress.
        max_attempts: after so many starts without an end, a job is given up.
    """

    def __init__(self, engine: Engine, worker: str, *, lease_seconds: float, max_attempts: int) -> None:
        self._engine = engine
        self._worker = worker
        self._lease = lease_seconds
        self._max_attempts = max_attempts

    def submit(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write predictions, and a job for each that is queued, in one transaction."""
        with self._engine.begin() as connection:
            connection.execute(insert(PredictionRow), list(rows))
            jobs = [{"kind": PREDICT, "subject": row["id"]} for row in rows if row["state"] == "queued"]
            if jobs:
                connection.execute(insert(JobRow), jobs)

    def release_all(self) -> None:
        """Give every lease back; only for a process that knows that no other one works on this database."""
        with self._engine.begin() as connection:
            connection.execute(update(JobRow).values(leased_until=0.0, leased_by=""))

    def take(self) -> Job | None:
        """Take the oldest job that nobody holds; `None` where there is none.

        A job that has used up its attempts is failed on the way.
        """
        while True:
            now = time.time()
            free = select(JobRow.number).where(JobRow.leased_until < now).order_by(JobRow.number).limit(1)
            with self._engine.begin() as connection:
                row = connection.execute(
                    update(JobRow)
                    .where(JobRow.number == free.scalar_subquery())
                    .values(leased_by=self._worker, leased_until=now + self._lease, attempts=JobRow.attempts + 1)
                    .returning(JobRow.number, JobRow.subject, JobRow.attempts)
                ).one_or_none()
                if row is None:
                    return None
                job = Job(row.number, row.subject, row.attempts)
                if job.attempt <= self._max_attempts:
                    values = {"state": "running", "progress": 0.0}
                    connection.execute(update(PredictionRow).where(PredictionRow.id == job.subject).values(values))
                    return job
            self.fail(
                job,
                ServiceError(
                    f"the service stopped {self._max_attempts} times while it worked on this file",
                    "the file may be damaged in a way that brings the decoder down; convert it to PNG and try again",
                ),
            )

    def progress(self, job: Job, share: float) -> None:
        """Note how far a job is, 0 to 1, and hold on to it."""
        with self._engine.begin() as connection:
            held = update(JobRow).where(JobRow.number == job.number, JobRow.leased_by == self._worker)
            connection.execute(held.values(leased_until=time.time() + self._lease))
            connection.execute(update(PredictionRow).where(PredictionRow.id == job.subject).values(progress=share))

    def finish(self, job: Job, result: dict[str, Any], evidence: dict[str, Any]) -> bool:
        """Write the answer and close the job; false where the lease was lost and somebody else answers."""
        return self._close(job, {"state": "done", "result": result, "evidence": evidence})

    def fail(self, job: Job, error: SenoscopeError) -> bool:
        """Write why there is no answer and close the job; false where the lease was lost."""
        return self._close(job, {"state": "failed", "error": problem(error)})

    def _close(self, job: Job, values: dict[str, Any]) -> bool:
        with self._engine.begin() as connection:
            held = delete(JobRow).where(JobRow.number == job.number, JobRow.leased_by == self._worker)
            if connection.execute(held).rowcount != 1:
                return False
            closed = {**values, "progress": 1.0, "finished": time.time()}
            connection.execute(update(PredictionRow).where(PredictionRow.id == job.subject).values(closed))
            return True
