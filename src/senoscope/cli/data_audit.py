"""`senoscope data audit`: what is wrong with a dataset's folder."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senoscope.cli.printing import say, show, table

if TYPE_CHECKING:
    from senoscope.evidence.audit import Audit

Name = Annotated[str, typer.Argument(metavar="DATASET", help="Name of the dataset, as `senoscope data list` says.")]
Root = Annotated[Path, typer.Argument(metavar="ROOT", help="Folder that holds the dataset in its publisher's layout.")]


class Format(StrEnum):
    """How to print findings."""

    TABLE = "table"
    JSON = "json"


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
    labels = table("label", "here", "published")
    for label in found.published | found.labels:
        count = found.published.get(label)
        labels.add_row(label, f"{found.labels.get(label, 0):,}", "not stated" if count is None else f"{count:,}")
    show(labels)
    pairs = table("pairs of images", "found")
    for name, count in found.pairs().items():
        pairs.add_row(name, f"{count:,}")
    show(pairs)
    groups = table(f"images of one of the {found.units:,} {found.unit}", "how often")
    for size, count in found.group_sizes.items():
        groups.add_row(f"{size:,}", f"{count:,}")
    show(groups)
    say(found.notes)
    say([f"group {group} holds several labels" for group in found.mixed_groups])
    say([f"{one.first} and {one.second} are alike, in different groups" for one in found.copies if not one.same_group])
    say([f"dropped {item.path}: {item.reason}" for item in found.dropped])
    say([f"unreadable {item.path}: {item.reason}" for item in found.unreadable])
