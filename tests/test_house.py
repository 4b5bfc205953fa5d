"""Rules of the whole house."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import senoscope

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "torchvision", "timm", "lightning_fabric", "onnx", "onnxscript", "safetensors", "matplotlib")

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in {heavy!r}:
    sys.modules[name] = None  # importing it now raises ImportError
import senoscope
names = [item.name for item in pkgutil.walk_packages(senoscope.__path__, "senoscope.", onerror=lambda name: None)
         if not item.name.startswith("senoscope.learning.") and not item.name.startswith("senoscope.clinic.migrations")]
for name in names:
    if name != "senoscope.learning":
        importlib.import_module(name)
print(len(names))
"""


def _tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


def test_everything_outside_learning_imports_without_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL.format(heavy=HEAVY)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_importing_senoscope_is_light() -> None:
    code = "import sys, senoscope; print([name for name in ('numpy', 'PIL', 'fastapi') if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_public_names() -> None:
    public = {"Image", "Prediction", "SenoscopeError", "__version__", "evaluate", "load", "read"}
    public |= {"Exam", "ExamPrediction", "View"}

    assert set(senoscope.__all__) == public
    assert public <= set(dir(senoscope))
    for name in public:
        assert getattr(senoscope, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'reed'"):
        getattr(senoscope, "reed")  # noqa: B009


def test_the_changelog_ends_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, flags=re.MULTILINE)
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert versions[0] == senoscope.__version__
    assert cited is not None
    assert cited[1] == senoscope.__version__


def test_no_file_holds_a_path_of_one_machine() -> None:
    machine = re.compile(rb"(?<![\w.:/])/(?:work|tmp|root|home|farm|Users)/[\w.-]+")
    binary = {".png", ".onnx", ".ico", ".woff2"}
    found = [
        f"{path.relative_to(ROOT)}: {match[0].decode()}"
        for path in _tracked()
        if path.suffix not in binary
        for match in machine.finditer(path.read_bytes())
    ]

    assert found == []


def test_files_stay_small_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "src").rglob("*.py")
        if (lines := path.read_text(encoding="utf-8").count("\n")) > 300
    }

    assert long == {}


def test_functions_stay_small_enough_to_read() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {node.name}": length
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (length := _body_lines(node)) > 40
    }

    assert long == {}


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[min(ast.get_docstring(node) is not None, len(node.body) - 1)]
    return (node.end_lineno or node.lineno) - first.lineno + 1


def test_no_test_file_is_forgotten_by_its_name() -> None:
    strays = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"^def test_", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        and not path.name.startswith("test_")
    ]

    assert strays == []


@pytest.mark.parametrize("name", ["base", "test-base", "dev"])
def test_locks_name_no_place_and_pin_by_hash(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    requirements = re.findall(r"^([a-z0-9][\w.-]*)(.*)$", text, flags=re.MULTILINE)

    assert "://" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE)
    assert all(re.match(r"==\S+", rest) for _, rest in requirements)
    assert text.count("--hash=sha256:") >= len(requirements)
    assert ("torch" in {package for package, _ in requirements}) == (name == "dev")


@pytest.mark.parametrize(("name", "extra"), [("base", ""), ("test-base", "test"), ("dev", "dev")])
def test_locks_hold_every_declared_requirement(name: str, extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    wanted = {re.split(r"[<>=\[ ]", line)[0].lower() for line in declared} - {"senoscope"}
    locked = set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))

    assert wanted <= locked
