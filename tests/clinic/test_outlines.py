"""The service with a bundle that marks regions."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pil

from senoscope.clinic.app import create_app
from senoscope.clinic.settings import Settings
from tests.clinic.conftest import PREDICTIONS, ended, upload
from tests.makers import outlined_ultrasound, pil_bytes, tiny_bundle, tiny_outline_bundle

SCAN, TRUTH = outlined_ultrasound(1, (160, 128))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    bundles = tmp_path / "home" / "bundles"
    tiny_bundle(bundles / "tiny")
    tiny_outline_bundle(bundles / "sure", "sure")
    tiny_outline_bundle(bundles / "always", "always", calibrated=False)
    with TestClient(create_app(Settings(home=tmp_path / "home")), base_url="http://localhost") as opened:
        yield opened


def test_it_is_listed_with_its_card(client: TestClient) -> None:
    models = {model["name"]: model for model in client.get("/api/v1/models").json()}

    assert models["sure"]["labels"] == ["tissue", "lesion"]
    assert [point["name"] for point in models["sure"]["operating_points"]] == ["screening", "balanced"]
    assert (models["always"]["operating_point"], models["always"]["operating_points"]) == ("", [])
    assert "marked *lesion*" in client.get("/api/v1/models/sure").json()["card"]


@pytest.mark.parametrize("bundle", ["sure", "always"])
def test_an_upload_is_answered_with_its_regions(client: TestClient, bundle: str) -> None:
    (view,) = upload(client, ("a.png", pil_bytes(SCAN, "PNG")), bundle=bundle)
    done = ended(client, view["id"])

    assert done["state"] == "done", done["error"]
    assert done["result"]["label"] == "lesion"
    assert done["result"]["task"] == "ultrasound_outline"
    left, top, width, height = done["result"]["regions"][0]["box"]
    middle = np.argwhere(TRUTH).mean(axis=0)
    assert left < middle[1] < left + width
    assert top < middle[0] < top + height
    downloaded = client.get(f"{PREDICTIONS}/{view['id']}/result.json").json()
    assert downloaded["regions"] == done["result"]["regions"]


def test_its_pictures_have_the_size_of_the_upload(client: TestClient) -> None:
    (view,) = upload(client, ("a.png", pil_bytes(SCAN, "PNG")), bundle="sure")
    ended(client, view["id"])

    for name in ("image", "heat", "overlay"):
        reply = client.get(f"{PREDICTIONS}/{view['id']}/{name}.png")
        assert reply.status_code == 200
        with Pil.open(io.BytesIO(reply.content)) as picture:
            assert picture.size == (160, 128)


def test_a_classifier_answers_without_regions(client: TestClient) -> None:
    (view,) = upload(client, ("a.png", pil_bytes(SCAN, "PNG")), bundle="tiny")

    assert "regions" not in ended(client, view["id"])["result"]


def test_an_unknown_operating_point_is_refused(client: TestClient) -> None:
    reply = client.post(
        PREDICTIONS,
        files=[("files", ("a.png", pil_bytes(SCAN, "PNG")))],
        data={"bundle": "always", "operating_point": "screening"},
    )

    assert reply.status_code in (400, 422)
    assert "no operating point" in reply.text
