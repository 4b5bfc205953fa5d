"""A service with a tiny bundle: in the process, and as a program of its own."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from senoscope.clinic.app import create_app
from senoscope.clinic.settings import Settings
from tests.clinic.program import Program
from tests.makers import pil_bytes, tiny_bundle, ultrasound

PREDICTIONS = "/api/v1/predictions"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tiny_bundle(tmp_path / "home" / "bundles" / "tiny")
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, max_file_bytes=300_000, max_files=5)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url="http://localhost") as opened:
        yield opened


@pytest.fixture
def program(home: Path) -> Iterator[Program]:
    running = Program(home)
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture(scope="session")
def scan() -> bytes:
    return pil_bytes(ultrasound(1, (200, 160)), "PNG")


def upload(client: Any, *files: tuple[str, bytes], **fields: str) -> list[dict[str, Any]]:
    reply = client.post(PREDICTIONS, files=[("files", file) for file in files], data={"bundle": "tiny", **fields})
    assert reply.status_code == 202, reply.text
    accepted: list[dict[str, Any]] = reply.json()
    return accepted


def ended(client: Any, prediction: str, seconds: float = 30.0) -> dict[str, Any]:
    """Wait until a prediction is done or failed."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        view: dict[str, Any] = client.get(f"{PREDICTIONS}/{prediction}").json()
        if view["state"] in ("done", "failed"):
            return view
        time.sleep(0.02)
    raise AssertionError(f"still {view['state']} after {seconds} s")
