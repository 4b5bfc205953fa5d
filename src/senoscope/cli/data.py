"""`senoscope data`: which datasets there are, what lies in a folder, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senoscope.cli.data_audit import Name, Root, audit_dataset
from senoscope.cli.printing import say, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from senoscope.evidence.index import Index

data_app = typer.Typer(help="Datasets: list, index, audit.", no_args_is_help=True)


@data_app.command("list")
def list_datasets() -> None:
    """List the datasets that can be read, with what to cite and what is allowed."""
    from senoscope.evidence.datasets import DATASETS

    listing = table("name", "dataset")
    for name in DATASETS.names():
        facts = DATASETS.get(name)
        counts = ", ".join(label if count is None else f"{count:,} {label}" for label, count in facts.published.items())
        about = (
            f"{facts.title}: {facts.modality}, {counts}",
            f"tasks: {', '.join(facts.tasks)}; licence: {facts.licence}",
            f"layout: {facts.layout}",
            facts.url,
        )
        listing.add_row(name, "\n".join(about) + "\n")
    show(listing)


@data_app.command("index")
def index_dataset(
    dataset: Name,
    root: Root,
    out: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("index.csv"),
) -> None:
    """Write the one table of a dataset: a row for every image, with patient, group, label, masks and boxes."""
    from senoscope.evidence.datasets import DATASETS
    from senoscope.evidence.index import write_index

    index = DATASETS.get(dataset).index(root)
    write_index(index, out)
    show(_counts(index))
    say(index.notes)
    say([f"dropped {item.path}: {item.reason}" for item in index.dropped])
    typer.echo(f"{len(index):,} images in {out}; paths are relative to {root}")


data_app.command("audit")(audit_dataset)


def _counts(index: "Index") -> "Table":
    counts = table("label", "images")
    for label, count in index.counts().items():
        counts.add_row(label, f"{count:,}")
    return counts
