"""Takes the README's picture of the page: a synthetic ultrasound, the shipped bundle, a real Chromium.

`python -m docs.screenshot [FILE]`, from the root of a checkout in which `make install web` has run.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from tests.browser.app import App
from tests.browser.conftest import ARGUMENTS
from tests.clinic.program import Program
from tests.makers import pil_bytes, ultrasound

TARGET = Path(__file__).parent / "images" / "page.png"
SIZE = (640, 512)
UPLOADS = (("right, upper outer, 10 o'clock.png", 3, False), ("left, 3 o'clock.png", 7, True))


def take(page: Page, link: str, target: Path) -> None:
    """Drop the pictures, wait for the answer to the last, and save what is seen."""
    app = App(page, link)
    for name, seed, malignant in UPLOADS:
        app.drop((name, pil_bytes(ultrasound(seed, SIZE, malignant=malignant), "PNG")))
        expect(app.row(name)).to_have_attribute("aria-current", "true")
        expect(app.meter).to_be_visible(timeout=60_000)
    app.await_picture()
    app.await_evidence()
    page.mouse.move(0, 0)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"part-{target.name}")
    page.screenshot(path=beside)
    os.replace(beside, target)


def main(target: Path) -> None:
    """Start the service in a folder of its own, and a browser, for one picture."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        program = Program(Path(home))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            take(browser.new_page(viewport={"width": 1280, "height": 800}), program.link(), target)
        finally:
            browser.close()
            program.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
