import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.clinic.app import create_app
from senoscope.clinic.settings import Settings
from senoscope.core.io import read_bytes
from senoscope.runtime import store
from senoscope.runtime.outputs.json import to_json
from senoscope.runtime.outputs.overlay import overlay_png
from tests.clinic.conftest import PREDICTIONS, ended, upload
from tests.makers import colour, pil_bytes, tiny_exam_bundle


def picture(client: TestClient, url: str) -> NDArray[np.uint8]:
    reply = client.get(url)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/png"
    return np.asarray(Pil.open(io.BytesIO(reply.content)))


@pytest.fixture
def done(client: TestClient, scan: bytes) -> dict[str, Any]:
    return ended(client, upload(client, ("left 3 Uhr ü.png", scan))[0]["id"])


def test_the_answer_is_the_runtimes(client: TestClient, done: dict[str, Any], home: Path, scan: bytes) -> None:
    model = store.load(home / "bundles" / "tiny")
    expected = to_json(model.predict(read_bytes(scan, "left 3 Uhr ü.png")))
    assert done["state"] == "done"
    assert done["progress"] == 1.0
    assert done["error"] is None
    expected.pop("timings_ms")
    timings = done["result"].pop("timings_ms")
    assert done["result"] == expected
    assert timings["read"] > 0


def test_an_upload_is_answered_at_the_operating_point_it_asks_for(client: TestClient, scan: bytes) -> None:
    points = client.get("/api/v1/models/tiny").json()["operating_points"]
    for point in points:
        (view,) = upload(client, ("a.png", scan), operating_point=point["name"])
        answer = ended(client, view["id"])["result"]
        assert answer["operating_point"] == {"name": point["name"], "threshold": point["threshold"]}
        assert (answer["label"] == "malignant") == (answer["probability"] >= point["threshold"])


def test_a_picture_of_the_wrong_kind_gets_no_answer(client: TestClient) -> None:
    (view,) = upload(client, ("cat.png", pil_bytes(colour(120, 90), "PNG")))
    answer = ended(client, view["id"])["result"]
    assert answer["abstained"] is True
    assert answer["label"] is None
    assert "abstain" in {flag["severity"] for flag in answer["trust"]["flags"]}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"task": "astrology"}, "astrology"),
        ({"bundle": "../../etc"}, "../../etc"),
        ({"bundle": "tiny", "operating_point": "psychic"}, "psychic"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    client: TestClient, home: Path, scan: bytes, fields: dict[str, str], says: str
) -> None:
    reply = client.post(PREDICTIONS, files=[("files", ("a.png", scan))], data=fields)
    assert reply.status_code == 400
    assert says in reply.json()["message"]
    assert client.get(PREDICTIONS).json() == []
    assert [path for path in (home / "images").rglob("*") if path.is_file()] == []


def test_the_list_is_newest_first_and_bounded(client: TestClient, scan: bytes) -> None:
    for name in ("a.png", "b.png", "c.png"):
        ended(client, upload(client, (name, scan))[0]["id"])
    assert [view["filename"] for view in client.get(PREDICTIONS).json()] == ["c.png", "b.png", "a.png"]
    assert len(client.get(PREDICTIONS, params={"limit": 2}).json()) == 2
    assert client.get(PREDICTIONS, params={"limit": 0}).status_code == 422


def test_the_picture_is_the_upload(client: TestClient, done: dict[str, Any], scan: bytes) -> None:
    shown = picture(client, f"{PREDICTIONS}/{done['id']}/image.png")
    stored = np.asarray(Pil.open(io.BytesIO(scan)))
    assert np.array_equal(shown, np.repeat(stored[..., None], 3, axis=2))
    assert picture(client, f"{PREDICTIONS}/{done['id']}/image.png?side=100").shape == (80, 100, 3)


def test_the_evidence_is_the_models(client: TestClient, done: dict[str, Any], home: Path, scan: bytes) -> None:
    image = read_bytes(scan, "a")
    saliency = store.load(home / "bundles" / "tiny").predict(image).saliency
    heat = picture(client, f"{PREDICTIONS}/{done['id']}/heat.png")
    assert heat.shape == (160, 200, 4)
    alpha = heat[..., 3].astype(float)
    assert np.corrcoef(alpha.ravel(), saliency.ravel())[0, 1] > 0.9
    small = picture(client, f"{PREDICTIONS}/{done['id']}/heat.png?side=50")
    assert small.shape == (40, 50, 4)
    assert np.abs(small[..., 3] - alpha[2::4, 2::4]).mean() < 8
    reply = client.get(f"{PREDICTIONS}/{done['id']}/overlay.png", params={"opacity": 0.7})
    assert reply.content == overlay_png(image, saliency, 0.7)
    plain = picture(client, f"{PREDICTIONS}/{done['id']}/overlay.png?opacity=0")
    assert np.array_equal(plain, picture(client, f"{PREDICTIONS}/{done['id']}/image.png"))
    assert client.get(f"{PREDICTIONS}/{done['id']}/overlay.png?opacity=2").status_code == 422


def test_downloads_are_named_after_the_upload(client: TestClient, done: dict[str, Any]) -> None:
    reply = client.get(f"{PREDICTIONS}/{done['id']}/result.json")
    assert reply.json() == done["result"]
    disposition = reply.headers["content-disposition"]
    assert disposition == "attachment; filename=\"left 3 Uhr _.json\"; filename*=UTF-8''left%203%20Uhr%20%C3%BC.json"
    reply = client.get(f"{PREDICTIONS}/{done['id']}/overlay.png")
    assert "left%203%20Uhr%20%C3%BC.evidence.png" in reply.headers["content-disposition"]


@pytest.mark.parametrize("path", ["", "/events", "/image.png", "/heat.png", "/overlay.png", "/result.json"])
def test_what_is_not_there_is_said(client: TestClient, path: str) -> None:
    reply = client.get(f"{PREDICTIONS}/{'0' * 32}{path}")
    assert reply.status_code == 404
    assert reply.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/heat.png", "/overlay.png", "/result.json"])
def test_a_failed_upload_has_no_evidence(client: TestClient, path: str) -> None:
    (view,) = upload(client, ("a.png", b"nonsense"))
    ended(client, view["id"])
    assert client.get(f"{PREDICTIONS}/{view['id']}{path}").status_code == 404
    assert client.get(f"{PREDICTIONS}/{view['id']}/image.png").status_code == 422


def test_events_of_a_finished_prediction_end(client: TestClient, done: dict[str, Any]) -> None:
    reply = client.get(f"{PREDICTIONS}/{done['id']}/events")
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.text.count("event: prediction\n") == 1
    assert f'"id":"{done["id"]}"' in reply.text


def test_one_picture_for_a_bundle_of_exams_is_an_exam_of_it_alone(settings: Settings, home: Path, scan: bytes) -> None:
    folder = tiny_exam_bundle(home / "bundles" / "exams")
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        view = ended(client, upload(client, ("film.png", scan), bundle="tiny_exam")[0]["id"])
        shown = picture(client, f"{PREDICTIONS}/{view['id']}/heat.png")

    expected = store.load(folder).predict(read_bytes(scan, "film.png"))
    assert view["state"] == "done"
    assert view["result"]["probability"] == pytest.approx(expected.probability, abs=1e-6)
    flags = {flag["code"]: flag["message"] for flag in view["result"]["trust"]["flags"]}
    assert flags["one_image"] == "One image alone, where the model joins all images of a breast."
    assert flags["missing_facts"] == "Answered without knowing: age, machine."
    assert shown.shape == (160, 200, 4)


def test_a_bundle_that_looks_at_no_pictures_is_not_offered(settings: Settings, home: Path, scan: bytes) -> None:
    tiny_exam_bundle(home / "bundles" / "records", sees=False)
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        reply = client.post(PREDICTIONS, files=[("files", ("film.png", scan))], data={"bundle": "tiny_exam"})

    assert reply.status_code == 400
    assert "there is no bundle 'tiny_exam'" in reply.json()["message"]
