from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from senoscope.clinic.app import create_app
from senoscope.clinic.catalogue import Catalogue
from senoscope.clinic.settings import Settings
from senoscope.core.errors import ServiceError, UsageError
from senoscope.runtime import store
from tests.makers import tiny_exam_bundle


def test_models_are_listed_with_their_figures(client: TestClient) -> None:
    models = {model["name"]: model for model in client.get("/api/v1/models").json()}
    assert set(models) == {"tiny", *(manifest.name for manifest in store.shipped())}
    assert models["tiny"]["title"] == "Breast ultrasound: is the lesion benign or malignant?"
    assert models["tiny"]["operating_point"] in [point["name"] for point in models["tiny"]["operating_points"]]


def test_a_model_comes_with_its_card(client: TestClient, home: Path) -> None:
    (home / "bundles" / "tiny" / "card.md").write_text("# Tiny für Prüfungen", "utf-8")
    assert client.get("/api/v1/models/tiny").json()["card"] == "# Tiny für Prüfungen"
    assert client.get("/api/v1/models/nope").status_code == 404


def test_a_card_that_lies_outside_its_bundle_is_not_shown(client: TestClient, home: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for the page")
    card = home / "bundles" / "tiny" / "card.md"
    card.unlink()
    card.symlink_to(tmp_path / "secret")
    assert client.get("/api/v1/models/tiny").json()["card"] == ""


def test_health_names_the_bundles(client: TestClient) -> None:
    health = client.get("/healthz").json()
    assert (health["status"], health["waiting"]) == ("ok", 0)
    assert "tiny" in health["bundles"]


def test_a_damaged_bundle_is_left_out(home: Path) -> None:
    (home / "bundles" / "broken").mkdir()
    (home / "bundles" / "broken" / "bundle.json").write_text("{")
    names = [manifest.name for manifest in Catalogue(home / "bundles").manifests()]
    assert "tiny" in names
    assert "broken" not in names


def test_a_bundle_that_looks_at_no_picture_is_left_out(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    for sees in (True, False):
        tiny_exam_bundle(home / "bundles" / f"exam_{sees}", name=f"exam_{sees}".lower(), sees=sees)
    names = [manifest.name for manifest in Catalogue(home / "bundles").manifests()]
    assert "exam_true" in names
    assert "exam_false" not in names
    assert "exam_False looks at no picture" in caplog.text


def test_a_network_that_was_changed_after_the_start_fails_the_job(home: Path, scan: bytes) -> None:
    from tests.clinic.conftest import ended, upload

    network = home / "bundles" / "tiny" / "model.onnx"
    content = bytearray(network.read_bytes())
    content[-1] ^= 1
    network.write_bytes(content)
    with TestClient(create_app(Settings(home=home)), base_url="http://localhost") as client:
        (view,) = upload(client, ("a.png", scan))
        assert ended(client, view["id"])["error"]["code"] == "bundle"


def test_what_is_asked_is_settled_from_what_is_said(home: Path) -> None:
    catalogue = Catalogue(home / "bundles")
    question = catalogue.ask(bundle="tiny")
    assert (question.task, question.bundle) == ("ultrasound", "tiny")
    assert question.operating_point == catalogue.manifest("tiny").operating_point
    with pytest.raises(UsageError, match="answers 'ultrasound', not 'mammography'"):
        catalogue.ask("mammography", "tiny")


def test_without_any_bundle_the_service_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "shipped", list)
    with pytest.raises(ServiceError, match="no bundle is installed"):
        Catalogue(tmp_path).ask()
