"""`senoscope data propose`: masks by colour, as a start for who annotates."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senoscope.cli.printing import say, show, table

if TYPE_CHECKING:
    from senoscope.evidence.index import Index
    from senoscope.evidence.proposals.judging import Worth

PROPOSE_EXAMPLES = """\b
Examples:
  senoscope data propose bcss DATASETS --out proposed
  senoscope data propose breakhis DATASETS --only magnification=100X --microns 0.65 --out proposed
  senoscope data propose scans --microns 0.25 --method ruifrok --out proposed"""

WORDS = {"dice": "Dice", "iou": "IoU", "sensitivity": "sensitivity", "precision": "precision", "roc_auc": "ROC AUC"}

MOST = 5
"""Pictures without a proposal that are named."""


class Method(StrEnum):
    """Where the colours of the stains come from."""

    MACENKO = "macenko"
    RUIFROK = "ruifrok"


def propose_masks(
    source: Annotated[
        str, typer.Argument(metavar="DATASET|FOLDER", help="A dataset of histopathology, or a folder of pictures.")
    ],
    root: Annotated[
        Path | None, typer.Argument(metavar="ROOT", help="Folder that holds the dataset; none for a folder.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for masks, outlines and proposals.csv.")] = Path("proposals"),
    method: Annotated[
        Method, typer.Option(help="macenko finds the stains' colours in the pictures, ruifrok takes published ones.")
    ] = Method.MACENKO,
    microns: Annotated[
        float | None, typer.Option(help="µm per pixel. Default: what the dataset says; a folder needs it.")
    ] = None,
    smooth: Annotated[float, typer.Option(help="µm over which haematoxylin is averaged.")] = 25.0,
    least: Annotated[float, typer.Option(help="µm² of the smallest region and of the smallest hole.")] = 2500.0,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="FACT=VALUE,VALUE", help="Propose in this part of the dataset's samples."),
    ] = None,
) -> None:
    """Propose where tumour may be in H&E-stained pictures, by how dense haematoxylin is; run it again to go on."""
    from senoscope.cli.bars import stages
    from senoscope.cli.data_beside import parts_of
    from senoscope.core.errors import UsageError
    from senoscope.evidence.datasets import DATASETS
    from senoscope.evidence.proposals.colour import Settings
    from senoscope.evidence.proposals.sources import of_dataset, of_folder

    for name, value in (("--microns", microns), ("--smooth", smooth), ("--least", least)):
        if value is not None and not 0 < value < 1e6:
            raise UsageError(f"{name} {value:g} is no size", "give a number above 0")
    index, folder = None, Path(source)
    if root is None and folder.is_dir() and source not in DATASETS.names():
        if only:
            raise UsageError("--only is for datasets: a folder's pictures have no facts")
        pictures = of_folder(folder, microns)
    else:
        facts = DATASETS.get(source)
        if root is None:
            raise UsageError(f"where is {source}?", f"senoscope data propose {source} ROOT --out {out}")
        index = facts.index(root).only(parts_of(only or [])).with_files()
        pictures, folder = of_dataset(index, microns), root
    settings = Settings(method.value, smooth, least)
    from senoscope.evidence.proposals.writing import propose

    with stages() as advance:
        rows = propose(pictures, folder, out, settings, advance)
    _told(rows, out)
    if index is not None:
        _judged(index, rows, out)


def _told(rows: "list[dict[str, str]]", out: Path) -> None:
    from collections import Counter

    from senoscope.evidence.proposals.writing import FAILED, KEPT, PROPOSED

    counts = Counter(row["status"] for row in rows)
    for status in (FAILED, KEPT):
        these = [row for row in rows if row["status"] == status]
        say([f"{status}: {row['path']}: {row['note']}" for row in these[:MOST]])
        if len(these) > MOST:
            typer.echo(f"and {len(these) - MOST:,} more that {'failed' if status == FAILED else 'were kept'}")
    typer.echo(
        f"{counts[PROPOSED]:,} proposals in {out / 'proposals.csv'}; {counts[FAILED]:,} failed, {counts[KEPT]:,} masks "
        "of readers were kept. Proposals are a start for who annotates, never an answer. Research use only."
    )


def _judged(index: "Index", rows: "list[dict[str, str]]", out: Path) -> None:
    from senoscope.evidence.proposals.judging import worth
    from senoscope.evidence.report.files import dumped
    from senoscope.evidence.report.plain import plain_interval
    from senoscope.evidence.tables.rows import write_text

    found: Worth | None = worth(index, rows, out)
    if found is None:
        return
    shown = table("figure", "proposals (95 % interval)")
    for name, value in found.table.items():
        shown.add_row(WORDS[name], str(value))
    show(shown)
    typer.echo(f"Beside {found.beside} {found.pictures:,} pictures of {found.groups:,} patients or duplicate groups.")
    say(found.notes)
    figures = {name: plain_interval(value) for name, value in found.table.items()}
    write_text(out / "worth.json", dumped({**vars(found), "table": figures, "notes": list(found.notes)}))
