"""A comparison of models as files: one page that needs nothing beside itself, and JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from senoscope import __version__
from senoscope.core.domain.bundle import Interval
from senoscope.evidence.evaluation.comparison import Comparison, Pair
from senoscope.evidence.metrics.classification import FIGURES, TITLES
from senoscope.evidence.metrics.delong import PairedTest
from senoscope.evidence.report.files import cases, dumped, figures, write_files
from senoscope.evidence.report.markup import (
    LEAKY,
    Cell,
    Html,
    Section,
    items,
    joined,
    markup,
    page,
    plots,
    table,
    words,
)
from senoscope.evidence.report.plots import overlay

FORMAT = 1
"""Version of `comparison.json`."""

CAPTIONS = {
    "roc": "ROC curves on the same cases.",
    "pr": "Precision–recall curves; the line is the share of positives.",
    "decision": "Net benefit of calling by each model, of calling everyone, and of calling nobody.",
}

MOST_LEFT_OUT = 50
"""Images left out that are named on the page; `comparison.json` names all."""


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write `comparison.html` and `comparison.json` into a folder, each atomically.

    Returns:
        Path of the page.

    Raises:
        MissingExtraError: matplotlib is not installed; nothing is written.
        DatasetError: the folder cannot be written.
    """
    write_files(comparison_files(comparison), out)
    return out / "comparison.html"


def comparison_files(comparison: Comparison) -> dict[str, str]:
    """Make everything that `write_comparison` writes, by file name; raises as it does."""
    shown = render(comparison, overlay(comparison.evaluations, comparison.names))
    return {"comparison.json": dumped(to_json(comparison)), "comparison.html": shown}


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is 0/0 is null."""
    first = comparison.evaluations[0]
    return {
        "format": FORMAT,
        "senoscope": __version__,
        "research_use_only": True,
        "dataset": first.dataset.model_dump(),
        "positive": first.positive,
        "cases": cases(first),
        "counts": {"images": len(first.images), "groups": first.dataset.patients, "unit": first.unit},
        "intervals": {"level": 0.95, "replicates": comparison.replicates, "resampled": first.unit},
        "leaky": bool(comparison.leaks),
        "first": comparison.names[0],
        "models": [
            {
                "name": name,
                "bundle": {"name": found.bundle, "version": found.version},
                "protocol": found.protocol,
                "leaky": found.leaky,
                "leak": found.leak,
                "operating_point": {"name": found.operating_point, "threshold": found.threshold},
                "figures": figures(found.table),
                "abstained": int(found.images.abstained.sum()) if found.abstains else None,
            }
            for name, found in zip(comparison.names, comparison.evaluations, strict=True)
        ],
        "differences": [_pair(pair) for pair in comparison.pairs],
        "left_out": [{"path": path, "reason": reason} for path, reason in comparison.left_out],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "name": pair.name,
        "less_the_first": figures(pair.differences),
        "delong": None if pair.delong is None else _test(pair.delong, pair.delong_adjusted),
        "permutation": _test(pair.permutation, pair.permutation_adjusted),
    }


def _test(test: PairedTest, adjusted: float | None) -> dict[str, Any]:
    return {
        "figure": "roc_auc",
        "method": test.method,
        "difference": test.difference.model_dump(),
        "statistic": test.statistic,
        "p": test.p,
        "p_holm": adjusted,
    }


def render(comparison: Comparison, drawn: Mapping[str, str]) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere."""
    first = comparison.evaluations[0]
    sections = [
        Section("compared", "What was compared", _compared(comparison)),
        Section("figures", "Figures side by side", _side_by_side(comparison), figures=True),
        Section("differences", f"Differences to {comparison.names[0]}", _differences(comparison), figures=True),
        Section("tests", "Tests of the ROC AUC", _tests(comparison), figures=True),
        Section("curves", "Curves", plots(drawn, CAPTIONS), figures=True),
        Section("left-out", "Images left out for all", _left_out(comparison)),
        Section(
            "notes", "Notes", items(dict.fromkeys(note for found in comparison.evaluations for note in found.notes))
        ),
        Section(
            "data", "Data", words(f"{first.dataset.title}. Licence: {first.dataset.licence}. {first.dataset.citation}")
        ),
    ]
    under = f"{len(comparison.names)} models. Data: {first.dataset.title}."
    return page(f"{' · '.join(comparison.names)} on {first.dataset.name}", under, sections, comparison.leaks)


def _heads(comparison: Comparison) -> list[Html]:
    """Names of the models; one whose figures leak is marked in every table."""
    return [
        Html(f"{markup(name)} {LEAKY}") if found.leaky else markup(name)
        for name, found in zip(comparison.names, comparison.evaluations, strict=True)
    ]


def _compared(comparison: Comparison) -> Html:
    first = comparison.evaluations[0]
    count, positives = len(first.cases), int(first.labels.sum())
    facts = [
        ("Cases", f"{count:,} {first.level}s, of them {positives:,} {first.positive} ({positives / count:.1%})"),
        ("Figures are of", first.pooling),
        (first.unit.capitalize(), f"{first.dataset.patients:,}"),
        ("Images left out for all", f"{len(comparison.left_out):,}"),
    ]
    models = [
        (head, f"{found.bundle} {found.version}", found.protocol, f"{found.operating_point}, {found.threshold:.4g}")
        for head, found in zip(_heads(comparison), comparison.evaluations, strict=True)
    ]
    return joined(table((), facts), table(("model", "bundle", "protocol", "operating point"), models))


def _side_by_side(comparison: Comparison) -> Html:
    tables = [found.table for found in comparison.evaluations]
    rows: list[tuple[Cell, ...]] = [(TITLES[name], *(part.get(name) for part in tables)) for name in FIGURES]
    unit = comparison.evaluations[0].unit
    return joined(
        table(("figure", *_heads(comparison)), rows),
        words(
            "All on the same cases, each model at its own threshold. In brackets: 95 % intervals by bootstrap over "
            f"{unit}."
        ),
    )


def _differences(comparison: Comparison) -> Html:
    rows: list[tuple[Cell, ...]] = [
        (TITLES[name], *(_signed(pair.differences.get(name)) for pair in comparison.pairs)) for name in FIGURES
    ]
    return joined(
        table(("figure", *_heads(comparison)[1:]), rows),
        words(
            f"Each model's figure less that of {comparison.names[0]}, both on the same bootstrap replicates "
            f"({comparison.replicates:,}); an interval without 0 is a difference."
        ),
    )


def _signed(interval: Interval | None) -> Cell:
    if interval is None:
        return None
    return Html(f'{interval.value:+.3f} <span class="range">({interval.low:+.3f} to {interval.high:+.3f})</span>')


def _tests(comparison: Comparison) -> Html:
    rows = [
        (head, test.method, _signed(test.difference), f"{test.p:.3g}", f"{adjusted:.3g}")
        for head, pair in zip(_heads(comparison)[1:], comparison.pairs, strict=True)
        for test, adjusted in ((pair.delong, pair.delong_adjusted), (pair.permutation, pair.permutation_adjusted))
        if test is not None
    ]
    several = len(comparison.pairs) > 1
    shown = rows if several else [row[:-1] for row in rows]
    head = ("model", "test", "difference", "p", "p after Holm") if several else ("model", "test", "difference", "p")
    said = f"Against {comparison.names[0]}, two-sided."
    corrected = f" Holm's correction for {len(comparison.pairs)} comparisons, each test by itself." if several else ""
    return joined(table(head, shown), words(said + corrected))


def _left_out(comparison: Comparison) -> Html:
    lines = [f"{path}: {reason}" for path, reason in comparison.left_out[:MOST_LEFT_OUT]]
    if len(comparison.left_out) > MOST_LEFT_OUT:
        lines.append(f"and {len(comparison.left_out) - MOST_LEFT_OUT:,} more, in comparison.json")
    return items(lines)
