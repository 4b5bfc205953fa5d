"""A slide, and a bundle that answers its tiles."""

from pathlib import Path

import pytest

from senoscope.runtime.slides.tiles import PatchClassifier
from senoscope.runtime.store import load
from tests.makers import slide_file, tiny_slide_bundle, tissue


@pytest.fixture(scope="session")
def slide_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle for `idc`."""
    return tiny_slide_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def classifier(slide_bundle: Path) -> PatchClassifier:
    """That bundle, ready for slides."""
    return PatchClassifier(load(slide_bundle, threads=1))


@pytest.fixture(scope="session")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tissue of 4.8 by 3.2 mm at 2 µm per pixel: 12 by 8 tiles of IDC's."""
    path = tmp_path_factory.mktemp("slides") / "slide.tif"
    return slide_file(path, tissue(2400, 1600), mpp=2.0, tile=128)
