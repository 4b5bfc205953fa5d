"""`senoscope deidentify`: DICOM in, DICOM without the patient out."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senoscope.cli.printing import say, show, table

if TYPE_CHECKING:
    from senoscope.core.io.deidentify import Outcome

REPORT = "deidentified.json"
"""Name of the report in the folder of results."""


class Profile(StrEnum):
    """Profiles of PS3.15 Annex E."""

    BASIC = "basic"


class Dates(StrEnum):
    """How dates are kept."""

    SHIFT = "shift"


class Retained(StrEnum):
    """What may stay beside dates, as an option of the profile."""

    PATIENT = "patient"
    DEVICE = "device"
    INSTITUTION = "institution"


def deidentify(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder with DICOM in it and below it, or one file.")],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="Folder of the results, elsewhere.")],
    profile: Annotated[Profile, typer.Option(help="The Basic Profile of PS3.15 Annex E.")] = Profile.BASIC,
    keep_dates: Annotated[
        Dates | None, typer.Option(help="shift: move dates by days of each patient's own, instead of taking them out.")
    ] = None,
    clean_pixels: Annotated[
        bool, typer.Option("--clean-pixels", help="Blank words in ultrasound and in secondary captures.")
    ] = False,
    retain: Annotated[
        list[Retained] | None,
        typer.Option(help="Keep the patient's characteristics (age, sex, size), the device or the institution."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Secret behind the pseudonyms. Default: one made at home.")
    ] = None,
) -> None:
    """De-identify DICOM files; what cannot be read or made safe is not copied, and the exit status is 1."""
    from senoscope.cli.bars import stages
    from senoscope.core.io.deidentify import Settings, load_key, report
    from senoscope.core.io.deidentify import deidentify as run
    from senoscope.evidence.report.files import dumped
    from senoscope.evidence.tables.rows import write_text

    secret, place = load_key(key, dest)
    kept = tuple(dict.fromkeys(one.value for one in retain or ()))
    settings = Settings(keep_dates is Dates.SHIFT, clean_pixels, kept)
    with stages() as advance:
        outcomes = run(source, dest, secret, settings, advance)
    found = report(outcomes, settings, profile.value)
    write_text(dest / REPORT, dumped(found))
    _show(outcomes, found["actions"])
    typer.echo(f"Key: {place} (keep it secret, and to continue); report: {dest / REPORT}")
    if any(outcome.status == "not copied" for outcome in outcomes):
        raise typer.Exit(1)


def _show(outcomes: "Sequence[Outcome]", rows: "Sequence[dict[str, str | int]]") -> None:
    from senoscope.core.io.deidentify.job import OTHER, REFUSED

    done: Counter[str] = Counter()
    tags: Counter[str] = Counter()
    for row in rows:
        done[str(row["action"])] += int(row["elements"])
        tags[str(row["action"])] += 1
    shown = table("action", "attributes", "values")
    for action, count in done.most_common():
        shown.add_row(action, f"{tags[action]:,}", f"{count:,}")
    show(shown)
    say([f"{outcome.target}: {note}" for outcome in outcomes for note in outcome.notes])
    refused = [outcome for outcome in outcomes if outcome.status == REFUSED]
    say([f"not copied {one.source}: {one.reason}{f' ({one.hint})' if one.hint else ''}" for one in refused])
    counts = Counter(outcome.status for outcome in outcomes)
    told = [f"{counts[status]:,} {status}" for status in counts if status != OTHER]
    typer.echo(f"{', '.join(told) or 'no DICOM'}; {counts[OTHER]:,} other files left alone.")
