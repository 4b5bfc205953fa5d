"""`senoscope evaluate`: measure a bundle on a dataset and write the report."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from senoscope.evidence.evaluation import Evaluation
    from senoscope.evidence.index import Index
    from senoscope.runtime.predictor import Model


def evaluate(
    bundle: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="A shipped bundle, a bundle folder, or a run folder.")
    ],
    data: Annotated[Path, typer.Option(help="Folder that holds the dataset in its publisher's layout.")],
    out: Annotated[Path, typer.Option(help="Folder for report.html, report.json and predictions.csv.")],
    dataset: Annotated[str, typer.Option(help="Name of the dataset. Default: the one the bundle was trained on.")] = "",
    split: Annotated[
        str, typer.Option(help="Part of the split, or all. Default: test on the bundle's own dataset, else all.")
    ] = "",
    split_file: Annotated[Path | None, typer.Option(help="The run's split.csv. Default: beside the bundle.")] = None,
    operating_point: Annotated[str, typer.Option(help="Name of the threshold. Default: the bundle's.")] = "",
    trained_on: Annotated[
        bool,
        typer.Option("--trained-on", help="Evaluate on training data all the same; the report is marked as leaky."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--record", help="Add the figures to the bundle's manifest and card too.")
    ] = False,
) -> None:
    """Measure a bundle on a dataset: figures with 95 % intervals, curves, and one page that shows them."""
    from rich.console import Console
    from rich.progress import Progress

    from senoscope.evidence.datasets import DATASETS
    from senoscope.evidence.evaluate import evaluate as measure
    from senoscope.evidence.packing import record
    from senoscope.evidence.plots import require
    from senoscope.evidence.report import write_report
    from senoscope.runtime.store import load

    require()
    model = load(bundle)
    name = dataset or model.manifest.recipe.dataset
    index = DATASETS.get(name).samples_for(model.task, data).with_files()
    index, held_out = choose_part(model, index, split, split_file, trained_on)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("evaluating", total=len(index))
        advance = partial(bar.advance, task)
        found = measure(model, index, operating_point=operating_point, held_out=held_out, progress=advance)
    page = write_report(found, out)
    if keep:
        record(model.folder, model.manifest, found.metric_table())
    _show(found)
    typer.echo(f"Report: {page}")


def choose_part(
    model: "Model", index: "Index", split: str, split_file: Path | None, trained_on: bool
) -> tuple["Index", str]:
    """Pick the samples to evaluate on, and say why they were held out.

    Args:
        model: the loaded bundle.
        index: all samples with the task's labels.
        split: part of the split, `all`, or "" for the default.
        split_file: the run's split, or None to look beside the bundle.
        trained_on: whether the user wants training data all the same.

    Returns:
        The samples, and in words how it is known that they were not trained on; "" where it is not.

    Raises:
        DatasetError: they would be training data and nobody asked for that, or the split does not fit the data.
        UsageError: the split has no such part.
    """
    from senoscope.core.errors import DatasetError
    from senoscope.evidence.splits import read_split

    manifest, name = model.manifest, index.dataset
    own = any(trained.name == name for trained in manifest.datasets)
    refitted = own and manifest.recipe.split.mode == "crossval"
    part = split or ("test" if own and not refitted and not trained_on else "all")
    if own and not trained_on and (part != "test" or refitted):
        raise DatasetError(f"{manifest.name} was trained on {_what(part, name)}", _hint(refitted))
    if part == "all":
        return index, ""
    beside = (model.folder / "split.csv", model.folder.parent / "split.csv")
    path = split_file or next((path for path in beside if path.is_file()), None)
    if path is None:
        raise DatasetError(
            f"there is no split.csv beside {model.folder}, so no part of {name} is known to be held out",
            "give the run's with --split-file, evaluate on another dataset, or say --split all --trained-on",
        )
    chosen = read_split(path, index, protocol=manifest.recipe.split.protocol)
    held_out = "" if own and (part != "test" or refitted) else f"part {part!r} of {path.name}"
    return index.take(chosen.positions(part)), held_out


def _what(part: str, name: str) -> str:
    return f"all of {name}" if part in ("all", "test") else f"the part {part!r} of {name}"


def _hint(refitted: bool) -> str:
    if refitted:
        return "its cross-validated figures are in its card; evaluate on another dataset, or say --trained-on"
    return "evaluate on --split test or on another dataset, or say --trained-on"


def _show(found: "Evaluation") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from senoscope.evidence.page import TITLES

    images, positives = len(found.labels), int(found.labels.sum())
    withheld = int(found.abstained.sum())
    table = Table(
        "figure",
        "all images (95 % interval)",
        "without abstained",
        box=box.SIMPLE_HEAD,
        title=found.title,
    )
    for name, title in TITLES.items():
        shown = [str(part[name]) if name in part else "undefined" for part in (found.table, found.answered)]
        table.add_row(title, *shown)
    Console().print(table)
    units = f"{found.dataset.patients:,} {found.unit}"
    typer.echo(f"{images:,} images of {units}, {positives:,} images {found.positive}.")
    typer.echo(f"Protocol: {found.protocol}. Operating point {found.operating_point}, {found.threshold:.4g}.")
    typer.echo(f"Abstained from {withheld:,} images; {len(found.unread):,} could not be read. Research use only.")
    if found.leaky:
        typer.secho(f"LEAKY: {found.leak}.", fg=typer.colors.RED, bold=True)
