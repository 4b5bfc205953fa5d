"""`senoscope evaluate … --protocol paper`: what a paper's division adds to the figures."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from senoscope.core.domain.recipe import Recipe
    from senoscope.evidence.report.gap import Gap

SHOWN = ("roc_auc", "pr_auc", "sensitivity", "specificity", "accuracy", "brier", "ece")


def show_gap(name: str, data: Path, out: Path, dataset: str = "", changes: tuple[str, ...] = ()) -> None:
    """Cross-validate a bundle's recipe, or a recipe, by patient and image by image, and print the difference.

    Args:
        name: a bundle (shipped, folder, run) or a recipe (shipped, TOML file).
        data: folder of the dataset.
        out: folder for both runs, `leakage.html` and `leakage.json`.
        dataset: dataset to use instead of the recipe's own.
        changes: `KEY=VALUE` changes of the recipe.

    Raises:
        UsageError: there is neither such a bundle nor such a recipe.
        MissingExtraError: training is not installed.
    """
    from senoscope.cli.bars import stages
    from senoscope.cli.train import check_extra
    from senoscope.core.errors import UsageError
    from senoscope.core.tasks import TASKS

    recipe = _recipe(name, dataset, changes)
    if TASKS.get(recipe.task).kind != "classify":
        raise UsageError(f"--protocol paper is for answers that are labels, and those to {recipe.task} are not")
    check_extra()
    from senoscope.learning.fitting.finetune import processes
    from senoscope.learning.runs.gap import measure_gap

    with processes() as leads:
        if not leads:
            return
        with stages() as progress:
            found = measure_gap(recipe, data, out, progress)
    _show(found)
    typer.echo(f"Report: {out / 'leakage.html'}")


def _recipe(name: str, dataset: str, changes: tuple[str, ...]) -> "Recipe":
    from senoscope.cli.train import changed_recipe
    from senoscope.core.domain.recipe import dump_recipe
    from senoscope.core.errors import BundleError, UsageError
    from senoscope.core.recipes import names, recipe_text
    from senoscope.runtime.store import load_any

    asked = list(changes) + ([f"dataset={dataset}"] if dataset else [])
    if name in names() or name.endswith(".toml"):
        return changed_recipe(recipe_text(name), asked)
    try:
        return changed_recipe(dump_recipe(load_any(name).manifest.recipe), asked)
    except (BundleError, UsageError) as error:
        raise UsageError(
            f"{name!r} is neither a bundle nor a recipe: {error.message}", f"recipes: {', '.join(names())}"
        ) from error


def _show(found: "Gap") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from senoscope.evidence.metrics.classification import TITLES

    honest = found.honest
    table = Table(
        "figure",
        "[red]image by image (LEAKY)[/red]",
        f"by {honest.unit}",
        "leakage gap",
        box=box.SIMPLE_HEAD,
        title=honest.title,
    )
    for name in SHOWN:
        cells = (found.paper.table.get(name), honest.table.get(name), found.differences.get(name))
        table.add_row(TITLES[name], *("undefined" if cell is None else str(cell) for cell in cells))
    Console().print(table)
    typer.echo(
        f"{len(honest.labels):,} images of {honest.dataset.patients:,} {honest.unit}, "
        f"{int(honest.labels.sum()):,} images {honest.positive}; 95 % intervals, {honest.unit} resampled."
    )
    typer.secho(f"LEAKY: {found.paper.leak}.", fg=typer.colors.RED, bold=True)
