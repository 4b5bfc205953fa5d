"""The queue of work in SQL: taken under a lease, closed in the transaction that writes the result."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, case, delete, insert, select, update

from senoscope.clinic.tables import JobRow, PredictionRow
from senoscope.core.errors import SenoscopeError, ServiceError

PREDICT, SLIDE = "predict", "slide"
"""Kinds of work: a picture, which takes a moment, and what may be a slide, which may take hours."""


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
        max_attempts: after so many starts that did no more of its work, a job is given up.
    """

    def __init__(self, engine: Engine, worker: str, *, lease_seconds: float, max_attempts: int) -> None:
        self._engine = engine
        self._worker = worker
        self._lease = lease_seconds
        self._max_attempts = max_attempts

    def submit(self, rows: Sequence[dict[str, Any]], slides: Collection[str] = ()) -> None:
        """Write predictions, and a job for each that is queued, in one transaction; `slides` are the ids of slides."""
        with self._engine.begin() as connection:
            connection.execute(insert(PredictionRow), list(rows))
            queued = [row["id"] for row in rows if row["state"] == "queued"]
            jobs = [{"kind": SLIDE if name in slides else PREDICT, "subject": name} for name in queued]
            if jobs:
                connection.execute(insert(JobRow), jobs)

    def release_all(self) -> None:
        """Give every lease back; only for a process that knows that no other one works on this database."""
        with self._engine.begin() as connection:
            connection.execute(update(JobRow).values(leased_until=0.0, leased_by=""))

    def take(self, kind: str = PREDICT) -> Job | None:
        """Take the oldest job of a kind that nobody holds; `None` where there is none.

        A job that has used up its attempts is failed on the way.
        """
        while True:
            now = time.time()
            waiting = select(JobRow.number).where(JobRow.kind == kind, JobRow.leased_until < now)
            free = waiting.order_by(JobRow.number).limit(1)
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
                    # How far the attempt before came stays: `progress` compares with it.
                    running = update(PredictionRow).where(PredictionRow.id == job.subject)
                    connection.execute(running.values(state="running"))
                    return job
            self.fail(
                job,
                ServiceError(
                    f"the service stopped {self._max_attempts} times at the same place of this file",
                    "the file may be damaged in a way that brings the decoder down; convert or export it anew, and try "
                    "again",
                ),
            )

    def progress(self, job: Job, share: float, work: dict[str, Any] | None = None) -> None:
        """Note how far a job is, 0 to 1, what is done of it, and hold on to it.

        With an attempt that does more of the work than those before it their count begins again: a slide of many hours
        may see more stops of the service than a picture, and only one that stops it at the same place is given up.
        """
        with self._engine.begin() as connection:
            about = update(PredictionRow).where(PredictionRow.id == job.subject)
            further = connection.execute(about.where(PredictionRow.progress < share).values(progress=share)).rowcount
            connection.execute(about.values(work=work))
            held = update(JobRow).where(JobRow.number == job.number, JobRow.leased_by == self._worker)
            counted = {"attempts": 0} if further and work else {}
            connection.execute(held.values(leased_until=time.time() + self._lease, **counted))

    def give_back(self, job: Job) -> None:
        """Let a job wait for the next start, as if this attempt had not been."""
        with self._engine.begin() as connection:
            held = update(JobRow).where(JobRow.number == job.number, JobRow.leased_by == self._worker)
            fewer = case((JobRow.attempts > 0, JobRow.attempts - 1), else_=0)
            connection.execute(held.values(leased_until=0.0, leased_by="", attempts=fewer))
            values = {"state": "queued", "work": None}
            connection.execute(update(PredictionRow).where(PredictionRow.id == job.subject).values(values))

    def finish(self, job: Job, result: dict[str, Any], evidence: dict[str, Any]) -> bool:
        """Write the answer and close the job; false where the lease was lost and somebody else answers."""
        return self._close(job, {"state": "done", "result": result, "evidence": evidence})

    def finish_slide(self, job: Job, slide: dict[str, Any], evidence: dict[str, Any]) -> bool:
        """Write what a slide comes to and close the job, as `finish` does."""
        return self._close(job, {"state": "done", "slide": slide, "evidence": evidence})

    def fail(self, job: Job, error: SenoscopeError) -> bool:
        """Write why there is no answer and close the job; false where the lease was lost."""
        return self._close(job, {"state": "failed", "error": problem(error)})

    def _close(self, job: Job, values: dict[str, Any]) -> bool:
        with self._engine.begin() as connection:
            held = delete(JobRow).where(JobRow.number == job.number, JobRow.leased_by == self._worker)
            if connection.execute(held).rowcount != 1:
                return False
            closed = {**values, "work": None, "progress": 1.0, "finished": time.time()}
            connection.execute(update(PredictionRow).where(PredictionRow.id == job.subject).values(closed))
            return True
