"""Bad uploads: one clear answer each, and the good ones beside them go on."""

import hashlib
import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from senoscope.clinic.catalogue import Question
from tests.clinic.conftest import PREDICTIONS, ended, upload
from tests.makers import bomb_png


def stored(home: Path) -> list[Path]:
    return [path for path in (home / "images").rglob("*") if path.is_file()]


def test_two_uploads_with_the_same_bytes_are_stored_once(client: TestClient, home: Path, scan: bytes) -> None:
    first, second = upload(client, ("a.png", scan), ("b.png", scan))
    assert [ended(client, view["id"])["state"] for view in (first, second)] == ["done", "done"]
    assert [path.name for path in stored(home)] == [hashlib.sha256(scan).hexdigest()]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("empty.png", b"", "unreadable_image"),
        ("html.png", b"<!doctype html><p>not a picture", "unreadable_image"),
        ("bomb.png", bomb_png(), "image_too_large"),
        ("long.png", b"\x89PNG\r\n\x1a\n" + bytes(300_000), "image_too_large"),
        ("film.gif", b"GIF89a" + bytes(50), "unsupported_image"),
    ],
)
def test_a_bad_file_fails_alone(client: TestClient, home: Path, scan: bytes, name: str, data: bytes, code: str) -> None:
    views = [ended(client, view["id"]) for view in upload(client, (name, data), ("good.png", scan))]
    assert [view["state"] for view in views] == ["failed", "done"]
    error = views[0]["error"]
    assert (error["code"], error["message"].startswith(f"{name}")) == (code, True)
    assert error["hint"]
    assert "Traceback" not in str(views)
    assert list((home / "images" / "incoming").iterdir()) == []


def test_a_form_holds_no_file_open_that_has_come(
    client: TestClient, home: Path, scan: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(client.app, FastAPI)
    catalogue = client.app.state.clinic.catalogue
    ask, held = catalogue.ask, []

    def watched(*said: str) -> Question:
        links = [os.readlink(f"/proc/self/fd/{number}") for number in range(3, 200) if _is_open(number)]
        held.append(sum(link.startswith(str(home / "images")) for link in links))
        settled: Question = ask(*said)
        return settled

    monkeypatch.setattr(catalogue, "ask", watched)
    upload(client, *((f"{n}.png", scan + bytes([n])) for n in range(5)))
    assert set(held) == {0}


def _is_open(number: int) -> bool:
    return os.path.lexists(f"/proc/self/fd/{number}")


def test_a_truncated_picture_fails(client: TestClient, scan: bytes) -> None:
    (view,) = upload(client, ("cut.png", scan[: len(scan) // 2]))
    assert ended(client, view["id"])["error"]["code"] == "unreadable_image"


def form(*parts: str, end: str = "--b--\r\n") -> bytes:
    return ("".join(f"--b\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + end).encode()


FILE = 'name="files"; filename="a.png"\r\n\r\nx'


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("application/json", b"{}", "not a multipart form"),
        ("multipart/form-data", b"", "not a multipart form"),
        ("multipart/form-data; boundary=b", b"", "breaks off"),
        ("multipart/form-data; boundary=b", form(FILE, end=""), "breaks off"),
        ("multipart/form-data; boundary=b", b"hello", "cannot be read"),
        ("multipart/form-data; boundary=b", form(), "holds no file"),
        ("multipart/form-data; boundary=b", form('name="task"\r\n\r\nultrasound'), "holds no file"),
        ("multipart/form-data; boundary=b", form('name="other"; filename="a"\r\n\r\nx'), "in the field 'other'"),
        ("multipart/form-data; boundary=b", form(*[FILE] * 6), "more than 5 files"),
        ("multipart/form-data; boundary=b", form(*['name="x"\r\n\r\ny'] * 2000), "holds no file"),
        ("multipart/form-data; boundary=b", form(*[f'name="{n}"\r\n\r\ny' for n in range(17)]), "too many fields"),
        ("multipart/form-data; boundary=b", form('name="task"\r\n\r\n' + "y" * 2000), "too long"),
        ("multipart/form-data; boundary=" + "b" * 5000, form(FILE), "cannot be read"),
    ],
)
def test_a_bad_form_is_refused_whole(client: TestClient, home: Path, kind: str, body: bytes, says: str) -> None:
    reply = client.post(PREDICTIONS, content=body, headers={"Content-Type": kind})
    assert reply.status_code == 400
    assert says in reply.json()["message"]
    assert reply.json()["hint"]
    assert stored(home) == []
    assert client.get(PREDICTIONS).json() == []
