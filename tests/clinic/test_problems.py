from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from senoscope.clinic.app import create_app
from senoscope.clinic.problems import STATUS
from senoscope.clinic.settings import Settings
from senoscope.core import errors
from senoscope.core.errors import SenoscopeError


def tree(root: type[SenoscopeError]) -> Iterator[type[SenoscopeError]]:
    yield root
    for branch in root.__subclasses__():
        yield from tree(branch)


def test_every_error_has_a_status() -> None:
    codes = {error.code for error in tree(SenoscopeError) if error.__module__ == errors.__name__}
    assert codes == set(STATUS)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/api/v1/predictions", 405)])
def test_plain_http_errors_have_the_same_shape(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    assert set(reply.json()) == {"code", "message", "hint"}


def test_a_bug_shows_no_traceback(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(settings)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        monkeypatch.setattr(app.state.clinic.records, "newest", lambda _: 1 / 0)
        reply = client.get("/api/v1/predictions")
    assert reply.status_code == 500
    assert reply.json()["code"] == "internal"
    assert "ZeroDivision" not in reply.text
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
