"""Takes the pictures of outlines, measures and boxes on the page: a synthetic ultrasound, and tiny bundles.

`python -m docs.screenshot_marks`, from the root of a checkout in which `make install web` has run. The bundles have
learned nothing: they mark what is dark.
"""

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from tests.browser.app import App
from tests.browser.conftest import ARGUMENTS
from tests.clinic.program import Program
from tests.makers import outlined_ultrasound, pil_bytes, tiny_box_bundle, tiny_chain_bundle, tiny_outline_bundle

IMAGES = Path(__file__).parent / "images"
BUNDLES = {"outlines": tiny_outline_bundle, "chain": tiny_chain_bundle, "boxes": tiny_box_bundle}
HEIGHTS = {"outlines": 800, "chain": 1240, "boxes": 1000}
FILE = "left, 3 o'clock.png"


def take(page: Page, link: str, name: str) -> None:
    """Ask one bundle about a synthetic lesion, and save what is seen."""
    page.set_viewport_size({"width": 1280, "height": HEIGHTS[name]})
    app = App(page, link)
    page.get_by_label("Model").select_option(name)
    app.drop((FILE, pil_bytes(outlined_ultrasound(1, (640, 512))[0], "PNG")))
    expect(app.answer.get_by_role("heading", name="How it came about")).to_be_visible(timeout=60_000)
    app.await_picture()
    app.await_marks()
    if name == "boxes":
        page.get_by_label("Least probability of the boxes that are shown").fill("90")
    page.mouse.move(0, 0)
    save(page, IMAGES / f"{name}.png")


def save(page: Page, target: Path) -> None:
    """Write a picture of the page whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"part-{target.name}")
    page.screenshot(path=beside)
    os.replace(beside, target)


def main() -> None:
    """Start a service in a folder of its own for each bundle, and a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for name, make in BUNDLES.items():
            with tempfile.TemporaryDirectory() as home:
                make(Path(home) / "bundles" / name, name)
                program = Program(Path(home))
                try:
                    take(browser.new_page(), program.link(), name)
                finally:
                    program.kill()
        browser.close()


if __name__ == "__main__":
    main()
