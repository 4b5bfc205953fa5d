"""The audit's page in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from senoscope.evidence.audit.audit import audit
from senoscope.evidence.audit.page import write_audit
from senoscope.evidence.datasets import DATASETS
from tests.makers import bus_bra


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    root = bus_bra(folder / "data")
    (root / "Images" / "bus_0002-l.png").write_bytes((root / "Images" / "bus_0001-l.png").read_bytes())
    facts = DATASETS.get("bus_bra")
    return write_audit(audit(facts, facts.index(root)), folder / "out")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_renders_without_complaint(browser: Browser, written: Path, scheme: str) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(written.as_uri())

    expect(page.get_by_role("heading", name="Audit of bus_bra")).to_be_visible()
    expect(page.locator(".light.red").first).to_be_visible()
    expect(page.get_by_role("img", name="Samples of each label")).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 26)" if scheme == "dark" else "rgb(251, 250, 248)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    assert complaints == []


def test_it_fits_a_telephone(browser: Browser, written: Path) -> None:
    small = browser.new_page(viewport={"width": 390, "height": 844})
    small.goto(written.as_uri())
    assert small.evaluate("document.documentElement.scrollWidth") <= 390
    small.close()
