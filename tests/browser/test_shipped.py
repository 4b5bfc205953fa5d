"""The bundles that ship: a real breast ultrasound, and a choice between them and another."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from senoscope.evidence.datasets import DATASETS
from tests.browser.app import App
from tests.makers import pil_bytes, ultrasound


@pytest.mark.parametrize("label", ["benign", "malignant"])
def test_a_real_picture_is_answered(page: Page, shipped_service: str, data_root: Path, label: str) -> None:
    app = App(page, shipped_service)
    index = DATASETS.get("busi").index(data_root / "busi")
    sample = next(sample for sample in index.samples if sample.label == label)
    app.drop((f"{label}.png", (index.root / sample.path).read_bytes()))
    expect(app.meter).to_be_visible()
    expect(app.answer).to_contain_text("ultrasound")
    expect(app.answer.locator(".verdict")).to_contain_text("operating point")
    app.await_picture()
    assert app.await_evidence().max() > 0


@pytest.mark.parametrize(("bundle", "heading"), [("lesions", "Boxes"), ("ultrasound_outline", "Regions")])
def test_a_real_lesion_is_shown_where_it_is(
    page: Page, shipped_service: str, data_root: Path, bundle: str, heading: str
) -> None:
    app = App(page, shipped_service)
    index = DATASETS.get("busi").index(data_root / "busi")
    sample = next(sample for sample in index.samples if sample.label == "malignant")
    page.get_by_label("Model").select_option(bundle)
    app.drop(("scan.png", (index.root / sample.path).read_bytes()))
    expect(app.meter).to_be_visible()
    expect(app.answer).to_contain_text(bundle)
    expect(app.answer.get_by_role("list", name=heading).get_by_role("button").first).to_be_visible()
    app.await_picture()
    assert app.await_marks()[..., 3].max() == 255


def test_another_model_can_be_chosen(page: Page, shipped_service: str) -> None:
    app = App(page, shipped_service)
    page.get_by_label("Model").select_option("tiny")
    page.get_by_label("Operating point").select_option("screening")
    app.drop(("scan.png", pil_bytes(ultrasound(1, (400, 320)), "PNG")))
    expect(app.meter).to_be_visible()
    expect(app.answer).to_contain_text("tiny 1")
    expect(app.answer.locator(".verdict")).to_contain_text("‘screening’")
