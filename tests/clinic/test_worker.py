from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from senoscope.clinic.jobs import Job
from tests.clinic.conftest import ended, upload


def test_a_database_that_fails_for_a_moment_does_not_end_the_worker(
    client: TestClient, scan: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(client.app, FastAPI)
    queue = client.app.state.clinic.queue
    take: Callable[[str], Job | None] = queue.take
    troubles = [OperationalError("UPDATE jobs", {}, ValueError("disk I/O error"))]

    def shaky(kind: str) -> Job | None:
        if troubles:
            raise troubles.pop()
        return take(kind)

    monkeypatch.setattr(queue, "take", shaky)
    (view,) = upload(client, ("a.png", scan))
    assert ended(client, view["id"])["state"] == "done"
    assert not troubles
    assert "tries again" in caplog.text
