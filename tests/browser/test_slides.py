"""A whole slide on the page: its progress, the slide by deep zoom, the map over it, and what it comes to."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pil
from playwright.sync_api import Page, expect

from senoscope.core.io.slide import open_slide
from tests.browser.app import App, pixels
from tests.makers import slide_file, tissue

SECONDS = 90_000
LINKS = {
    "Summary JSON": "summary.json",
    "Regions GeoJSON": "regions.geojson",
    "Map OME-TIFF": "probability.ome.tiff",
}


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slide") / "breast 1.svs"
    return slide_file(path, np.tile(tissue(1200, 800), (2, 2, 1)), mpp=4.0, tile=128)


@pytest.fixture
def app(page: Page, slide_service: str) -> App:
    opened = App(page, slide_service)
    page.get_by_label("Model").select_option("tissue")
    return opened


@pytest.fixture
def answered(app: App, slide: Path) -> App:
    """A slide that is answered, by an earlier test or now."""
    if not app.row(slide.name).count():
        app.page.set_input_files("input[type=file]", slide)
    app.row(slide.name).click()
    expect(app.answer.get_by_role("heading", name="Areas")).to_be_visible(timeout=SECONDS)
    expect(app.page.locator(".look")).to_be_visible()
    app.page.wait_for_load_state("networkidle")
    return app


def view(app: App) -> NDArray[np.float64]:
    """The slide's part of the page, (H, W, 3), once nothing moves any more."""
    before = pixels(app.page.locator(".canvas").screenshot())[..., :3]
    for _ in range(40):
        app.page.wait_for_timeout(250)
        after = pixels(app.page.locator(".canvas").screenshot())[..., :3]
        if np.array_equal(before, after):
            break
        before = after
    return after


def look(app: App) -> tuple[int, int, float]:
    text = app.page.locator(".look").inner_text()
    x, y, microns = (float(number) for number in re.findall(r"[\d.]+", text))
    return int(x), int(y), microns


def opacity(app: App, percent: int) -> NDArray[np.float64]:
    app.page.get_by_label("Opacity of the probability map").fill(str(percent))
    return view(app)


def test_progress_is_told_until_the_slide_is_shown(app: App, slide: Path) -> None:
    app.page.set_input_files("input[type=file]", slide)
    expect(app.row(slide.name)).to_have_attribute("aria-current", "true")
    pace = app.answer.locator(".pace")
    expect(pace).to_have_text(re.compile(r"^[1-9]\d* of \d+ tiles · [\d.]+ tiles/s · .+ left$"), timeout=SECONDS)
    share = float(app.answer.get_by_role("progressbar").get_attribute("value") or "0")
    assert 0.05 < share < 1
    expect(app.row(slide.name)).to_contain_text("of the tiles")
    expect(app.answer.get_by_role("heading", name="Areas")).to_be_visible(timeout=SECONDS)
    expect(pace).to_have_count(0)
    expect(app.row(slide.name)).to_contain_text("of the tissue positive")


def test_the_slide_is_shown_and_the_map_lies_over_it(answered: App, slide: Path) -> None:
    bare, covered = opacity(answered, 0), opacity(answered, 100)
    with open_slide(slide) as reader:
        small = reader.thumbnail(600).astype(float)
    height, width = small.shape[:2]
    left, top, scale = answered.shown_at(width, height)
    rows, columns = (
        (top + (np.arange(height) + 0.5) * scale).astype(int),
        (left + (np.arange(width) + 0.5) * scale).astype(int),
    )
    shown = bare[np.ix_(rows, columns)]
    # The navigator and the marks of the hot spots hide a little of it.
    assert np.median(np.abs(shown - small)) < 12
    assert np.corrcoef(shown.mean(axis=2).ravel(), small.mean(axis=2).ravel())[0, 1] > 0.7

    map_url = re.sub(r"\?prediction=(.+)", r"api/v1/predictions/\1/slide/map.png", answered.page.url)
    with Pil.open(io.BytesIO(answered.page.request.get(map_url).body())) as picture:
        cover = np.asarray(picture.resize((width, height), Pil.Resampling.NEAREST))[..., 3]
    changed = np.abs(covered - bare).max(axis=2)[np.ix_(rows, columns)]
    assert (cover > 40).sum() > 500
    assert changed[cover > 40].mean() > 15
    assert changed[cover == 0].mean() < 2
    answered.page.keyboard.press("e")
    expect(answered.page.get_by_role("button", name="Map", exact=True)).to_have_attribute("aria-pressed", "false")
    assert np.abs(view(answered) - bare).mean() < 1


def test_a_hot_spot_is_gone_to(answered: App) -> None:
    home = look(answered)
    spots = answered.answer.get_by_role("list", name="Hot spots").get_by_role("button")
    x, y = (int(number) for number in re.findall(r"\d+", spots.first.locator("small").inner_text()))
    assert abs(home[0] - x) + abs(home[1] - y) > 20
    with answered.page.expect_request(re.compile(r"/slide/tiles/\d+/\d+_\d+\.jpeg")):
        spots.first.click()
    expect(answered.page.locator(".look")).to_contain_text(re.compile(rf"x {x} · y {y} "))
    assert look(answered)[2] < home[2] / 1.5
    mark = answered.page.locator(".hot-mark.picked")
    expect(mark).to_have_text("1")
    box, stage = mark.bounding_box(), answered.page.locator(".canvas").bounding_box()
    assert box
    assert stage
    assert abs(box["x"] + box["width"] / 2 - stage["x"] - stage["width"] / 2) < 3
    assert abs(box["y"] + box["height"] / 2 - stage["y"] - stage["height"] / 2) < 3
    answered.page.keyboard.press("0")
    expect(answered.page.locator(".look")).to_contain_text(f"x {home[0]} · y {home[1]} ")


def test_what_it_comes_to_is_told_and_can_be_taken_away(answered: App, tmp_path: Path, slide: Path) -> None:
    kept = {}
    for link, name in (
        ("Summary JSON", "summary.json"),
        ("Regions GeoJSON", "regions.geojson"),
        ("Map OME-TIFF", "probability.ome.tiff"),
    ):
        with answered.page.expect_download() as download:
            answered.page.get_by_role("link", name=link).click()
        assert download.value.suggested_filename == f"breast 1.{name}"
        download.value.save_as(tmp_path / name)
        kept[name] = (tmp_path / name).read_bytes()
    summary = json.loads(kept["summary.json"])
    assert summary["source"] == slide.name
    areas = answered.answer.get_by_label("Areas").inner_text()
    told = [float(number) for number in re.findall(r"([\d.]+) mm²", areas)]
    assert told == pytest.approx([summary[name] for name in ("tissue_mm2", "answered_mm2", "positive_mm2")], rel=0.006)
    share = int(re.search(r"(\d+) %", answered.answer.locator(".figure").inner_text())[1])  # type: ignore[index]
    assert abs(share - 100 * summary["fraction"]) <= 0.51
    assert f"{summary['tiles']['answered']} answered" in areas
    assert answered.answer.get_by_role("list", name="Hot spots").get_by_role("button").count() == len(
        summary["hot_spots"]
    )
    assert json.loads(kept["regions.geojson"])["type"] == "FeatureCollection"
    assert tifffile.imread(io.BytesIO(kept["probability.ome.tiff"])).max() > 1


def test_keys_zoom_move_and_fade(answered: App) -> None:
    home = look(answered)
    answered.page.keyboard.press("+")
    expect(answered.page.locator(".look")).not_to_contain_text(f"{home[2]:g} µm")
    view(answered)
    nearer = look(answered)
    assert nearer[2] == pytest.approx(home[2] / 1.5, rel=0.02)
    answered.page.keyboard.press("ArrowRight")
    view(answered)
    assert look(answered)[0] > nearer[0]
    answered.page.keyboard.press("]")
    expect(answered.page.get_by_label("Opacity of the probability map")).to_have_value("60")
