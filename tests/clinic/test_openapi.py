import subprocess
from pathlib import Path

from senoscope.clinic.openapi import describe, write
from tests.conftest import needs

WEB = Path(__file__).parents[2] / "web"
API = WEB / "src" / "api"


def test_the_committed_description_is_current() -> None:
    assert describe() == (API / "openapi.json").read_text("utf-8"), (
        "python -m senoscope.clinic.openapi web/src/api/openapi.json"
    )


def test_the_browsers_types_are_current(tmp_path: Path) -> None:
    generator = WEB / "node_modules" / ".bin" / "openapi-typescript"
    needs(generator.exists(), "the browser app's packages are not installed (make web)")
    write(tmp_path / "openapi.json")
    subprocess.run([generator, tmp_path / "openapi.json", "--output", tmp_path / "schema.d.ts"], check=True, cwd=WEB)
    assert (tmp_path / "schema.d.ts").read_text() == (API / "schema.d.ts").read_text(), "npm run api"


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()
