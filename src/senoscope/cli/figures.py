"""Figures of evaluations as tables in the terminal."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from senoscope.core.domain.bundle import Interval
    from senoscope.evidence.evaluation.boxes import BoxEvaluation
    from senoscope.evidence.evaluation.comparison import Comparison, Pair
    from senoscope.evidence.evaluation.evaluation import Evaluation
    from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
    from senoscope.evidence.evaluation.outlines import OutlineEvaluation
    from senoscope.evidence.evaluation.tissue import TissueEvaluation


def show(found: "Evaluation") -> None:
    """Print the figures of an evaluation, and what must be known of them."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from senoscope.evidence.metrics.classification import FIGURES, TITLES

    table = Table(
        "figure",
        f"all {found.level}s (95 % interval)",
        "without abstained",
        box=box.SIMPLE_HEAD,
        title=f"LEAKY: {found.title}" if found.leaky else found.title,
    )
    for name in FIGURES:
        table.add_row(TITLES[name], *(_figure(part.get(name)) for part in (found.table, found.answered)))
    Console().print(table)
    _circumstances(found)


def show_multiclass(found: "MulticlassEvaluation") -> None:
    """Print the figures of an evaluation of several labels: over all of them, and of each against the rest."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from senoscope.evidence.evaluation.answers import asked_of
    from senoscope.evidence.metrics.classification import TITLES
    from senoscope.evidence.metrics.multiclass import OF_CLASS, WORDS

    console, heading = Console(), f"LEAKY: {found.title}" if found.leaky else found.title
    of = f"{asked_of(found.recipe)}s"
    table = Table("figure", f"all {of} (95 % interval)", "without abstained", box=box.SIMPLE_HEAD, title=heading)
    for name, words in WORDS.items():
        if name in found.figures.overall:
            table.add_row(words, *(_figure(part.overall.get(name)) for part in (found.figures, found.answered)))
    console.print(table)
    single = Table("figure", *found.classes, box=box.SIMPLE_HEAD, title=f"each label against the rest, all {of}")
    for name in OF_CLASS:
        single.add_row(TITLES[name], *(_figure(found.figures.classes[label].get(name)) for label in found.classes))
    console.print(single)
    calls = Table("truth", *(f"called {label}" for label in found.classes), box=box.SIMPLE_HEAD)
    for label, row in zip(found.classes, found.confusion, strict=True):
        calls.add_row(label, *(f"{count:,}" for count in row))
    console.print(calls)
    typer.echo(
        f"{len(found.samples):,} {of} of {found.dataset.patients:,} {found.unit}. Protocol: {found.protocol}. The "
        f"most probable label is called. Abstained from {int(found.abstained.sum()):,} {of}; {len(found.unread):,} "
        "could not be read. Research use only."
    )
    if found.leaky:
        typer.secho(f"LEAKY: {found.leak}.", fg=typer.colors.RED, bold=True)


def show_places(found: "OutlineEvaluation | BoxEvaluation") -> None:
    """Print the figures of an evaluation of outlines or of boxes, and what must be known of them."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from senoscope.evidence.evaluation.boxes import BoxEvaluation
    from senoscope.evidence.metrics import boxes, outlines

    words = boxes.WORDS if isinstance(found, BoxEvaluation) else outlines.WORDS
    over = "boxes" if isinstance(found, BoxEvaluation) else "overlap and distance"
    heading = f"LEAKY: {found.title}" if found.leaky else found.title
    table = Table("figure", "all images (95 % interval)", "without abstained", box=box.SIMPLE_HEAD, title=heading)
    for name in found.table:
        table.add_row(words[name], *(_figure(part.get(name)) for part in (found.table, found.answered)))
    Console().print(table)
    point = f"; operating point {found.operating_point}" if found.operating_point else ""
    typer.echo(
        f"{len(found.samples):,} images of {found.dataset.patients:,} {found.unit}, {int(found.labels.sum()):,} with a "
        f"true {found.positive}; figures of {over} are over these. Protocol: {found.protocol}{point}. Abstained "
        f"from {int(found.abstained.sum()):,} images; {len(found.unread):,} could not be measured. Research use only."
    )
    if found.leaky:
        typer.secho(f"LEAKY: {found.leak}.", fg=typer.colors.RED, bold=True)


def show_tissue(found: "TissueEvaluation") -> None:
    """Print the figures of an evaluation of labels at every pixel: over all of them, and of each."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from senoscope.evidence.metrics.tissue import OF_LABEL, WORDS

    console, heading = Console(), f"LEAKY: {found.title}" if found.leaky else found.title
    table = Table("figure", "all pixels (95 % interval)", box=box.SIMPLE_HEAD, title=heading)
    for name, value in found.figures.overall.items():
        table.add_row(WORDS[name], str(value))
    console.print(table)
    single = Table("label", *OF_LABEL.values(), box=box.SIMPLE_HEAD)
    for label, values in found.figures.labels.items():
        single.add_row(label, *(_figure(values.get(name)) for name in OF_LABEL))
    console.print(single)
    typer.echo(
        f"{len(found.samples):,} regions of {found.dataset.patients:,} {found.unit}, {int(found.counts.sum()):,} "
        f"pixels with a label. Protocol: {found.protocol}. {len(found.unread):,} could not be measured. "
        "Research use only."
    )
    for note in found.figures.notes:
        typer.echo(f"Note: {note}.")
    if found.leaky:
        typer.secho(f"LEAKY: {found.leak}.", fg=typer.colors.RED, bold=True)


def _figure(interval: "Interval | None") -> str:
    return "undefined" if interval is None else str(interval)


def _circumstances(found: "Evaluation") -> None:
    from senoscope.evidence.evaluation.answers import asked_of

    images, findings, of = found.images, found.findings, f"{asked_of(found.recipe)}s"
    typer.echo(
        f"{len(images):,} {of} of {found.dataset.patients:,} {found.unit}, {int(images.labels.sum()):,} {of} "
        f"{found.positive}. Figures are of {found.pooling}."
    )
    if findings.delong is not None:
        typer.echo(f"ROC AUC by DeLong, clustered: {findings.delong}.")
    if findings.stated is not None:
        values = findings.stated.values
        typer.echo(
            f"At a prevalence of {values.prevalence:.4g}: PPV {_figure(values.ppv)}, NPV {_figure(values.npv)}, "
            f"threshold on shifted probabilities {findings.stated.threshold:.4g}."
        )
    typer.echo(f"Protocol: {found.protocol}. Operating point {found.operating_point}, {found.threshold:.4g}.")
    typer.echo(
        f"Abstained from {int(images.abstained.sum()):,} {of}; {len(found.unread):,} could not be read. "
        "Research use only."
    )
    if found.leaky:
        typer.secho(f"LEAKY: {found.leak}.", fg=typer.colors.RED, bold=True)


def show_comparison(comparison: "Comparison") -> None:
    """Print models side by side, and the tests of their differences to the first."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from senoscope.evidence.evaluation.answers import asked_of
    from senoscope.evidence.metrics.classification import FIGURES, TITLES

    first = comparison.evaluations[0]
    heads = [
        f"{name} LEAKY" if found.leaky else name
        for name, found in zip(comparison.names, comparison.evaluations, strict=True)
    ]
    table = Table("figure", *heads, box=box.SIMPLE_HEAD, title=f"{len(heads)} models on {first.dataset.name}")
    for name in FIGURES:
        table.add_row(TITLES[name], *(_figure(found.table.get(name)) for found in comparison.evaluations))
    Console().print(table)
    for pair in comparison.pairs:
        _difference(pair, comparison)
    typer.echo(
        f"{len(first.images):,} {asked_of(first.recipe)}s of {first.dataset.patients:,} {first.unit}, the same for "
        f"all; {len(comparison.left_out):,} left out. Figures are of {first.pooling}. Research use only."
    )
    for leak in comparison.leaks:
        typer.secho(f"LEAKY: {leak}.", fg=typer.colors.RED, bold=True)


def _difference(pair: "Pair", comparison: "Comparison") -> None:
    several = len(comparison.pairs) > 1
    said = [f"ROC AUC {pair.permutation.difference}"]
    for name, test, adjusted in (
        ("DeLong", pair.delong, pair.delong_adjusted),
        ("permutation", pair.permutation, pair.permutation_adjusted),
    ):
        if test is not None:
            said.append(f"{name} p {test.p:.3g}" + (f", after Holm {adjusted:.3g}" if several else ""))
    typer.echo(f"{pair.name} less {comparison.names[0]}: {'; '.join(said)}.")
