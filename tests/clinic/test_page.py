from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from senoscope.clinic import page


def test_without_the_built_page_it_says_how_to_build_it(tmp_path: Path) -> None:
    app = FastAPI()
    page.mount(app, tmp_path / "static")
    client = TestClient(app)
    reply = client.get("/")
    assert reply.status_code == 503
    assert "make web" in reply.text
    assert client.get("/openapi.json").status_code == 200
    assert client.get("/assets/a.js").status_code == 404


def test_the_built_page_is_served(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>hello")
    (tmp_path / "assets" / "a-1.js").write_text("1")
    app = FastAPI()
    page.mount(app, tmp_path)
    client = TestClient(app)
    assert client.get("/").text == "<p>hello"
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert "immutable" in client.get("/assets/a-1.js").headers["cache-control"]
    assert client.get("/assets/../index.html").status_code == 404
