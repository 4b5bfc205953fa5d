"""`senoscope data beside`: a run's model beside what its shortcuts guess."""

from pathlib import Path
from typing import Annotated

import typer

from senoscope.cli.data_audit import Name, Root
from senoscope.cli.printing import show, table

BESIDE_EXAMPLES = """\b
Examples:
  senoscope data beside dmr_ir DATASETS runs/mine
  senoscope data beside dmr_ir DATASETS runs/mine --only year=2013,2014,2015"""

MOST_FACTS = 8
"""Facts alone that are shown."""


def beside_shortcuts(
    dataset: Name,
    root: Root,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a cross-validated recipe.")],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="FACT=VALUE,VALUE", help="Compare in this part of the samples; all are fitted on."),
    ] = None,
) -> None:
    """Lay a run's ROC AUC beside that of facts of acquisition: same samples, same folds, differences in pairs."""
    from senoscope.cli.bars import stages
    from senoscope.core.domain.recipe import parse_recipe
    from senoscope.core.errors import UsageError
    from senoscope.core.recipes import recipe_text
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.audit.audit import facts_of
    from senoscope.evidence.audit.beside import beside, read_run
    from senoscope.evidence.audit.shortcuts import title_of
    from senoscope.evidence.datasets import DATASETS

    parts = parts_of(only or [])
    facts, recipe = DATASETS.get(dataset), run / "recipe.toml"
    if not recipe.is_file():
        raise UsageError(f"{run} is no run folder: there is no {recipe.name} in it", "name what senoscope train wrote")
    task = TASKS.get(parse_recipe(recipe_text(str(recipe))).task)
    answered = read_run(run, facts.samples_for(task, root))
    with stages() as advance:
        columns = facts_of(facts, answered.index, advance)
    found = beside(answered, task.positive, columns, answered.index.only(parts))
    shown = table(f"guessing {task.positive}", "ROC AUC (95 % interval)", "the model's minus it")
    shown.add_row(f"the model of {run.name}", str(found.model), "")
    for rival in found.rivals[: MOST_FACTS + 1]:
        shown.add_row(title_of(rival.fact), str(rival.auc), str(rival.paired.difference))
    show(shown)
    unit = "patients" if answered.index.has_patients else "duplicate groups"
    typer.echo(f"{found.images} images, {found.positives} {task.positive}, {found.groups} {unit}")


def parts_of(only: list[str]) -> dict[str, tuple[str, ...]]:
    """The values wanted of each fact; those of one that is named twice are put together."""
    found: dict[str, tuple[str, ...]] = {}
    for fact, values in map(_part, only):
        found[fact] = tuple(dict.fromkeys((*found.get(fact, ()), *values)))
    return found


def _part(words: str) -> tuple[str, tuple[str, ...]]:
    from senoscope.core.errors import UsageError

    fact, sign, values = words.partition("=")
    found = tuple(value.strip() for value in values.split(",") if value.strip())
    if not (fact.strip() and sign and found):
        raise UsageError(f"--only {words[:60]}: not FACT=VALUE,VALUE", "such as --only year=2013,2014,2015")
    return fact.strip(), found
