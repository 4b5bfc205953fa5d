"""`senoscope data`: which datasets there are, what lies in a folder, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senoscope.cli.data_audit import AUDIT_EXAMPLES, Name, Root, audit_dataset
from senoscope.cli.data_beside import BESIDE_EXAMPLES, beside_shortcuts
from senoscope.cli.data_propose import PROPOSE_EXAMPLES, propose_masks
from senoscope.cli.printing import say, show, table
from senoscope.core.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from senoscope.evidence.datasets import Check, Dataset
    from senoscope.evidence.index import Index

data_app = typer.Typer(
    help="Datasets: list, index, audit, beside, propose.", no_args_is_help=True, rich_markup_mode=None
)

EXAMPLES = """\b
Examples:
  senoscope data index busi DATASETS/busi
  senoscope data index mini_mias DATASETS --out mini_mias.csv
  senoscope data index idc DATASETS --out idc.parquet"""
"""What the help of `index` ends with; \\b keeps the lines as they are."""


@data_app.command("list")
def list_datasets() -> None:
    """List the datasets that can be read, with what to cite and what is allowed."""
    from senoscope.evidence.datasets import DATASETS

    for name in DATASETS.names():
        facts = DATASETS.get(name)
        counts = ", ".join(label if count is None else f"{count:,} {label}" for label, count in facts.published.items())
        typer.echo(name)
        for line in (
            f"{facts.title}: {facts.modality}, {facts.counted}: {counts}",
            f"tasks: {', '.join(facts.tasks) or 'none yet'}; licence: {facts.licence}",
            f"layout: {facts.layout}",
            facts.url,
        ):
            typer.echo(f"  {line}")


@data_app.command("index", epilog=EXAMPLES)
def index_dataset(
    dataset: Name,
    root: Root,
    out: Annotated[Path, typer.Option(help="Table to write, .csv or (with the extra `data`) .parquet.")] = Path(
        "index.csv"
    ),
) -> None:
    """Write the one table of a dataset: a row for every image, with patient, group, label, masks and boxes.

    Shows how many there are of every class beside the published numbers, how many patients, and what was left out.
    """
    from senoscope.evidence.datasets import DATASETS
    from senoscope.evidence.index import write_index

    facts = DATASETS.get(dataset)
    if out.suffix.lower() not in (".csv", ".parquet"):
        raise UsageError(f"{out} is neither .csv nor .parquet", "name the table index.csv or index.parquet")
    index = facts.index(root)
    write_index(index, out)
    show(_counts(facts, index))
    say([f"more than published, is this the set? {check}" for check in facts.validate(index) if not check.plausible])
    say(index.notes)
    say([f"dropped {item.path}: {item.reason}" for item in index.dropped])
    absent = sum(not sample.path for sample in index.samples)
    about = f", {absent:,} without an image here" if absent else ""
    typer.echo(f"{len(index):,} samples in {out}{about}; paths are relative to {root}")


data_app.command("audit", epilog=AUDIT_EXAMPLES)(audit_dataset)
data_app.command("beside", epilog=BESIDE_EXAMPLES)(beside_shortcuts)
data_app.command("propose", epilog=PROPOSE_EXAMPLES)(propose_masks)


def _counts(facts: "Dataset", index: "Index") -> "Table":
    """Every class, here and published, and the women (or clusters of copies) it is of; the last row is the whole."""
    whole, *checks = facts.validate(index)
    units = "patients" if index.has_patients else "groups"
    twice = facts.counted == units
    counts = table("label", f"{facts.counted} here", "published", *([] if twice else [units]))
    for label, check in zip(facts.published, checks, strict=False):
        women = len({sample.group for sample in index.samples if sample.label == label})
        counts.add_row(label, *_numbers(check), *([] if twice else [f"{women:,}"]))
    total = f" of {facts.patients:,}" if facts.patients and index.has_patients else ""
    counts.add_row("all", *_numbers(whole), *([] if twice else [f"{index.units:,}{total}"]))
    return counts


def _numbers(check: "Check") -> tuple[str, str]:
    return f"{check.here:,}", "not stated" if check.published is None else f"{check.published:,}"
