"""Boxes over the picture, as their user sees them."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from tests.browser.app import App
from tests.browser.test_outlines import SCAN, SIZE, ask, orange

SLIDER = "Least probability of the boxes that are shown"


@pytest.fixture
def app(page: Page, marking_service: str) -> App:
    return ask(App(page, marking_service), "boxes", SCAN)


def boxes(app: App) -> list[tuple[int, list[int]]]:
    """Whole percent, and left, top, width and height of every box that is listed."""
    found = []
    for text in app.answer.get_by_role("list", name="Boxes").get_by_role("button").all_inner_texts():
        head, tail = text.splitlines()
        width, height, left, top = (int(number) for number in re.findall(r"\d+", tail))
        found.append((int(re.search(r"(\d+) %", head)[1]), [left, top, width, height]))  # type: ignore[index]
    return found


def is_framed(app: App, view: NDArray[np.float64], box: list[int]) -> bool:
    """Whether an orange line runs along all of a box's right and lower edges, where no text lies."""
    left, top, scale = app.shown_at(*SIZE)
    lines = orange(view)
    x0, y0, x1, y1 = (
        left + box[0] * scale,
        top + box[1] * scale,
        left + (box[0] + box[2]) * scale,
        top + (box[1] + box[3]) * scale,
    )
    across, down = lines.shape[1] - 1, lines.shape[0] - 1
    right = lines[int(y0) + 20 : int(y1) - 2, max(0, round(x1) - 2) : min(across, round(x1)) + 2].any(axis=1)
    lower = lines[max(0, round(y1) - 2) : min(down, round(y1)) + 2, int(x0) + 2 : int(x1) - 2].any(axis=0)
    return bool(right.mean() > 0.95 and lower.mean() > 0.95)


def test_every_box_is_drawn_where_the_model_found_it(app: App) -> None:
    view, listed = app.await_marks(), boxes(app)

    assert len(listed) >= 3
    assert [chance for chance, _ in listed] == sorted((chance for chance, _ in listed), reverse=True)
    assert all(is_framed(app, view, box) for _, box in listed)
    left, top, width, height = listed[0][1]
    assert not is_framed(app, view, [left + 15, top + 15, width, height])
    expect(app.meter).to_be_visible()
    expect(app.answer.get_by_role("heading", name=f"{len(listed)} boxes")).to_be_visible()


def test_the_threshold_hides_boxes_below_it(app: App) -> None:
    view, listed = app.await_marks(), boxes(app)
    lowest, highest = listed[-1], listed[0]
    assert lowest[0] + 1 < highest[0]
    slider = app.page.get_by_label(SLIDER)

    slider.fill(str(lowest[0] + 1))

    kept = boxes(app)
    assert kept == [one for one in listed if one[0] > lowest[0]]
    expect(app.answer.locator("p[role=status]")).to_have_text(f"{len(kept)} of {len(listed)} shown")
    assert is_framed(app, app.marks(), highest[1])
    assert orange(app.marks()).sum() < orange(view).sum()
    slider.fill("100")
    expect(app.answer.locator("p[role=status]")).to_have_text(f"0 of {len(listed)} shown")
    assert app.marks().max() == 0
    slider.fill("0")
    assert np.array_equal(app.marks(), view)


def test_the_keyboard_reaches_threshold_and_boxes(app: App) -> None:
    app.await_marks()
    slider, rows = app.page.get_by_label(SLIDER), app.answer.get_by_role("list", name="Boxes").get_by_role("button")
    slider.focus()
    app.page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("1")
    app.page.keyboard.press("Tab")
    expect(rows.first).to_be_focused()
    app.page.keyboard.press("Enter")
    expect(rows.first).to_have_attribute("aria-pressed", "true")
    view = app.marks()
    assert ((view[..., :3].min(axis=2) > 240) & (view[..., 3] > 200)).sum() > 500
    app.page.keyboard.press("o")
    assert app.marks().max() == 0


def test_the_threshold_begins_anew_with_the_next_picture(app: App) -> None:
    app.await_marks()
    app.page.get_by_label(SLIDER).fill("100")
    ask(app, "boxes", ("again.png", SCAN[1]))
    expect(app.page.get_by_label(SLIDER)).to_have_value("0")
    assert orange(app.await_marks()).any()


def test_no_box_is_an_answer_of_its_own(app: App) -> None:
    ask(app, "rare", ("a scan.png", SCAN[1]))
    expect(app.answer.locator(".nothing strong")).to_have_text("No lesion found")
    expect(app.answer.locator(".verdict")).to_contain_text("tissue")
    expect(app.page.get_by_label(SLIDER)).to_have_count(0)
    assert app.marks().max() == 0
