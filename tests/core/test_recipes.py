"""Recipes that ship, and those that a user names."""

from pathlib import Path

import pytest

from senoscope.core.domain.recipe import LARGEST_TOML, parse_recipe
from senoscope.core.errors import RecipeError, UsageError
from senoscope.core.recipes import names, recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS


@pytest.mark.parametrize("name", names())
def test_every_shipped_recipe_is_a_short_recipe_of_that_name(name: str) -> None:
    text = recipe_text(name)

    recipe = parse_recipe(text)

    assert recipe.name == name
    assert recipe.about
    assert recipe.task in DATASETS.get(recipe.dataset).tasks
    assert recipe.task in TASKS.names()
    assert len(text.splitlines()) <= 30


def test_the_first_recipe_ships() -> None:
    assert "ultrasound" in names()


def test_a_misspelt_name_lists_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        recipe_text("ultrasond")

    assert "ultrasound" in caught.value.hint


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "größe.toml"
    path.write_text("# mine", encoding="utf-8")

    assert recipe_text(str(path)) == "# mine"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"#" * (LARGEST_TOML + 1), None])
def test_a_file_that_cannot_be_used(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "mine.toml"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(RecipeError, match=r"mine\.toml"):
        recipe_text(str(path))
