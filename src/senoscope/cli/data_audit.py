"""`senoscope data audit`: what is wrong with a dataset's folder."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senoscope.cli.printing import say, show, table
from senoscope.core.errors import printable

if TYPE_CHECKING:
    from senoscope.evidence.audit.audit import Audit
    from senoscope.evidence.audit.findings import Finding

Name = Annotated[str, typer.Argument(metavar="DATASET", help="Name of the dataset, as `senoscope data list` says.")]
Root = Annotated[Path, typer.Argument(metavar="ROOT", help="Folder that holds the dataset in its publisher's layout.")]

AUDIT_EXAMPLES = """\b
Examples:
  senoscope data audit busi DATASETS --out audit
  senoscope data audit busi DATASETS --split-file runs/mine/split.csv --out audit
  senoscope data audit mini_mias DATASETS --task abnormality --format json"""

MOST_FACTS = 6
"""Facts of the shortcut test shown in the terminal."""


class Format(StrEnum):
    """How to print findings."""

    TABLE = "table"
    JSON = "json"


def audit_dataset(
    dataset: Name,
    root: Root,
    out: Annotated[Path | None, typer.Option(help="Folder to write audit.html and audit.json into.")] = None,
    split_file: Annotated[
        Path | None, typer.Option(help="CSV with sample_id and part (and fold): who is on two sides of it?")
    ] = None,
    task: Annotated[str, typer.Option(help="Task whose labels to guess; the dataset's first by default.")] = "",
    format: Annotated[Format, typer.Option(help="What to print.")] = Format.TABLE,  # noqa: A002 - the option's name
) -> None:
    """Look for copies, leaks, contradicting labels, burned-in marks and shortcuts; print findings, gravest first."""
    from senoscope.cli.bars import stages
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.audit.audit import audit
    from senoscope.evidence.audit.page import to_json, write_audit
    from senoscope.evidence.datasets import DATASETS
    from senoscope.evidence.report.files import dumped

    facts = DATASETS.get(dataset)
    asked = TASKS.get(task) if task else None
    index = facts.index(root)
    with stages() as advance:
        found = audit(facts, index, task=asked, split=split_file, progress=advance)
    page = write_audit(found, out) if out is not None else None
    if format is Format.JSON:
        typer.echo(dumped(to_json(found)))
        return
    _show(found)
    if page is not None:
        typer.echo(f"Audit: {page}")


def _show(found: "Audit") -> None:
    from senoscope.evidence.audit.findings import findings

    labels = table("label", "here", "published")
    for label in found.published | found.labels:
        count = found.published.get(label)
        labels.add_row(label, f"{found.labels.get(label, 0):,}", "not stated" if count is None else f"{count:,}")
    show(labels)
    tested = found.shortcuts
    if tested.rows:
        guessed = table(f"fact, guessing {tested.question}", "ROC AUC (95 % interval)", "light")
        for row in tested.rows[:MOST_FACTS]:
            guessed.add_row(row.title, str(row.auc), row.light)
        show(guessed)
    for finding in findings(found):
        _tell(finding)
    say(found.notes)
    say([f"dropped {item.path}: {item.reason}" for item in found.dropped])
    say([f"unreadable {item.path}: {item.reason}" for item in found.unreadable])


def _tell(finding: "Finding") -> None:
    colours = {"red": typer.colors.RED, "amber": typer.colors.YELLOW, "green": typer.colors.GREEN}
    lamp = typer.style(finding.light.upper(), fg=colours.get(finding.light), bold=True)
    typer.echo(f"{lamp} {printable(finding.title)}: {printable(finding.said)}")
    if finding.light in ("red", "amber"):
        typer.echo(f"  {finding.why} {finding.todo}")
