"""Lines around what is marked, and their way to the page."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pil

from senoscope.clinic.app import create_app
from senoscope.clinic.marks import LONGEST, MOST, drawn, rings_of
from senoscope.clinic.schemas import ContourView
from senoscope.clinic.settings import Settings
from tests.clinic.conftest import PREDICTIONS, ended, upload
from tests.makers import outlined_ultrasound, pil_bytes, tiny_box_bundle, tiny_chain_bundle, tiny_outline_bundle

SCAN = pil_bytes(outlined_ultrasound(1, (160, 128))[0], "PNG")
PLAIN = pil_bytes(outlined_ultrasound(1, (160, 128), lesion=False)[0], "PNG")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    bundles = tmp_path / "home" / "bundles"
    tiny_outline_bundle(bundles / "outline", "outline")
    tiny_chain_bundle(bundles / "chain", "chain")
    tiny_box_bundle(bundles / "boxes", "boxes")
    tiny_box_bundle(bundles / "rare", "rare", rare=True)
    with TestClient(create_app(Settings(home=tmp_path / "home")), base_url="http://localhost") as opened:
        yield opened


def test_lines_run_along_the_edges_of_pixels_the_largest_patch_first() -> None:
    mask = np.zeros((8, 10), bool)
    mask[1, 1] = True
    mask[3:7, 4:9] = True
    mask[4:6, 5:7] = False

    rings = rings_of(mask)

    assert rings[0] == [[4, 3], [9, 3], [9, 7], [4, 7], [4, 3]]
    assert sorted(map(tuple, rings[1])) == sorted([(5, 4), (5, 6), (7, 6), (7, 4), (5, 4)])
    assert rings[2] == [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]
    assert rings_of(np.zeros((4, 4), bool)) == []


def test_large_masks_and_many_patches_are_bounded() -> None:
    large = np.zeros((3 * LONGEST, 40), bool)
    large[-9:] = True
    ((left, top), *_, _last) = rings_of(large)[0]
    assert (left, top) == (0, 3 * LONGEST - 9)
    assert max(y for _, y in rings_of(large)[0]) == 3 * LONGEST
    assert max(x for x, _ in rings_of(large)[0]) == 40

    speckled = np.zeros((60, 60), bool)
    speckled[::2, ::2] = True
    assert len(rings_of(speckled)) == MOST


def test_lines_are_drawn_where_they_are() -> None:
    blank = np.zeros((40, 50, 3), np.uint8)
    contour = ContourView(label="lesion", code=1, rings=[[[5, 6], [20, 6], [20, 30], [5, 6]]])
    shown = drawn(blank, [contour], [(30, 10, 40, 20)])
    assert not blank.any()
    assert shown[6, 10].tolist() == shown[10, 35].tolist() == shown[19, 39].tolist() == [252, 165, 10]
    assert not shown[20:, 40:].any()


@pytest.mark.parametrize("bundle", ["outline", "chain"])
def test_outlines_are_those_of_the_regions(client: TestClient, bundle: str) -> None:
    (view,) = upload(client, ("a.png", SCAN), bundle=bundle)
    done = ended(client, view["id"])
    (contour,) = client.get(f"{PREDICTIONS}/{view['id']}/outlines.json").json()

    left, top, width, height = done["result"]["regions"][0]["box"]
    corners = np.array(contour["rings"][0])
    assert contour["label"] == "lesion"
    assert corners.min(axis=0).tolist() == [left, top]
    assert corners.max(axis=0).tolist() == [left + width, top + height]


def test_the_outline_is_drawn_into_what_is_taken_away(client: TestClient) -> None:
    (view,) = upload(client, ("a.png", SCAN), bundle="outline")
    ended(client, view["id"])
    (contour,) = client.get(f"{PREDICTIONS}/{view['id']}/outlines.json").json()
    reply = client.get(f"{PREDICTIONS}/{view['id']}/overlay.png?opacity=0")

    with Pil.open(io.BytesIO(reply.content)) as picture:
        pixels = np.asarray(picture)
    rows, columns = np.nonzero((pixels == (252, 165, 10)).all(axis=2))
    corners = np.array(contour["rings"][0])
    assert [columns.min(), rows.min()] == corners.min(axis=0).tolist()
    assert [columns.max(), rows.max()] == corners.max(axis=0).tolist()


@pytest.mark.parametrize("bundle", ["outline", "chain"])
def test_where_nothing_is_outlined_there_is_no_line(client: TestClient, bundle: str) -> None:
    (view,) = upload(client, ("a.png", PLAIN), bundle=bundle)
    done = ended(client, view["id"])

    assert done["result"]["regions"] == []
    assert done["result"]["abstained"] is (bundle == "chain")
    assert client.get(f"{PREDICTIONS}/{view['id']}/outlines.json").json() == []


def test_a_chain_tells_what_it_measured(client: TestClient) -> None:
    (view,) = upload(client, ("a.png", SCAN), bundle="chain")
    result = ended(client, view["id"])["result"]

    assert result["lesion"] == result["regions"][0]["box"]
    assert 0.5 < result["presence"] <= 1
    assert len(result["measures"]) == 6
    assert all(set(measure["usual"]) == {"benign", "malignant"} for measure in result["measures"])
    assert client.get(f"{PREDICTIONS}/{view['id']}/result.json").json() == result


def test_boxes_are_told_and_drawn(client: TestClient) -> None:
    (view,) = upload(client, ("a.png", SCAN), bundle="boxes")
    result = ended(client, view["id"])["result"]
    reply = client.get(f"{PREDICTIONS}/{view['id']}/overlay.png?opacity=0")

    with Pil.open(io.BytesIO(reply.content)) as picture:
        pixels = np.asarray(picture)
    assert "regions" not in result
    for found in result["boxes"]:
        left, top, width, height = found["box"]
        assert pixels[top + height - 1, left + width // 2].tolist() == [252, 165, 10]
    assert client.get(f"{PREDICTIONS}/{view['id']}/outlines.json").json() == []
    (view,) = upload(client, ("a.png", SCAN), bundle="rare")
    assert ended(client, view["id"])["result"]["boxes"] == []
