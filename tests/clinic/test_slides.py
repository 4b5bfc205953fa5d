"""Whole slides through the service: taken in, answered in the background, looked at, taken away."""

import io
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.clinic.app import create_app
from senoscope.clinic.images import ImageStore
from senoscope.clinic.settings import Settings
from senoscope.clinic.slide_views import SlideViews
from senoscope.core.io.slide import open_slide
from senoscope.runtime.slides.job import Settings as Asked
from senoscope.runtime.slides.job import run_slides
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.tiles import PatchClassifier
from senoscope.runtime.slides.writing import MAP
from senoscope.runtime.store import load
from tests.clinic.conftest import PREDICTIONS, ended, upload
from tests.clinic.program import Program
from tests.makers import pil_bytes, slide_file, tiny_bundle, tiny_slide_bundle, tissue

SLOW = (
    "import time\nfrom senoscope.runtime.slides.tiles import PatchClassifier as P\nanswer = P.answer\n"
    "P.answer = lambda self, batch: (time.sleep(0.8), answer(self, batch))[1]"
)


def counting(path: Path) -> str:
    """Program text that writes down how many tiles are asked about."""
    return (
        "from senoscope.runtime.slides.tiles import PatchClassifier as P\nanswer = P.answer\n"
        f"P.answer = lambda self, batch: (print(len(batch), file=open({str(path)!r}, 'a')), answer(self, batch))[1]"
    )


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return slide_file(tmp_path_factory.mktemp("slide") / "a.svs", tissue(1200, 800), mpp=4.0, tile=128)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    tiny_slide_bundle(folder / "tiny_idc")
    tiny_bundle(folder / "tiny")
    return folder


@pytest.fixture
def home(tmp_path: Path, bundles: Path) -> Path:
    shutil.copytree(bundles, tmp_path / "home" / "bundles")
    return tmp_path / "home"


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(home=home)), base_url="http://localhost") as opened:
        yield opened


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory, bundles: Path) -> Iterator[TestClient]:
    """A service for the tests that only look at what a slide came to."""
    home = tmp_path_factory.mktemp("read_only")
    shutil.copytree(bundles, home / "bundles")
    with TestClient(create_app(Settings(home=home)), base_url="http://localhost") as opened:
        yield opened


@pytest.fixture(scope="module")
def done(read_only: TestClient, slide: Path) -> dict[str, Any]:
    return ask(read_only, slide, "Brust 1 ü.svs")


def ask(client: Any, slide: Path, name: str = "breast 1.svs") -> dict[str, Any]:
    (view,) = upload(client, (name, slide.read_bytes()), bundle="tiny_idc")
    return ended(client, view["id"])


def pixels(content: bytes) -> NDArray[np.uint8]:
    with Pil.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def test_a_slide_comes_to_what_the_command_line_says(
    read_only: TestClient, done: dict[str, Any], slide: Path, bundles: Path
) -> None:
    (expected,) = run_slides([slide], PatchClassifier(load(bundles / "tiny_idc")), Asked())

    assert isinstance(expected, SlideSummary)
    assert (done["state"], done["result"], done["work"]) == ("done", None, None)
    found = done["slide"]
    assert (found["width"], found["height"], found["microns"]) == (1200, 800, [4.0, 4.0])
    for name in ("tissue_mm2", "answered_mm2", "positive_mm2", "fraction", "mean", "highest"):
        assert found[name] == pytest.approx(getattr(expected, name), rel=1e-5)
    assert found["tiles"] == expected.tiles
    assert [(spot["x"], spot["y"]) for spot in found["hot_spots"]] == [(one.x, one.y) for one in expected.hot_spots]
    assert (found["map_width"], found["map_height"]) == pytest.approx((1200, 800))


def test_tiles_are_the_slides(read_only: TestClient, done: dict[str, Any], slide: Path) -> None:
    base = f"{PREDICTIONS}/{done['id']}/slide/tiles"
    with open_slide(slide) as reader:
        for zoom in (done["slide"]["zooms"] - 1, done["slide"]["zooms"] - 3, 5):
            whole = reader.zoom_size(zoom)
            column, row = (whole.width - 1) // 254 // 2, (whole.height - 1) // 254 // 2
            shown = pixels(read_only.get(f"{base}/{zoom}/{column}_{row}.jpeg").content)
            stored = reader.zoom_tile(zoom, column, row)
            assert shown.shape == stored.shape
            assert np.abs(shown.astype(int) - stored).mean() < 9
    for missing in (f"{zoom}/99_0", "99/0_0", "4/1_0"):
        reply = read_only.get(f"{base}/{missing}.jpeg")
        assert reply.status_code in (404, 422)
        assert "images" not in reply.text


def test_the_map_lies_over_the_slide(read_only: TestClient, done: dict[str, Any]) -> None:
    base = f"{PREDICTIONS}/{done['id']}/slide"
    shown = pixels(read_only.get(f"{base}/map.png").content)
    reply = read_only.get(f"{base}/probability.ome.tiff")
    stored = tifffile.imread(io.BytesIO(reply.content))

    assert shown.shape == (8 * 80, 12 * 80, 4)
    shown = shown[40::80, 40::80]
    assert stored.shape == (8, 12)
    spot = done["slide"]["hot_spots"][0]
    row, column = int(spot["y"] / 800 * 8), int(spot["x"] / 1200 * 12)
    assert shown[row, column, 3] == shown[..., 3].max() > 0
    assert shown[0, 0, 3] == 0
    assert stored[row, column] == round(1 + 254 * spot["probability"])


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (700, 300)])
def test_a_map_of_wide_cells_has_the_shape_of_what_it_lies_over(tmp_path: Path, rows: int, columns: int) -> None:
    (tmp_path / "one").mkdir()
    cells = np.full((rows, columns), 1, np.uint8)
    cells[1::2] = 200
    tifffile.imwrite(tmp_path / "one" / MAP, cells)

    shown = pixels(SlideViews(ImageStore(tmp_path), tmp_path).map({"folder": "one"}, (columns * 700.0, rows * 460.0)))

    assert shown.shape[1] / shown.shape[0] == pytest.approx(columns * 700 / (rows * 460), rel=0.005)
    changes = np.count_nonzero(np.diff(shown[:, 0, 3].astype(int)))
    assert changes == rows - 1  # every row of cells is there


def test_what_is_taken_away_names_the_upload_and_no_place_on_this_machine(
    read_only: TestClient, done: dict[str, Any]
) -> None:
    for name in ("summary.json", "regions.geojson", "probability.ome.tiff"):
        reply = read_only.get(f"{PREDICTIONS}/{done['id']}/slide/{name}")
        assert reply.status_code == 200
        assert f"Brust%201%20%C3%BC.{name}" in reply.headers["content-disposition"]
        assert b"images" not in reply.content
        assert b"/tmp" not in reply.content
    summary = read_only.get(f"{PREDICTIONS}/{done['id']}/slide/summary.json").json()
    assert summary["source"] == "Brust 1 ü.svs"
    assert summary["notice"].startswith("Research use only")
    kinds = read_only.get(f"{PREDICTIONS}/{done['id']}/slide/regions.geojson").json()["features"]
    assert any(one["geometry"]["type"] == "Point" for one in kinds)


def test_a_still_in_tiff_is_answered_as_a_picture(client: TestClient) -> None:
    patch = pil_bytes(Pil.fromarray(tissue(1200, 800)).reduce(2).crop((250, 150, 300, 200)), "TIFF")
    (view,) = upload(client, ("patch.tif", patch), bundle="tiny_idc")
    done = ended(client, view["id"])

    assert done["state"] == "done", done["error"]
    assert done["result"]["task"] == "idc"
    assert done["slide"] is None
    assert client.get(f"{PREDICTIONS}/{view['id']}/slide/map.png").status_code == 404
    assert client.get(f"{PREDICTIONS}/{view['id']}/heat.png").status_code == 200


def test_pictures_of_a_slide_are_not_drawn_as_those_of_a_still(read_only: TestClient, done: dict[str, Any]) -> None:
    for name in ("heat.png", "overlay.png", "outlines.json", "result.json"):
        reply = read_only.get(f"{PREDICTIONS}/{done['id']}/{name}")
        assert reply.status_code == 404
        assert "slide" in reply.json()["message"] + reply.json()["hint"]


@pytest.mark.parametrize("damage", ["cut", "head", "scale"])
def test_a_bad_slide_says_why_by_its_own_name(client: TestClient, slide: Path, tmp_path: Path, damage: str) -> None:
    content = slide.read_bytes()
    if damage == "scale":
        content = slide_file(tmp_path / "b.tif", tissue(1200, 800), mpp=None, tile=128).read_bytes()
    bad = {"cut": content[: len(content) // 2], "head": content[:4] + b"\xff" * 400, "scale": content}[damage]
    (view,) = upload(client, ("bad.svs", bad), bundle="tiny_idc")
    failed = ended(client, view["id"])

    assert failed["state"] == "failed"
    assert "bad.svs" in failed["error"]["message"] or failed["error"]["message"].startswith("the TIFF")
    assert "images" not in json.dumps(failed["error"])
    assert failed["error"]["hint"]
    assert "--mpp" not in failed["error"]["hint"]


def test_results_that_cannot_be_written_name_no_place_on_this_machine(home: Path, slide: Path) -> None:
    (home / "slides").write_text("no folder")

    with TestClient(create_app(Settings(home=home)), base_url="http://localhost") as client:
        failed = ask(client, slide)

    assert failed["state"] == "failed"
    assert "cannot be written" in failed["error"]["message"]
    assert str(home) not in json.dumps(failed)


def test_only_what_may_be_a_slide_may_be_large(home: Path, slide: Path) -> None:
    size = len(slide.read_bytes())
    settings = Settings(home=home, max_file_bytes=size // 2, max_slide_bytes=size)
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        assert ask(client, slide)["state"] == "done"
        (refused,) = upload(client, ("a.svs", slide.read_bytes()), bundle="tiny")
        assert refused["error"]["code"] == "image_too_large"
        (larger,) = upload(client, ("a.svs", slide.read_bytes() + b"\0"), bundle="tiny_idc")
        assert larger["error"]["code"] == "image_too_large"
        assert "MB" in larger["error"]["message"]
        noise = np.random.default_rng(0).integers(0, 256, (2 * size // 3 // 600, 200, 3), np.uint8)
        still = pil_bytes(noise, "PNG")
        assert size // 2 < len(still) <= size
        (refused,) = upload(client, ("a.png", still), bundle="tiny_idc")
        assert (refused["state"], refused["error"]["code"]) == ("failed", "image_too_large")


def working(client: Any, prediction: str, seconds: float = 60.0, beyond: int = 0) -> dict[str, Any]:
    """Wait until more than so many tiles are answered."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        view: dict[str, Any] = client.get(f"{PREDICTIONS}/{prediction}").json()
        assert view["state"] in ("queued", "running"), view["error"]
        if view["work"] and view["work"]["tiles"] > beyond:
            return view
        time.sleep(0.02)
    raise AssertionError("no tile was answered")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return slide_file(
        tmp_path_factory.mktemp("slide") / "b.svs", np.tile(tissue(1200, 800), (4, 4, 1)), mpp=2.0, tile=256
    )


def test_progress_is_told_and_stills_do_not_wait(home: Path, large: Path, scan: bytes) -> None:
    program = Program(home, SLOW)
    try:
        with program.client() as client:
            (view,) = upload(client, ("large.svs", large.read_bytes()), bundle="tiny_idc")
            now = working(client, view["id"])
            work = now["work"]
            assert 0 < work["tiles"] < work["of"]
            assert work["per_second"] > 0
            assert work["seconds_left"] == pytest.approx((work["of"] - work["tiles"]) / work["per_second"])
            assert 0 < now["progress"] < 1
            (still,) = upload(client, ("scan.png", scan))
            assert ended(client, still["id"])["state"] == "done"
            assert client.get(f"{PREDICTIONS}/{view['id']}").json()["state"] == "running"
    finally:
        program.kill()


@pytest.mark.parametrize("kind", ["stop", "kill"])
def test_a_slide_goes_on_after_the_next_start(home: Path, large: Path, tmp_path: Path, kind: str) -> None:
    slow = Program(home, SLOW)
    try:
        with slow.client() as client:
            (view,) = upload(client, ("large.svs", large.read_bytes()), bundle="tiny_idc")
            # Rows of tiles are kept when they are finished; of this slide there are two groups, of 136 and 56 tiles.
            total = working(client, view["id"], beyond=140)["work"]["of"]
            if kind == "stop":
                assert slow.stop() == (0, "")
    finally:
        slow.kill()
    asked = tmp_path / "asked"
    again = Program(home, counting(asked))
    try:
        with again.client() as client:
            assert ended(client, view["id"], 120)["state"] == "done"
    finally:
        again.kill()
    assert 0 < sum(map(int, asked.read_text().split())) < total
