"""Takes the pictures of outlines, measures, boxes and a slide on the page: drawn inputs, and tiny bundles.

`python -m docs.screenshot_marks`, from the root of a checkout in which `make install web` has run. The bundles have
learned nothing: they mark what is dark. With a name behind it, such as `slide`, only that one is taken.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from tests.browser.app import App
from tests.browser.conftest import ARGUMENTS
from tests.clinic.program import Program
from tests.makers import (
    outlined_ultrasound,
    pil_bytes,
    slide_file,
    tiny_box_bundle,
    tiny_chain_bundle,
    tiny_outline_bundle,
    tiny_slide_bundle,
    tissue,
)

IMAGES = Path(__file__).parent / "images"
BUNDLES: dict[str, Callable[[Path, str], Path]] = {
    "outlines": tiny_outline_bundle,
    "chain": tiny_chain_bundle,
    "boxes": tiny_box_bundle,
    "slide": tiny_slide_bundle,
}
HEIGHTS = {"outlines": 800, "chain": 1240, "boxes": 1000, "slide": 800}
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


def take_slide(page: Page, link: str) -> None:
    """Ask about a drawn slide, and save what is seen once it is answered."""
    page.set_viewport_size({"width": 1280, "height": HEIGHTS["slide"]})
    app = App(page, link)
    page.get_by_label("Model").select_option("slide")
    with tempfile.TemporaryDirectory() as folder:
        path = slide_file(Path(folder) / "left breast, block 3.svs", tissue(2400, 1600), mpp=2.0, tile=256)
        page.set_input_files("input[type=file]", path)
        expect(app.answer.get_by_role("heading", name="Areas")).to_be_visible(timeout=120_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3000)
    page.mouse.move(0, 0)
    save(page, IMAGES / "slide.png")


def save(page: Page, target: Path) -> None:
    """Write a picture of the page whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"part-{target.name}")
    page.screenshot(path=beside)
    os.replace(beside, target)


def main(names: list[str]) -> None:
    """Start a service in a folder of its own for each bundle, and a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for name, make in BUNDLES.items():
            if names and name not in names:
                continue
            with tempfile.TemporaryDirectory() as home:
                make(Path(home) / "bundles" / name, name)
                program = Program(Path(home))
                try:
                    page = browser.new_page()
                    take_slide(page, program.link()) if name == "slide" else take(page, program.link(), name)
                finally:
                    program.kill()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
