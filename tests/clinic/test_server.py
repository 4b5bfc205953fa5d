"""The program: its link, its end, and what survives when it is killed."""

import socket
import sqlite3
from pathlib import Path

import pytest

from tests.clinic.conftest import PREDICTIONS, ended, upload
from tests.clinic.program import Program
from tests.makers import pil_bytes, ultrasound


def open_jobs(home: Path) -> int:
    connection = sqlite3.connect(home / "senoscope.db")
    try:
        return int(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])
    finally:
        connection.close()


def test_an_accepted_upload_is_finished_after_a_kill(program: Program, home: Path) -> None:
    files = [(f"{n}.png", pil_bytes(ultrasound(n, (700, 560)), "PNG")) for n in range(12)]
    with program.client() as client:
        accepted = upload(client, *files)
        program.kill()
    waiting = open_jobs(home)
    assert waiting > 0, "the kill came too late to show anything"
    again = Program(home)
    try:
        with again.client() as client:
            views = [ended(client, view["id"]) for view in accepted]
    finally:
        again.kill()
    assert [view["state"] for view in views] == ["done"] * len(files)
    assert [view["filename"] for view in views] == [name for name, _ in files]
    assert open_jobs(home) == 0


def test_a_file_that_brings_the_service_down_is_given_up(home: Path, scan: bytes) -> None:
    crash = "import os, senoscope.clinic.worker as worker\nworker.read_bytes = lambda *_: os._exit(9)"
    deadly = Program(home, crash)
    with deadly.client() as client:
        (view,) = upload(client, ("deadly.png", scan))
        assert deadly.outcome()[0] == 9
    for _ in range(2):
        assert Program(home, crash).outcome()[0] == 9
    sound = Program(home, crash)
    try:
        with sound.client() as client:
            given_up = ended(client, view["id"])
    finally:
        sound.kill()
    assert given_up["state"] == "failed"
    assert "stopped 3 times" in given_up["error"]["message"]


def test_an_unexpected_error_fails_the_job_and_not_the_worker(home: Path, scan: bytes) -> None:
    bug = (
        "import senoscope.clinic.worker as worker\nread = worker.read_bytes\n"
        "worker.read_bytes = lambda data, name, limits: 1 / 0 if name == 'bug' else read(data, name, limits)"
    )
    program = Program(home, bug)
    try:
        with program.client() as client:
            views = [ended(client, view["id"]) for view in upload(client, ("bug", scan), ("good.png", scan))]
    finally:
        program.kill()
    assert [view["state"] for view in views] == ["failed", "done"]
    assert views[0]["error"]["code"] == "service"
    assert "ZeroDivision" not in views[0]["error"]["message"]


def test_it_ends_quietly_even_while_somebody_listens(program: Program, scan: bytes) -> None:
    with program.client() as client, client.stream("GET", "/api/v1/events") as events:
        lines = events.iter_lines()
        assert next(lines) == ": listening"
        (view,) = upload(client, ("a.png", scan))
        assert next(line for line in lines if view["id"] in line and '"state":"done"' in line)
        assert program.stop() == (0, "")


def test_events_tell_of_progress_until_the_end(program: Program, scan: bytes) -> None:
    with program.client() as client:
        (view,) = upload(client, ("a.png", scan))
        with client.stream("GET", f"{PREDICTIONS}/{view['id']}/events") as events:
            told = [line for line in events.iter_lines() if line.startswith("data: ")]
    assert '"state":"done"' in told[-1]
    assert all('"state":"done"' not in line for line in told[:-1])


def refused(home: Path, *options: str) -> str:
    status, said = Program(home, "", *options).outcome()
    assert status == 1
    assert "Traceback" not in said
    return said


def test_a_port_in_use_is_one_clear_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is in use" in refused(home, "--port", str(port))


def test_a_home_in_use_is_one_clear_line(program: Program, home: Path) -> None:
    program.link()
    assert "another service works in" in refused(home)


def test_a_home_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used" in refused(tmp_path / "file")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])  # noqa: S104
def test_listening_beyond_this_machine_is_refused(home: Path, host: str) -> None:
    assert "--allow-remote" in refused(home, "--host", host)
