"""What every shipped recipe promises beyond what `tests/core/test_recipes.py` asks: it can be built and written."""

from pathlib import Path

import pytest

from senoscope.core.domain.recipe import Recipe, dump_recipe, parse_recipe
from senoscope.core.errors import RecipeError
from senoscope.core.recipes import names, recipe_text
from senoscope.core.tasks import TASKS
from senoscope.runtime.store import shipped

every_recipe = pytest.mark.parametrize("name", names())


@every_recipe
def test_recipe_comes_back_from_its_text(name: str) -> None:
    recipe = parse_recipe(recipe_text(name))

    assert parse_recipe(dump_recipe(recipe)) == recipe


@every_recipe
def test_recipe_can_be_changed_from_the_command_line(name: str) -> None:
    recipe = parse_recipe(recipe_text(name), {"input.size": "96", "split.seed": "3", "about": "changed"})

    assert (recipe.input.size, recipe.split.seed, recipe.about) == (96, 3, "changed")


@every_recipe
def test_recipe_says_only_what_differs_from_the_defaults(name: str) -> None:
    import tomllib

    default = Recipe(name="x", task="x", dataset="x").model_dump()
    said = {
        f"{table}.{key}"
        for table, values in tomllib.loads(recipe_text(name)).items()
        if isinstance(values, dict)
        for key, value in values.items()
        if default[table][key] == value
    }

    # What a paper states may be repeated.
    assert said <= {"fit.epochs", "fit.batch", "fit.rate", "model.backbone", "model.head"}


def test_bundles_were_made_by_recipes_that_ship() -> None:
    for manifest in shipped():
        assert TASKS.get(manifest.task)
        assert parse_recipe(recipe_text(manifest.recipe.name)) == manifest.recipe


@pytest.mark.parametrize(
    ("about", "rate"),
    [('say "no" \\ or', 1e-7), ("Größe 漢 😀", 3.0), ("tab\t newline\n bell\a delete\x7f", 1e300), ("'''\"\"\"#", 0.1)],
)
def test_any_text_and_number_comes_back(about: str, rate: float) -> None:
    plain = Recipe(name="x", task="ultrasound", dataset="busi", about=about)
    recipe = plain.model_copy(
        update={
            "fit": plain.fit.model_copy(update={"rate": rate}),
            "model": plain.model.model_copy(update={"backbone": about}),
        }
    )

    assert parse_recipe(dump_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fit.rate", "inf"),
        ("fit.rate", "nan"),
        ("fit.seed", "-1"),
        ("fit.seed", "9" * 5000),
        ("split.seed", str(2**31)),
        ("fit.batch", "1"),
        ("finetune.batch", "1"),
        ("fit.epochz", "5"),
        ("fit", "5"),
        ("fit.epochs.more", "5"),
        ("input.size", "1000000"),
        ("name", "../up"),
        ("", "5"),
        ("fit..epochs", "5"),
    ],
)
def test_change_that_makes_no_sense(key: str, value: str) -> None:
    with pytest.raises(RecipeError):
        parse_recipe(recipe_text("ultrasound"), {key: value})


@pytest.mark.parametrize("text", ["name = " + "9" * 5000, "[" * 50_000, "a = 1\na = 2", "\0"])
def test_text_that_is_no_recipe(text: str) -> None:
    with pytest.raises(RecipeError):
        parse_recipe(text)


def test_recipes_lie_where_the_package_looks_for_them() -> None:
    folder = Path(__file__).resolve().parents[2] / "recipes"

    assert sorted(path.stem for path in folder.glob("*.toml")) == names()
