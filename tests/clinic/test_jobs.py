import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from senoscope.clinic.database import open_database
from senoscope.clinic.jobs import JobQueue
from senoscope.clinic.tables import JobRow, PredictionRow
from senoscope.core.errors import UnreadableImageError


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(tmp_path / "jobs.db")
    yield opened
    opened.dispose()


def queue(engine: Engine, worker: str = "one", lease: float = 60.0) -> JobQueue:
    return JobQueue(engine, worker, lease_seconds=lease, max_attempts=2)


def row(name: str, state: str = "queued") -> dict[str, Any]:
    text = {"task": "ultrasound", "bundle": "tiny", "operating_point": "balanced"}
    return {
        "id": name,
        "filename": f"{name}.png",
        "digest": "",
        "bytes": 1,
        "state": state,
        "created": time.time(),
        **text,
    }


def read(engine: Engine, name: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(PredictionRow.__table__).where(PredictionRow.id == name)).one()


def jobs(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(JobRow.number)).all())


def test_jobs_come_in_order_and_once(engine: Engine) -> None:
    one, two = queue(engine, "one"), queue(engine, "two")
    one.submit([row("a"), row("b"), row("refused", "failed")])
    taken = [one.take(), two.take(), one.take()]
    assert [job and job.subject for job in taken] == ["a", "b", None]
    assert read(engine, "a").state == "running"


def test_the_result_and_the_end_of_the_job_are_one(engine: Engine) -> None:
    one = queue(engine)
    one.submit([row("a")])
    job = one.take()
    assert job
    assert one.finish(job, {"label": "benign"}, {"heat": []})
    done = read(engine, "a")
    assert (done.state, done.progress, done.result, done.error) == ("done", 1.0, {"label": "benign"}, None)
    assert done.finished >= done.created
    assert jobs(engine) == 0


def test_a_failure_says_why(engine: Engine) -> None:
    one = queue(engine)
    one.submit([row("a")])
    job = one.take()
    assert job
    assert one.fail(job, UnreadableImageError("a.png: broken", "copy it again"))
    failed = read(engine, "a")
    assert failed.state == "failed"
    assert failed.error == {"code": "unreadable_image", "message": "a.png: broken", "hint": "copy it again"}


def test_whoever_lost_the_lease_writes_nothing(engine: Engine) -> None:
    slow, quick = queue(engine, "slow", lease=0.05), queue(engine, "quick")
    slow.submit([row("a")])
    old = slow.take()
    time.sleep(0.1)
    new = quick.take()
    assert old
    assert new
    assert new.attempt == 2
    assert not slow.finish(old, {"label": "late"}, {})
    assert read(engine, "a").result is None
    assert quick.finish(new, {"label": "in time"}, {})
    assert read(engine, "a").result == {"label": "in time"}


def test_progress_holds_on_to_the_lease(engine: Engine) -> None:
    one, two = queue(engine, "one", lease=0.3), queue(engine, "two")
    one.submit([row("a")])
    job = one.take()
    assert job
    for _ in range(4):
        time.sleep(0.15)
        one.progress(job, 0.5)
        assert two.take() is None
    assert read(engine, "a").progress == 0.5


def test_a_job_is_given_up_after_its_attempts(engine: Engine) -> None:
    one = queue(engine)
    one.submit([row("deadly"), row("harmless")])
    for _ in range(2):
        job = one.take()
        assert job
        assert job.subject == "deadly"
        one.release_all()  # as a restart does
    job = one.take()
    assert job
    assert job.subject == "harmless"
    given_up = read(engine, "deadly")
    assert given_up.state == "failed"
    assert "stopped 2 times" in given_up.error["message"]
    assert given_up.error["hint"]


def test_only_what_comes_no_further_is_given_up(engine: Engine) -> None:
    one = queue(engine)
    one.submit([row("long")], slides=["long"])
    for share in (0.1, 0.2, 0.3, 0.4):  # twice as many stops as attempts, each further on
        job = one.take("slide")
        assert job
        one.progress(job, share, {"tiles": 1})
        one.progress(job, share - 0.05, {"tiles": 1})  # what was read twice takes nothing back
        assert read(engine, "long").progress == share
        one.release_all()
    for _ in range(2):
        job = one.take("slide")
        assert job
        one.progress(job, 0.4, {"tiles": 1})
        one.release_all()
    assert one.take("slide") is None
    assert read(engine, "long").state == "failed"


def test_slides_wait_in_a_line_of_their_own(engine: Engine) -> None:
    one = queue(engine)
    one.submit([row("slide"), row("still")], slides=["slide"])
    still = one.take()
    assert still
    assert still.subject == "still"
    assert one.take() is None
    slide = one.take("slide")
    assert slide
    assert slide.subject == "slide"


def test_what_is_given_back_waits_and_the_attempt_does_not_count(engine: Engine) -> None:
    one = queue(engine)
    one.submit([row("a")], slides=["a"])
    for _ in range(5):
        job = one.take("slide")
        assert job
        assert job.attempt == 1
        one.progress(job, 0.5, {"tiles": 5, "of": 10, "per_second": 1.0, "seconds_left": 5.0})
        assert read(engine, "a").work["tiles"] == 5
        one.give_back(job)
        waiting = read(engine, "a")
        assert (waiting.state, waiting.progress, waiting.work) == ("queued", 0.5, None)
    job = one.take("slide")
    assert job
    one.finish_slide(job, {"fraction": 0.5}, {"folder": "a_1"})
    done = read(engine, "a")
    assert (done.state, done.slide, done.result, done.work) == ("done", {"fraction": 0.5}, None, None)
