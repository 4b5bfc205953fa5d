"""What a clinician does: drop pictures, look at the evidence, take the answer away."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.app import App, pixels
from tests.makers import colour, pil_bytes, ultrasound
from tests.makers.dicom_files import dicom_bytes

SCAN = ("left 3 Uhr.png", pil_bytes(ultrasound(1, (400, 320)), "PNG"))
BAD = ("page.png", b"<!doctype html><p>not a picture")
CAT = ("cat.png", pil_bytes(colour(320, 240), "PNG"))


@pytest.fixture
def answered(app: App) -> App:
    app.drop(SCAN)
    expect(app.meter).to_be_visible()
    app.await_picture()
    app.await_evidence()
    return app


def test_a_dropped_picture_is_answered_with_its_evidence(answered: App) -> None:
    meter = answered.meter
    value = int(meter.get_attribute("aria-valuenow") or "-1")
    assert 0 <= value <= 100
    expect(answered.answer.locator(".verdict")).to_have_text(
        re.compile(
            r"(Above the operating point ‘.+’ \(.+\): malignant|Below the operating point ‘.+’ \(.+\): benign)\."
        )
    )
    expect(answered.answer).to_contain_text("reference prevalence")
    expect(answered.answer).to_contain_text("Trust")
    expect(answered.answer).to_contain_text(re.compile(r"Model\s*\w+ \d"))
    expect(answered.answer).to_contain_text("network")
    expect(answered.page.get_by_text("Research use only — not for diagnosis")).to_be_visible()
    expect(answered.row(SCAN[0])).to_contain_text("malignant")


def test_a_dicom_scan_is_shown_and_answered_as_the_still_is(app: App) -> None:
    still, wrapped = ("still.png", SCAN[1]), ("scan.dcm", dicom_bytes(ultrasound(1, (400, 320)), Modality="US"))
    values = []
    for file in (still, wrapped):
        app.drop(file)
        expect(app.row(file[0])).to_have_attribute("aria-current", "true")
        expect(app.meter).to_be_visible()
        app.await_picture()
        values.append((app.meter.get_attribute("aria-valuenow"), app.picture()))

    assert values[0][0] == values[1][0]
    assert np.abs(values[0][1] - values[1][1]).mean() < 1


def test_dicom_of_another_kind_is_refused_with_the_reason(app: App) -> None:
    app.drop(("film.dcm", dicom_bytes(ultrasound(1, (400, 320)), Modality="MG")))
    expect(app.answer).to_contain_text("this is MG, and ultrasound is asked about ultrasound")


def test_the_slider_and_the_key_change_the_evidence(answered: App) -> None:
    slider = answered.page.get_by_label("Opacity of the evidence")
    strong = answered.evidence().max()
    slider.fill("20")
    faint = answered.evidence().max()
    assert 0 < faint < strong
    answered.page.keyboard.press("e")
    expect(slider).to_be_disabled()
    assert answered.evidence().max() == 0


def test_the_evidence_lies_where_the_model_saw_it(answered: App, service: str) -> None:
    identity = answered.page.url.rpartition("=")[2]
    heat = answered.page.request.get(f"{service}/api/v1/predictions/{identity}/heat.png").body()
    cover = pixels(heat)[..., 3]
    shown = answered.evidence()
    rows, columns = np.nonzero(shown)
    height, width = cover.shape
    view_height, view_width = shown.shape
    scale = min(view_height / height, view_width / width)
    left, top = (view_width - width * scale) / 2, (view_height - height * scale) / 2
    seen_rows, seen_columns = np.nonzero(cover > cover.max() / 20)
    assert abs(columns.min() - (left + seen_columns.min() * scale)) < 8 * scale
    assert abs(columns.max() - (left + seen_columns.max() * scale)) < 8 * scale
    assert abs(rows.min() - (top + seen_rows.min() * scale)) < 8 * scale
    assert abs(rows.max() - (top + seen_rows.max() * scale)) < 8 * scale


def test_the_evidence_follows_zoom_and_the_view_can_be_reset(answered: App) -> None:
    before, view = answered.evidence(), answered.picture()
    answered.page.get_by_role("button", name="Zoom in").click()
    answered.page.wait_for_timeout(300)
    assert not np.array_equal(answered.evidence(), before)
    answered.page.keyboard.press("0")
    answered.page.wait_for_timeout(300)
    assert np.array_equal(answered.evidence(), before)
    assert np.array_equal(answered.picture(), view)


def test_dragging_sets_the_window_and_inverting_inverts(answered: App) -> None:
    answered.page.get_by_role("button", name="Evidence").click()
    plain = answered.picture()
    box = answered.page.locator(".canvas").bounding_box()
    assert box
    answered.page.mouse.move(box["x"] + 200, box["y"] + 200)
    answered.page.mouse.down()
    answered.page.mouse.move(box["x"] + 200, box["y"] + 300, steps=5)
    answered.page.mouse.up()
    answered.page.wait_for_timeout(300)
    windowed = answered.picture()
    assert abs(windowed.mean() - plain.mean()) > 2
    answered.page.keyboard.press("0")
    answered.page.keyboard.press("i")
    answered.page.wait_for_timeout(300)
    inverted = answered.picture()
    inside = plain[100:-100, 100:-100], inverted[100:-100, 100:-100]
    assert np.corrcoef(inside[0].ravel(), inside[1].ravel())[0, 1] < -0.9


def test_a_bad_file_shows_its_error_and_the_other_is_answered(app: App) -> None:
    app.drop(BAD, SCAN)
    expect(app.row(BAD[0])).to_contain_text("holds a web page, not a picture")
    expect(app.row(SCAN[0])).to_contain_text("malignant")
    app.row(BAD[0]).click()
    expect(app.answer).to_contain_text("holds a web page, not a picture")
    expect(app.answer).to_contain_text("download the picture itself")
    expect(app.meter).to_have_count(0)


def test_a_picture_of_the_wrong_kind_gets_no_answer(app: App) -> None:
    app.drop(CAT)
    expect(app.answer).to_contain_text("No answer")
    expect(app.answer).to_contain_text("colour picture")
    expect(app.meter).to_have_count(0)
    app.await_picture()
    expect(app.page.get_by_label("Opacity of the evidence")).to_be_disabled()
    assert app.evidence().max() == 0


def test_the_answer_and_the_evidence_can_be_taken_away(answered: App, tmp_path: Path) -> None:
    with answered.page.expect_download() as download:
        answered.page.get_by_role("link", name="Answer JSON").click()
    assert download.value.suggested_filename == "left 3 Uhr.json"
    download.value.save_as(tmp_path / "a.json")
    answer = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert answer["file"] == SCAN[0]
    assert round(answer["probability"] * 100) == int(answered.meter.get_attribute("aria-valuenow") or "-1")
    with answered.page.expect_download() as download:
        answered.page.get_by_role("link", name="Evidence PNG").click()
    assert download.value.suggested_filename == "left 3 Uhr.evidence.png"
    download.value.save_as(tmp_path / "a.png")
    assert pixels((tmp_path / "a.png").read_bytes()).shape == (320, 400, 3)


def test_a_reload_keeps_the_answer(answered: App) -> None:
    shown = answered.meter.get_attribute("aria-valuetext")
    answered.page.reload()
    expect(answered.meter).to_have_attribute("aria-valuetext", shown or "")
    answered.await_picture()
    answered.await_evidence()
    expect(answered.row(SCAN[0])).to_have_attribute("aria-current", "true")


def test_the_keyboard_reaches_everything(answered: App) -> None:
    answered.page.keyboard.press("?")
    expect(answered.page.get_by_role("dialog", name="Keys")).to_be_visible()
    answered.page.keyboard.press("Escape")
    expect(answered.page.get_by_role("dialog")).to_have_count(0)
    answered.page.get_by_role("button", name="card").focus()
    answered.page.keyboard.press("Enter")
    expect(answered.page.get_by_role("dialog")).to_contain_text("Card of")
    answered.page.keyboard.press("Escape")
    answered.drop(BAD)
    expect(answered.row(BAD[0])).to_have_attribute("aria-current", "true")
    answered.page.keyboard.press("j")
    expect(answered.row(SCAN[0])).to_have_attribute("aria-current", "true")


def test_it_fits_a_telephone(browser: Browser, service: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    app = App(page, service)
    app.drop(SCAN)
    expect(app.meter).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_text("Research use only — not for diagnosis")).to_be_visible()
    page.close()
