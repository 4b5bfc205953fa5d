"""`senoscope train`: a recipe and a dataset to a run folder with bundle and report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from senoscope.core.domain.recipe import Recipe

SHOWN = ("roc_auc", "pr_auc", "sensitivity", "specificity", "ppv", "npv", "f1", "accuracy", "brier", "ece")


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name, or a path to a TOML file.")],
    data: Annotated[Path, typer.Option(help="Folder that holds the dataset in its publisher's layout.")],
    out: Annotated[Path, typer.Option(help="Run folder. The same command takes up a run that was cut short.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a field, as in fit.epochs=5.")
    ] = None,
) -> None:
    """Train, calibrate, export and evaluate by a recipe; run it again to resume."""
    asked = _recipe(recipe, changes or [])
    _check_extra()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from senoscope.learning.run import train as run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        outcome = run(asked, data, out, _Bars(bars))
    evaluation = outcome.evaluation
    typer.echo(f"{evaluation.title}: {evaluation.protocol}{' (LEAKY)' if evaluation.leaky else ''}")
    typer.echo(f"{len(evaluation.labels)} images, {evaluation.dataset.patients} {evaluation.unit}")
    for name in SHOWN:
        if name in evaluation.table:
            typer.echo(f"  {name:<12} {evaluation.table[name]}")
    typer.echo(f"bundle: {outcome.bundle}\nreport: {out / 'report' / 'report.html'}")


class _Bars:
    """Stages of a run as progress bars, one each."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)


def _check_extra() -> None:
    from importlib.util import find_spec

    from senoscope.core.errors import MissingExtraError

    if any(find_spec(package) is None for package in ("torch", "timm", "onnx", "lightning_fabric", "matplotlib")):
        raise MissingExtraError("training", "train")


def _recipe(name: str, changes: list[str]) -> "Recipe":
    from senoscope.core.domain.recipe import parse_recipe
    from senoscope.core.errors import RecipeError, UsageError
    from senoscope.core.recipes import recipe_text

    overrides: dict[str, str] = {}
    for change in changes:
        key, sign, value = change.partition("=")
        if not sign or not key:
            raise UsageError(f"--set {change!r} is not KEY=VALUE", "as in --set fit.epochs=5")
        overrides[key] = value
    text = recipe_text(name)
    if not text.strip():
        raise RecipeError(f"recipe {name!r} is empty")
    return parse_recipe(text, overrides)
