"""Recipes as text: those that ship, by name, and any TOML file by path."""

from pathlib import Path

from senoscope.core.domain.recipe import LARGEST_TOML
from senoscope.core.errors import RecipeError
from senoscope.core.registry import Registry


def shipped_folder() -> Path:
    """Return the folder of the recipes: in the package when installed, at the root of a checkout."""
    packed = Path(__file__).resolve().parents[1] / "recipes"
    return packed if packed.is_dir() else Path(__file__).resolve().parents[3] / "recipes"


def names() -> list[str]:
    """Names of the recipes that ship."""
    return sorted(path.stem for path in shipped_folder().glob("*.toml"))


def recipe_text(name: str) -> str:
    """Text of a recipe, by shipped name or by path; raises `UsageError` or `RecipeError` where there is none."""
    path = Path(name)
    if path.suffix != ".toml":
        path = Registry("recipe", [(known, shipped_folder() / f"{known}.toml") for known in names()]).get(name)
    try:
        if not path.is_file():
            raise RecipeError(f"recipe {path} is not a file", f"shipped recipes: {', '.join(names())}")
        if path.stat().st_size > LARGEST_TOML:
            raise RecipeError(f"{path} holds more than {LARGEST_TOML:,} bytes", "a recipe holds 10 to 25 lines")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} cannot be read: {error}", f"shipped recipes: {', '.join(names())}") from error
