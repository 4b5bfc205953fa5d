"""Tables and lists in the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from senoscope.core.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

MOST_SHOWN = 20
"""Files or pairs shown in the terminal; what a command writes holds all."""


def table(*columns: str) -> "Table":
    """Return an empty table with these headings."""
    from rich import box
    from rich.table import Table

    empty = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        empty.add_column(column)
    return empty


def show(filled: "Table") -> None:
    """Print a table."""
    from rich.console import Console

    Console().print(filled)


def say(lines: Sequence[str]) -> None:
    """Print the first `MOST_SHOWN` lines, and how many more there are."""
    for line in lines[:MOST_SHOWN]:
        typer.echo(printable(line))
    if len(lines) > MOST_SHOWN:
        typer.echo(f"… and {len(lines) - MOST_SHOWN:,} more")
