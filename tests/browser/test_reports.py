"""The report of an evaluation and of a comparison, as a browser shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import matplotlib as mpl
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.comparison import compare
from senoscope.evidence.evaluation.evaluation import Evaluation, Unread, assess
from senoscope.evidence.report.comparison_page import write_comparison
from senoscope.evidence.report.files import write_report
from tests.evidence.answers import manifest
from tests.makers import bus_bra

if TYPE_CHECKING:
    from senoscope.evidence.index import Index

assert mpl  # drawings need it, and an install without it leaves these tests out

Scheme = Literal["light", "dark"]
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'


def measured(index: Index, seed: int, **changes: Any) -> Evaluation:
    labels = index.labels_as("malignant")
    chances = np.clip(0.3 * labels + np.random.default_rng(seed).uniform(0, 0.7, len(labels)), 0, 1)
    given: dict[str, Any] = {
        "positive": "malignant",
        "title": f"model {seed} on bus_bra",
        "bundle": f"model_{seed}",
        "version": "1",
        "threshold": 0.5,
        "operating_point": "balanced",
        "protocol": "external",
        "prevalence": 0.006,
        "manifest": manifest(),
        "replicates": 50,
    }
    return assess(index, chances, **(given | changes))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a leaky report and a comparison."""
    folder = tmp_path_factory.mktemp("reports")
    index = DATASETS.get("bus_bra").index(bus_bra(folder / "data", patients=12))
    first = measured(index, 0, leak="it saw them all", notes=[HOSTILE], unread=[Unread(HOSTILE, HOSTILE)])
    write_report(first, folder)
    write_comparison(compare([first, measured(index, 1)], permutations=20), folder)
    return folder


@pytest.fixture(params=["light", "dark"])
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """Yield a page in either colour scheme that must not complain, and must ask for nothing but the file itself."""
    scheme: Scheme = request.param
    page = browser.new_page(viewport={"width": 1000, "height": 700}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    page.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1


@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_every_link_of_the_contents_leads_to_its_section(opened: Page, written: Path, name: str) -> None:
    opened.goto((written / name).as_uri())
    links = opened.get_by_role("navigation", name="Contents").get_by_role("link")
    assert links.count() >= 6
    for at in range(links.count()):
        target = links.nth(at).get_attribute("href") or ""
        title = links.nth(at).inner_text()
        links.nth(at).click()
        section = opened.locator(target)
        expect(section).to_be_in_viewport()
        expect(section.get_by_role("heading", level=2)).to_contain_text(title)


@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_text_can_be_read_in_both_schemes(opened: Page, written: Path, name: str) -> None:
    opened.goto((written / name).as_uri())
    for place in ("main > p.soft", "tbody td", ".banner", ".leaky", "h2", "figcaption", "nav a"):
        contrast = opened.locator(place).first.evaluate(CONTRAST)
        assert contrast >= 4.5, place
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_drawings_take_the_colour_of_the_page_and_hold_text(opened: Page, written: Path, name: str) -> None:
    opened.goto((written / name).as_uri())
    drawings = opened.locator("figure svg")
    assert drawings.count() == (6 if name == "report.html" else 3)
    words = drawings.first.locator("text").filter(has_text="sensitivity").first
    expect(words).to_be_visible()
    assert words.evaluate("(text) => getComputedStyle(text).fill") == opened.evaluate(
        "getComputedStyle(document.body).color"
    )


@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_a_leak_is_seen_first_and_hostile_text_does_nothing(opened: Page, written: Path, name: str) -> None:
    opened.goto((written / name).as_uri())
    expect(opened.get_by_role("alert")).to_contain_text("it saw them all")
    expect(opened.get_by_role("alert")).to_be_in_viewport()
    assert opened.title() != "1"
    expect(opened.locator("main img")).to_have_count(0)


def test_checklists_open_when_they_are_asked_for(opened: Page, written: Path) -> None:
    opened.goto((written / "report.html").as_uri())
    for name, items in (("CLAIM 2024", 44), ("TRIPOD+AI", 52)):
        folded = opened.locator("details").filter(has_text=name)
        row = folded.locator("tbody tr").first
        expect(row).to_be_hidden()
        folded.locator("summary").click()
        expect(row).to_be_visible()
        expect(folded.locator("tbody tr")).to_have_count(items)


CONTRAST = """
(element) => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = element;
  while (ground && (rgb(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0) ground = ground.parentElement;
  const [ink, paper] = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(rgb).map(light);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}
"""
"""Contrast of an element's text and what lies behind it, after WCAG 2."""
