"""An answer of more than two labels, as its user sees it."""

import re

from playwright.sync_api import Page, expect

from tests.browser.app import App
from tests.makers import pil_bytes, ultrasound

SCAN = ("right breast.png", pil_bytes(ultrasound(1, (400, 320)), "PNG"))


def test_every_label_has_its_probability_and_the_likeliest_is_called(page: Page, several_service: str) -> None:
    app = App(page, several_service)
    expect(page.get_by_label("Operating point")).to_be_visible()
    page.get_by_label("Model").select_option("dense")
    expect(page.get_by_label("Operating point")).to_have_count(0)

    app.drop(SCAN)

    expect(app.meter).to_have_count(3)
    labels = ["fatty", "glandular", "dense"]
    expect(app.answer.locator(".labels li > :first-child")).to_have_text(labels)
    shares = [int(meter.get_attribute("aria-valuenow") or "-1") for meter in app.meter.all()]
    assert 98 <= sum(shares) <= 102
    called = labels[shares.index(max(shares))]
    expect(app.answer.locator(".labels .called")).to_contain_text(called)
    expect(app.answer.locator(".verdict")).to_have_text(f"Most probable of 3 labels: {called}.")
    expect(app.answer).to_contain_text(f"where evidence for ‘{called}’ lies")
    expect(app.answer).to_contain_text(re.compile(r"sensitivity for fatty \d+ %"))
    expect(app.row(SCAN[0])).to_contain_text(called)
    app.await_picture()
    app.await_evidence()
    assert app.evidence().max() > 0
