"""The page as its user handles it."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from playwright.sync_api import Locator, Page, expect

DROP = """
async (files) => {
  const carried = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    carried.items.add(new File([bytes], name));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}
"""
WAIT_MS = 30_000


def pixels(png: bytes) -> NDArray[np.float64]:
    """Decode a PNG into (H, W, channels)."""
    with Pil.open(io.BytesIO(png)) as picture:
        return np.asarray(picture, float)


class App:
    """One open page.

    Args:
        page: the browser's.
        link: of the service.
    """

    def __init__(self, page: Page, link: str) -> None:
        self.page = page
        page.set_default_timeout(WAIT_MS)
        page.goto(link)
        expect(page.get_by_text("Drop or choose pictures")).to_be_visible()

    def drop(self, *files: tuple[str, bytes]) -> None:
        """Drag files from the desktop onto the page."""
        self.page.evaluate(DROP, [[name, base64.b64encode(data).decode()] for name, data in files])

    def row(self, filename: str) -> Locator:
        """Find the newest upload of this name in the list."""
        return self.page.get_by_label("Uploads").get_by_role("button").filter(has_text=filename).first

    @property
    def answer(self) -> Locator:
        return self.page.get_by_label("Answer")

    @property
    def meter(self) -> Locator:
        return self.page.get_by_role("meter")

    def await_picture(self) -> None:
        """Wait until the picture is drawn: more than one grey level on its canvas."""
        canvas = self.page.locator(".picture canvas")
        expect(canvas).to_be_visible(timeout=WAIT_MS)
        self.page.wait_for_function(
            """() => {
              const source = document.querySelector(".picture canvas");
              const copy = new OffscreenCanvas(16, 16).getContext("2d");
              copy.drawImage(source, 0, 0, 16, 16);
              return new Set(copy.getImageData(0, 0, 16, 16).data).size > 3;
            }"""
        )

    def evidence(self) -> NDArray[np.float64]:
        """Cover of the evidence over the view, 0 to 255."""
        return self._canvas("evidence")[..., 3]

    def marks(self) -> NDArray[np.float64]:
        """Lines over the view, (H, W, 4)."""
        return self._canvas("marks")

    def await_evidence(self) -> NDArray[np.float64]:
        """Wait until evidence is drawn."""
        self._await_canvas("evidence")
        return self.evidence()

    def await_marks(self) -> NDArray[np.float64]:
        """Wait until lines are drawn."""
        self._await_canvas("marks")
        return self.marks()

    def shown_at(self, width: int, height: int) -> tuple[float, float, float]:
        """Where a picture of this size lies in the view that shows all of it: left, top, and pixels for each of its."""
        box = self.page.locator(".canvas").bounding_box()
        assert box
        scale = min(box["width"] / width, box["height"] / height)
        return (box["width"] - width * scale) / 2, (box["height"] - height * scale) / 2, scale

    def _canvas(self, name: str) -> NDArray[np.float64]:
        url = self.page.locator(f"canvas.{name}").evaluate("(canvas) => canvas.toDataURL('image/png')")
        return pixels(base64.b64decode(url.partition(",")[2]))

    def _await_canvas(self, name: str) -> None:
        self.page.wait_for_function(
            """(name) => {
              const canvas = document.querySelector(`canvas.${name}`);
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              return data.some((value) => value > 0);
            }""",
            arg=name,
        )

    def picture(self) -> NDArray[np.float64]:
        """Take the view, evidence and all, as grey levels."""
        colours = pixels(self.page.locator(".canvas").screenshot())[..., :3]
        return np.asarray(colours.mean(axis=2))
