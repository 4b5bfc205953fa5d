"""What the documentation says is so."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from senoscope.core.domain.bundle import BundleManifest
from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.runtime.store import shipped
from tests.conftest import needs
from tests.makers import pil_bytes, ultrasound

ROOT = Path(__file__).resolve().parent.parent
VERBS = ("serve", "predict", "train", "evaluate", "deidentify", "data", "models", "doctor")
SUBVERBS = (
    ("data", "list"),
    ("data", "index"),
    ("data", "audit"),
    ("data", "beside"),
    ("data", "propose"),
    ("models", "list"),
    ("models", "show"),
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def _text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _keys(model: type[BaseModel], table: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _keys(type(field.default), f"{name}.")
        else:
            yield f"{table}{name}", field.default


def _toml(value: Any) -> str:
    if value is PydanticUndefined:
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def test_every_key_of_a_recipe_is_documented_with_its_default() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \| (\S+) \| .+ \|$", _text("reference/recipes.md"), flags=re.MULTILINE)

    assert documented == [(key, _toml(default)) for key, default in _keys(Recipe)]


def test_the_recipe_in_the_reference_is_one() -> None:
    example = re.search(r"```toml\n(.+?)```", _text("reference/recipes.md"), flags=re.DOTALL)

    assert example is not None
    assert parse_recipe(example[1]).fit.solver == "lbfgs"


def test_every_field_of_the_manifest_is_documented() -> None:
    cells = " ".join(re.findall(r"^\| (`.+?) \|", _text("reference/bundle.md"), flags=re.MULTILINE))

    assert set(re.findall(r"`(\w+)`", cells)) == {*BundleManifest.model_fields, "seal"}


def test_every_dataset_and_task_has_a_page() -> None:
    for name in DATASETS.names():
        facts, text = DATASETS.get(name), _text(f"datasets/{name}.md")
        assert all(
            label in text if count is None else f"{count:,} {label}" in text for label, count in facts.published.items()
        )
        assert re.search(r"doi:(\S+)", facts.citation)[1] in text  # type: ignore[index]
    for name in TASKS.names():
        task, text = TASKS.get(name), _text(f"tasks/{name}.md")
        assert all(f"`{label}`" in text for label in task.labels)
        assert f"at least {task.smallest_side} pixels" in text


@pytest.mark.parametrize("verb", [(), *((verb,) for verb in VERBS), *((*parts,) for parts in SUBVERBS)], ids=" ".join)
def test_every_option_of_the_command_line_is_documented(verb: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from senoscope.cli import main; main()", *verb, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )

    options = set(re.findall(r"^\W*(--[a-z-]+)", done.stdout, flags=re.MULTILINE)) - {"--help", "--version"}
    page = _text("reference/cli.md")
    section = page.partition(f"## {verb[0]}\n")[2].partition("\n## ")[0] if verb else page
    assert section
    assert {option for option in options if f"`{option}" not in section} == set()


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_measures_a_model_on_what_it_was_cross_validated_on(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    runs = re.findall(r"^senoscope train (\w+) .*--out (\w+)", text, flags=re.MULTILINE)
    trained = {out: recipe for recipe, out in runs}

    for out, dataset in re.findall(r"senoscope evaluate (\w+) .*--dataset (\w+)", text):
        if out in trained and (recipe := parse_recipe(recipe_text(trained[out]))).split.mode == "crossval":
            assert dataset != recipe.dataset, f"{out} was fitted again on all of {dataset}"


def test_every_figure_of_the_response_has_its_command_and_every_command_its_figure() -> None:
    text = _text("tasks/response.md")

    figures = re.findall(r"^\| `(\w+)`", text, flags=re.MULTILINE)
    assert figures
    assert set(figures) == set(re.findall(r"senoscope train (\w+)", text))


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(shipped(), "no bundle ships with this checkout")
    example = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert example is not None
    (tmp_path / "scan.png").write_bytes(pil_bytes(ultrasound(3), "PNG"))
    monkeypatch.chdir(tmp_path)

    done = subprocess.run([sys.executable, "-c", example[1]], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"0\.\d+ (True|False) \(256, 320\)\n", done.stdout)
