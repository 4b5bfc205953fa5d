"""What tests stand on: real data, pretrained weights, a browser.

Where one is absent its tests skip and say why; under SENOSCOPE_TEST_ALL=1 they fail.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKED = ROOT.parent / "shared" / "data"
ALL = os.environ.get("SENOSCOPE_TEST_ALL") == "1"
OPTIONAL = (
    *("fhir", "highdicom", "lightning_fabric", "matplotlib", "mlflow", "onnx", "onnxscript", "openslide"),
    *(
        "playwright",
        "pyarrow",
        "ray",
        "reportlab",
        "safetensors",
        "scipy",
        "skimage",
        "sklearn",
        "statsmodels",
        "timm",
        "torch",
        "torchvision",
    ),
)
# Opening MLflow's database takes longer than most tests; those of tracking set this back.
os.environ["SENOSCOPE_TRACK"] = "off"
ABSENT = frozenset(name for name in OPTIONAL if find_spec(name) is None)


def needs(available: object, reason: str) -> None:
    """Skip the test, saying why, unless what it needs is there; under SENOSCOPE_TEST_ALL=1 fail it instead."""
    if available:
        return
    if ALL:
        pytest.fail(f"SENOSCOPE_TEST_ALL=1, and {reason}")
    pytest.skip(reason)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out, on an install without some extras, the files and folders whose tests import what these would bring."""
    path = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    if ALL or not ABSENT or path.suffix != ".py" or not path.is_file():
        return None
    return True if _missing(path) else None


def pytest_report_header() -> str:
    """Say what is left out."""
    if ALL or not ABSENT:
        return "everything is installed that any test needs"
    parts = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "tests").rglob("conftest.py")]
    left_out = sorted(str(path.relative_to(ROOT)) for path in parts if _missing(path))
    return f"not installed: {', '.join(sorted(ABSENT))}; so left out: {', '.join(left_out) or 'nothing'}"


def _missing(path: Path) -> set[str]:
    """Return which absent packages a test file imports at its top; senoscope.learning counts as torch."""
    wanted: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            wanted.add("torch" if name.startswith("senoscope.learning") else name.partition(".")[0])
    return wanted & ABSENT


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with the public datasets as their publishers lay them out.

    It is $SENOSCOPE_DATA; where that is not set and the packed datasets lie beside the checkout, unpacked once.
    """
    named = os.environ.get("SENOSCOPE_DATA")
    if named:
        needs(Path(named).is_dir(), f"SENOSCOPE_DATA={named} is not a folder")
        return Path(named)
    needs((PACKED / "unpack.py").is_file(), "SENOSCOPE_DATA does not name a folder of datasets")
    cache = Path(tempfile.gettempdir()) / f"senoscope-data-{os.getuid()}"
    if not cache.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix=f"{cache.name}-"))
        subprocess.run([sys.executable, str(PACKED / "unpack.py"), str(fresh)], check=True, capture_output=True)
        try:
            fresh.rename(cache)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    return cache


@pytest.fixture(scope="session")
def weights_root() -> Path:
    """Folder of pretrained weights by timm name: $SENOSCOPE_WEIGHTS, or beside the checkout."""
    folder = Path(os.environ.get("SENOSCOPE_WEIGHTS") or PACKED / "weights")
    needs(folder.is_dir(), "SENOSCOPE_WEIGHTS does not name a folder of pretrained weights")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium: $SENOSCOPE_CHROMIUM, or the system's."""
    named = os.environ.get("SENOSCOPE_CHROMIUM")
    path = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    needs(path, "no Chromium is installed")
    return str(path)
