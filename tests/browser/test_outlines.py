"""Outlines over the picture, and the answer for what was outlined, as their user sees them."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil
from playwright.sync_api import Page, expect

from senoscope.core.preprocess.components import components
from tests.browser.app import App
from tests.makers import outlined_ultrasound, pil_bytes

SIZE = (400, 320)
PICTURE, TRUTH = outlined_ultrasound(1, SIZE)
SCAN = ("with a lesion.png", pil_bytes(PICTURE, "PNG"))
PLAIN = ("without one.png", pil_bytes(outlined_ultrasound(1, SIZE, lesion=False)[0], "PNG"))
ORANGE = (252, 165, 10)


@pytest.fixture
def app(page: Page, marking_service: str) -> App:
    return App(page, marking_service)


def ask(app: App, bundle: str, file: tuple[str, bytes]) -> App:
    app.page.get_by_label("Model").select_option(bundle)
    app.drop(file)
    expect(app.row(file[0])).to_have_attribute("aria-current", "true")
    expect(app.answer.get_by_role("heading", name="How it came about")).to_be_visible()
    app.await_picture()
    return app


def orange(view: NDArray[np.float64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (np.abs(view[..., :3] - ORANGE).max(axis=2) < 40) & (view[..., 3] > 200)
    return found


def filled(app: App, view: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What lies within the orange line, in pixels of the upload."""
    left, top, scale = app.shown_at(*SIZE)
    numbers, _ = components(~orange(view))
    inside = numbers != numbers[1, 1]
    rows = (top + (np.arange(SIZE[1]) + 0.5) * scale).astype(int)
    columns = (left + (np.arange(SIZE[0]) + 0.5) * scale).astype(int)
    found: NDArray[np.bool_] = inside[np.ix_(rows, columns)]
    return found


@pytest.mark.parametrize("bundle", ["outline", "always", "chain"])
def test_the_line_encloses_what_the_model_marks(app: App, bundle: str) -> None:
    ask(app, bundle, SCAN)
    inside = filled(app, app.await_marks())

    marked = app.answer.get_by_role("list", name="Regions").get_by_role("button")
    expect(marked).to_have_count(1)
    text = marked.inner_text()
    width, height, left, top = (int(number) for number in re.findall(r"\d+", text.splitlines()[0]))
    rows, columns = np.nonzero(inside)
    assert abs(columns.min() - left) <= 3
    assert abs(columns.max() + 1 - left - width) <= 3
    assert abs(rows.min() - top) <= 3
    assert abs(rows.max() + 1 - top - height) <= 3
    share = float(re.search(r"([\d.]+) % of the picture", text)[1])  # type: ignore[index]
    assert abs(inside.mean() * 100 - share) < 0.5
    # The tiny network marks what is dark, which is the lesion's core.
    assert (inside & TRUTH).sum() > 0.9 * inside.sum()
    assert re.search(r"mean probability \d+ %", text)


def test_the_outline_and_the_heat_are_switched_by_themselves(app: App) -> None:
    ask(app, "outline", SCAN)
    assert app.await_marks()[..., 3].max() == 255
    strong = app.await_evidence().max()

    app.page.get_by_label("Opacity of the evidence").fill("20")
    assert 0 < app.evidence().max() < strong
    assert orange(app.marks()).any()
    app.page.keyboard.press("o")
    expect(app.page.get_by_role("button", name="Outline", exact=True)).to_have_attribute("aria-pressed", "false")
    assert app.marks().max() == 0
    assert app.evidence().max() > 0
    app.page.get_by_role("button", name="Outline", exact=True).click()
    app.page.keyboard.press("e")
    assert app.evidence().max() == 0
    assert orange(app.await_marks()).any()


def test_the_outline_follows_zoom(app: App) -> None:
    ask(app, "outline", SCAN)
    before = filled(app, app.await_marks()).sum()
    view = app.marks()
    app.page.get_by_role("button", name="Zoom in").click()
    app.page.wait_for_timeout(300)
    assert filled(app, app.marks()).sum() > 1.3 * before
    app.page.keyboard.press("0")
    app.page.wait_for_timeout(300)
    assert np.array_equal(app.marks(), view)


def test_a_region_is_set_off_by_keyboard(app: App) -> None:
    ask(app, "outline", SCAN)
    plain = app.await_marks()
    row = app.answer.get_by_role("list", name="Regions").get_by_role("button")
    row.focus()
    app.page.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-pressed", "true")
    white = (app.marks()[..., :3].min(axis=2) > 240) & (app.marks()[..., 3] > 200)
    assert white.sum() > 200
    app.page.keyboard.press("Enter")
    assert np.array_equal(app.marks(), plain)


@pytest.mark.parametrize("bundle", ["outline", "always", "chain"])
def test_no_lesion_is_an_answer_of_its_own(app: App, bundle: str) -> None:
    ask(app, bundle, PLAIN)

    expect(app.answer.locator(".nothing strong")).to_have_text("No lesion outlined")
    expect(app.row(PLAIN[0])).to_contain_text("no lesion outlined")
    expect(app.answer.get_by_role("list", name="Regions")).to_have_count(0)
    expect(app.answer.get_by_role("table")).to_have_count(0)
    expect(app.page.get_by_role("button", name="Outline", exact=True)).to_have_count(0)
    expect(app.meter).to_have_count(1 if bundle == "outline" else 0)
    if bundle == "outline":
        expect(app.answer.locator(".verdict")).to_contain_text("Below the operating point ‘balanced’ (50 %): tissue.")
    assert app.marks().max() == 0


def test_every_measure_is_told_with_what_it_adds(app: App, tmp_path: Path) -> None:
    ask(app, "chain", SCAN)
    with app.page.expect_download() as download:
        app.page.get_by_role("link", name="Answer JSON").click()
    download.value.save_as(tmp_path / "answer.json")
    answer = json.loads((tmp_path / "answer.json").read_text("utf-8"))

    heads = app.answer.get_by_role("table").get_by_role("columnheader")
    expect(heads).to_have_text(["here", "benign", "malignant", "adds"])
    rows = app.answer.locator("[data-measure]")
    expect(rows).to_have_count(6)
    for measure in answer["measures"]:
        row = app.answer.locator(f"[data-measure={measure['name']}]")
        expect(row.get_by_role("rowheader")).to_have_text(f"{measure['title']} {measure['unit']}".strip())
        cells = [float(text.replace("−", "-")) for text in row.get_by_role("cell").all_inner_texts()]
        stated = [measure["value"], *measure["usual"].values()]
        assert cells[:3] == pytest.approx(stated, rel=0.006)
        assert cells[3] == pytest.approx(measure["contribution"], abs=0.006)
    assert any(abs(measure["contribution"]) > 0.1 for measure in answer["measures"])
    expect(app.meter).to_have_count(1)


def test_the_outline_is_in_the_picture_that_is_taken_away(app: App, tmp_path: Path) -> None:
    ask(app, "outline", SCAN)
    with app.page.expect_download() as download:
        app.page.get_by_role("link", name="Evidence PNG").click()
    download.value.save_as(tmp_path / "a.png")
    with Pil.open(io.BytesIO((tmp_path / "a.png").read_bytes())) as picture:
        kept = np.asarray(picture, float)
    line = (kept == ORANGE).all(axis=2)
    rows, columns = np.nonzero(line)
    inside = filled(app, app.await_marks())
    assert line.sum() > 40
    assert abs(rows.min() - np.nonzero(inside)[0].min()) <= 3
    assert abs(columns.max() - np.nonzero(inside)[1].max()) <= 3
