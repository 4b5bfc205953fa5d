"""A real breast ultrasound, answered by the bundle that ships."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from senoscope.evidence.datasets import DATASETS
from senoscope.runtime import store
from tests.browser.app import App
from tests.conftest import needs


@pytest.mark.parametrize("label", ["benign", "malignant"])
def test_a_real_picture_is_answered(app: App, data_root: Path, label: str) -> None:
    needs("ultrasound" in [manifest.name for manifest in store.shipped()], "the bundle 'ultrasound' does not ship")
    index = DATASETS.get("busi").index(data_root / "busi")
    sample = next(sample for sample in index.samples if sample.label == label)
    app.drop((f"{label}.png", (index.root / sample.path).read_bytes()))
    expect(app.meter).to_be_visible()
    expect(app.answer).to_contain_text("ultrasound")
    expect(app.answer.locator(".verdict")).to_contain_text("operating point")
    app.await_picture()
    assert app.await_evidence().max() > 0
