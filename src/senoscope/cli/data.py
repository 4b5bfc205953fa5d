"""`senoscope data`: which datasets there are, what lies in a folder, and what is wrong with it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from senoscope.evidence.audit import Audit
    from senoscope.evidence.index import Index

data_app = typer.Typer(help="Datasets: list, index, audit.", no_args_is_help=True)

MOST_SHOWN = 20
"""Files or pairs shown in the terminal; `--format json` and `--out` give all."""

Name = Annotated[str, typer.Argument(metavar="DATASET", help="Name of the dataset, as `senoscope data list` says.")]
Root = Annotated[Path, typer.Argument(metavar="ROOT", help="Folder that holds the dataset in its publisher's layout.")]


class Format(StrEnum):
    """How to print findings."""

    TABLE = "table"
    JSON = "json"


@data_app.command("list")
def list_datasets() -> None:
    """List the datasets that can be read, with what to cite and what is allowed."""
    from senoscope.evidence.datasets import DATASETS

    table = _table("name", "dataset")
    for name in DATASETS.names():
        facts = DATASETS.get(name)
        counts = ", ".join(label if count is None else f"{count:,} {label}" for label, count in facts.published.items())
        about = (
            f"{facts.title}: {facts.modality}, {counts}",
            f"tasks: {', '.join(facts.tasks)}; licence: {facts.licence}",
            f"layout: {facts.layout}",
            facts.url,
        )
        table.add_row(name, "\n".join(about) + "\n")
    _show(table)


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
    _show(_counts(index))
    _say(index.notes)
    _say([f"dropped {item.path}: {item.reason}" for item in index.dropped])
    typer.echo(f"{len(index):,} images in {out}; paths are relative to {root}")


@data_app.command("audit")
def audit_dataset(
    dataset: Name,
    root: Root,
    out: Annotated[Path | None, typer.Option(help="Folder to write audit.json into.")] = None,
    format: Annotated[Format, typer.Option(help="What to print.")] = Format.TABLE,  # noqa: A002 - the option's name
) -> None:
    """Look for copies, contradicting labels, uneven groups and unreadable files."""
    import json

    from senoscope.evidence.audit import audit
    from senoscope.evidence.datasets import DATASETS
    from senoscope.evidence.tables import write_text

    facts = DATASETS.get(dataset)
    found = audit(facts, facts.index(root))
    text = json.dumps(found.to_json(), indent=1, ensure_ascii=False)
    if out is not None:
        write_text(out / "audit.json", text)
    if format is Format.JSON:
        typer.echo(text)
    else:
        _show_audit(found)


def _show_audit(found: "Audit") -> None:
    labels = _table("label", "here", "published")
    for label in found.published | found.labels:
        count = found.published.get(label)
        labels.add_row(label, f"{found.labels.get(label, 0):,}", "not stated" if count is None else f"{count:,}")
    _show(labels)
    pairs = _table("pairs of images", "found")
    for name, count in found.pairs().items():
        pairs.add_row(name, f"{count:,}")
    _show(pairs)
    groups = _table(f"images of one of the {found.units:,} {found.unit}", "how often")
    for size, count in found.group_sizes.items():
        groups.add_row(f"{size:,}", f"{count:,}")
    _show(groups)
    _say(found.notes)
    _say([f"group {group} holds several labels" for group in found.mixed_groups])
    _say([f"{one.first} and {one.second} are alike, in different groups" for one in found.copies if not one.same_group])
    _say([f"dropped {item.path}: {item.reason}" for item in found.dropped])
    _say([f"unreadable {item.path}: {item.reason}" for item in found.unreadable])


def _counts(index: "Index") -> "Table":
    table = _table("label", "images")
    for label, count in index.counts().items():
        table.add_row(label, f"{count:,}")
    return table


def _table(*columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column)
    return table


def _show(table: "Table") -> None:
    from rich.console import Console

    Console().print(table)


def _say(lines: list[str] | tuple[str, ...]) -> None:
    for line in lines[:MOST_SHOWN]:
        typer.echo(line)
    if len(lines) > MOST_SHOWN:
        typer.echo(f"… and {len(lines) - MOST_SHOWN:,} more")
