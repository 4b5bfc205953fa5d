"""A real Chromium in front of the real service.

Playwright is imported within: on an install without it this file is read all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senoscope.clinic.page import STATIC
from senoscope.runtime import store
from tests.clinic.program import Program
from tests.conftest import needs
from tests.makers import tiny_box_bundle, tiny_bundle, tiny_chain_bundle, tiny_outline_bundle, tiny_slide_bundle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.app import App

SLOW = (
    "import time\nfrom senoscope.runtime.slides.tiles import PatchClassifier as P\nanswer = P.answer\n"
    "P.answer = lambda self, batch: (time.sleep(0.7), answer(self, batch))[1]"
)
"""Run before a service, makes its answers to tiles slow enough to be watched."""

ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-background-networking"]


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """Yield a browser, for this folder only: meanwhile Playwright holds an event loop, and other tests want theirs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Link of a service in which the tiny bundle answers in place of the one that ships."""
    home: Path = tmp_path_factory.mktemp("home")
    tiny_bundle(home / "bundles" / "tiny", "ultrasound")
    yield from _served(home)


@pytest.fixture(scope="package")
def several_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Link of a service that also answers a task of three labels."""
    home: Path = tmp_path_factory.mktemp("several")
    tiny_bundle(home / "bundles" / "tiny", "ultrasound")
    tiny_bundle(home / "bundles" / "dense", "dense", task="density")
    yield from _served(home)


@pytest.fixture(scope="package")
def marking_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Link of a service whose bundles outline, outline and then answer, and put boxes around what they find."""
    home: Path = tmp_path_factory.mktemp("marking")
    tiny_outline_bundle(home / "bundles" / "outline", "outline")
    tiny_outline_bundle(home / "bundles" / "always", "always", calibrated=False)
    tiny_chain_bundle(home / "bundles" / "chain", "chain")
    tiny_box_bundle(home / "bundles" / "boxes", "boxes")
    tiny_box_bundle(home / "bundles" / "rare", "rare", rare=True)
    yield from _served(home)


@pytest.fixture(scope="package")
def slide_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Link of a service that is asked about slides, and takes its time over them."""
    home: Path = tmp_path_factory.mktemp("slides")
    tiny_slide_bundle(home / "bundles" / "tissue", "tissue")
    yield from _served(home, SLOW)


@pytest.fixture(scope="package")
def shipped_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Link of a service with the bundles that ship, and the tiny one beside them."""
    needs(store.shipped(), "no bundle ships with this checkout")
    home: Path = tmp_path_factory.mktemp("shipped")
    tiny_bundle(home / "bundles" / "tiny")
    yield from _served(home)


def _served(home: Path, prelude: str = "") -> Iterator[str]:
    needs((STATIC / "index.html").is_file(), "the page is not built (make web)")
    program = Program(home, prelude)
    try:
        yield program.link()
    finally:
        program.kill()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a page that must not complain, and must not ask for anything from elsewhere."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    foreign: list[str] = []
    opened.on("request", lambda asked: foreign.append(asked.url) if _is_foreign(asked.url) else None)
    yield opened
    opened.close()
    assert complaints == []
    assert foreign == []


def _is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "blob:", "data:"))


@pytest.fixture
def app(page: Page, service: str) -> App:
    from tests.browser.app import App

    return App(page, service)
