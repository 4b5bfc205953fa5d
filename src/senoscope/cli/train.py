"""`senoscope train`: a recipe and a dataset to a run folder with bundle and report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from senoscope.core.domain.recipe import Recipe

SHOWN = ("roc_auc", "pr_auc", "sensitivity", "specificity", "ppv", "npv", "f1", "accuracy", "brier", "ece")
"""Figures of two labels; of what asks for more labels, or where, all are shown."""


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name, or a path to a TOML file.")],
    data: Annotated[Path, typer.Option(help="Folder that holds the dataset in its publisher's layout.")],
    out: Annotated[Path, typer.Option(help="Run folder. The same command takes up a run that was cut short.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a field, as in fit.epochs=5.")
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TABLE",
            help="What another model said of the images becomes the fact predicted_NAME: a report's predictions.csv, "
            "or what predict --format csv prints.",
        ),
    ] = None,
) -> None:
    """Train, calibrate, export and evaluate by a recipe; run it again to resume."""
    from senoscope.cli.bars import stages
    from senoscope.core.recipes import recipe_text
    from senoscope.core.tasks import TASKS

    asked = changed_recipe(recipe_text(recipe), changes or [])
    check_extra()
    from senoscope.learning.fitting.finetune import processes
    from senoscope.learning.runs.kinds import train_any

    with processes() as leads:
        if not leads:
            return
        with stages() as progress:
            outcome = train_any(asked, data, out, progress, named_tables(answers or []))
    evaluation = outcome.evaluation
    typer.echo(f"{evaluation.title}: {evaluation.protocol}{' (LEAKY)' if evaluation.leaky else ''}")
    typer.echo(f"{len(evaluation.labels)} images, {evaluation.dataset.patients} {evaluation.unit}")
    # Figures of a single label are in the report.
    several = [name for name in evaluation.table if "." not in name]
    classes = TASKS.get(asked.task)
    for name in SHOWN if classes.kind == "classify" and len(classes.labels) == 2 else several:
        if name in evaluation.table:
            typer.echo(f"  {name:<12} {evaluation.table[name]}")
    bundle = outcome.bundle or "none, as networks of this architecture cannot be exported"
    typer.echo(f"bundle: {bundle}\nreport: {out / 'report' / 'report.html'}")


def named_tables(given: list[str]) -> dict[str, Path]:
    """Read `NAME=TABLE` options; raises `UsageError` where one is none, or two have one name."""
    from senoscope.core.errors import UsageError

    found: dict[str, Path] = {}
    for option in given:
        name, sign, table = option.partition("=")
        if not sign or not table or name in found:
            raise UsageError(f"--answers {option!r} is not NAME=TABLE, each name once", "as in density=density.csv")
        found[name] = Path(table)
    return found


def check_extra() -> None:
    """Raise `MissingExtraError` where training is not installed; asked before anything long."""
    from importlib.util import find_spec

    from senoscope.core.errors import MissingExtraError

    needed = ("torch", "timm", "onnx", "lightning_fabric", "matplotlib", "segmentation_models_pytorch")
    if any(find_spec(package) is None for package in needed):
        raise MissingExtraError("training", "train")


def changed_recipe(text: str, changes: list[str]) -> "Recipe":
    """Read a recipe with `KEY=VALUE` changes; raises `UsageError` or `RecipeError` where either makes no sense."""
    from senoscope.core.domain.recipe import parse_recipe
    from senoscope.core.errors import RecipeError, UsageError

    overrides: dict[str, str] = {}
    for change in changes:
        key, sign, value = change.partition("=")
        if not sign or not key:
            raise UsageError(f"--set {change!r} is not KEY=VALUE", "as in --set fit.epochs=5")
        overrides[key] = value
    if not text.strip():
        raise RecipeError("the recipe is empty")
    return parse_recipe(text, overrides)
