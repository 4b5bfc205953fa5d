"""Takes the README's picture of the page: a synthetic ultrasound, the shipped bundle, a real Chromium.

`python -m docs.screenshot [FILE]`, from the root of a checkout in which `make install web` has run.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image as Pil
from playwright.sync_api import Page, expect, sync_playwright
from tests.browser.app import App
from tests.browser.conftest import ARGUMENTS
from tests.clinic.program import Program
from tests.makers import pil_bytes, ultrasound

from senoscope.core.domain.image import Image
from senoscope.runtime import store

TARGET = Path(__file__).parent / "images" / "page.png"
DRAWN, SHOWN = (160, 128), (640, 512)
"""Drawn small and enlarged, its speckle has the grain of a real one, and the model takes it for an ultrasound."""
UPLOADS = (("right, 10 o'clock.png", False), ("left, 3 o'clock.png", True))
SEEDS = range(40)


def drawn(seed: int, malignant: bool) -> Pil.Image:
    """Draw a synthetic ultrasound."""
    return Pil.fromarray(ultrasound(seed, DRAWN, malignant=malignant)).resize(SHOWN, Pil.Resampling.BICUBIC)


def most_usual(malignant: bool) -> bytes:
    """Return, as PNG, the synthetic ultrasound of this kind that is least unusual to the shipped model."""
    model = store.load(store.find_for_task("ultrasound"))
    pictures = [drawn(seed, malignant) for seed in SEEDS]
    answers = model.predict([Image(np.asarray(picture), 255.0) for picture in pictures])
    unlike = [((answer.label == "malignant") != malignant, answer.trust.distance) for answer in answers]
    return pil_bytes(pictures[unlike.index(min(unlike))], "PNG")


def take(page: Page, link: str, target: Path) -> None:
    """Drop the pictures, wait for the answer to the last, and save what is seen."""
    app = App(page, link)
    for name, malignant in UPLOADS:
        app.drop((name, most_usual(malignant)))
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
