"""Keys of a recipe that were nearly meant."""

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import BaseModel

NEAR = 3
"""Names that are offered at most."""


def near_keys(recipe: type[BaseModel], where: Sequence[object]) -> list[str]:
    """Return the keys nearest to one that is not there: of the same table first, then of that name in other tables.

    Args:
        recipe: model of the whole recipe.
        where: tables and key that was asked for.
    """
    tables = {name: field.annotation for name, field in recipe.model_fields.items() if _is_table(field.annotation)}
    every = {name: list(table.model_fields) for name, table in tables.items() if table is not None}
    *above, key = (str(part) for part in where)
    here = every.get(above[0], []) if above else list(recipe.model_fields)
    prefix = f"{above[0]}." if above else ""
    found = [f"{prefix}{near}" for near in get_close_matches(key, here, n=NEAR)]
    found += [f"{table}.{key}" for table, keys in every.items() if key in keys and table not in above]
    return found[:NEAR]


def _is_table(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
