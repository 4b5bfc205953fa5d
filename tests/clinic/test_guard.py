import pytest
from fastapi.testclient import TestClient

from tests.clinic.conftest import PREDICTIONS


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/nope", PREDICTIONS])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_records_are_not_kept_by_caches(client: TestClient) -> None:
    assert client.get(PREDICTIONS).headers["cache-control"] == "no-store"


def test_another_name_for_this_machine_is_not_answered(client: TestClient) -> None:
    reply = client.get(PREDICTIONS, headers={"Host": "rebound.example"})
    assert reply.status_code == 400


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_may_not_upload(client: TestClient, scan: bytes, headers: dict[str, str]) -> None:
    reply = client.post(PREDICTIONS, files=[("files", ("a.png", scan))], headers=headers)
    assert reply.status_code == 403
    assert reply.json()["code"] == "foreign_origin"
    assert client.get(PREDICTIONS).json() == []


def test_the_page_itself_may_upload(client: TestClient, scan: bytes) -> None:
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    reply = client.post(PREDICTIONS, files=[("files", ("a.png", scan))], data={"bundle": "tiny"}, headers=own)
    assert reply.status_code == 202
