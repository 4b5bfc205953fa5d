"""An audit as files: one page that needs nothing beside itself, and JSON with everything on it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from senoscope import __version__
from senoscope.evidence.audit.acquisition import FRAME
from senoscope.evidence.audit.audit import Audit
from senoscope.evidence.audit.charts import bars, intervals
from senoscope.evidence.audit.copies import Copy
from senoscope.evidence.audit.findings import Finding, findings
from senoscope.evidence.audit.shortcuts import RED, Shortcut, Shortcuts
from senoscope.evidence.report.files import dumped, write_files
from senoscope.evidence.report.markup import Cell, Html, Section, folded, items, joined, markup, page, table, words

FORMAT = 1
"""Version of `audit.json`."""

MOST_SHOWN = 100
"""Pairs, files or groups listed on the page; `audit.json` has more pairs and all files and groups."""


def write_audit(audit: Audit, out: Path) -> Path:
    """Write `audit.html` and `audit.json` into a folder, each atomically.

    Returns:
        Path of the page.

    Raises:
        DatasetError: the folder cannot be written.
    """
    write_files({"audit.json": dumped(to_json(audit)), "audit.html": render(audit)}, out)
    return out / "audit.html"


def to_json(audit: Audit) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values."""
    found = audit.to_json()
    found["shortcuts"]["facts"] = [_fact(row) for row in audit.shortcuts.facts]
    found["shortcuts"]["together"] = _fact(audit.shortcuts.together) if audit.shortcuts.together else None
    head = {"format": FORMAT, "senoscope": __version__, "research_use_only": True}
    return head | {"findings": [asdict(one) for one in findings(audit)]} | found


def _fact(row: Shortcut) -> dict[str, Any]:
    overlap = row.overlap.model_dump() if row.overlap else None
    return asdict(row) | {"title": row.title, "auc": row.auc.model_dump(), "overlap": overlap}


def render(audit: Audit) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere."""
    sections = [
        Section("findings", "Findings", joined(*(_finding(one) for one in findings(audit)))),
        Section("shortcuts", "Shortcuts", _shortcuts(audit)),
        Section("copies", "Copies", _copies(audit)),
        Section("labels", "Labels and groups", _labels(audit)),
        Section("sizes", "Sizes by label", _sizes(audit.sizes)),
    ]
    if audit.leaks is not None:
        sections.insert(1, Section("split", f"The split {audit.leaks.file}", _split(audit)))
    if audit.marks:
        sections.append(Section("marks", "Burned-in marks", _marks(audit)))
    files = [f"{item.path}: {item.reason}" for item in (*audit.unreadable, *audit.dropped)]
    sections += [
        Section("files", "Files that are unreadable or left out", _listed(files)),
        Section("notes", "Notes", items(audit.notes)),
    ]
    under = f"{audit.title}: {sum(audit.labels.values()):,} samples, {audit.units:,} {audit.unit}, {audit.read:,} read."
    return page(f"Audit of {audit.dataset}", under, sections)


def _finding(found: Finding) -> Html:
    parts = [
        f'<p><span class="lamp">{found.light}</span> <strong>{markup(found.title)}</strong></p>',
        f"<p>{markup(found.said)}</p>",
        *(f'<p class="soft">{markup(text)}</p>' for text in (" ".join((found.why, found.todo)).strip(),) if text),
    ]
    return Html(f'<div class="light {found.light}">{"".join(parts)}</div>')


def _listed(lines: list[str]) -> Html:
    more = [f"and {len(lines) - MOST_SHOWN:,} more, in audit.json"] if len(lines) > MOST_SHOWN else []
    return items([*lines[:MOST_SHOWN], *more])


def _shortcuts(audit: Audit) -> Html:
    tested = audit.shortcuts
    if tested.missing:
        return words(f"Not tested: {tested.missing}.")
    about = (
        f"{tested.question}: {tested.images:,} images ({tested.positives:,} positive), {tested.groups:,} {audit.unit}. "
        f"ROC AUC of guesses from each fact by a small model, out of folds divided by group, with 95 % intervals "
        f"(DeLong, clustered). Red: the lower bound is at least {RED:g}, and the interval widened for "
        f"{len(tested.rows)} tries excludes 0.5. Amber: only the latter. Below 0.5 means that a fact says nothing. "
        f"The edge is the outermost {100 * FRAME:g} % of a picture."
    )
    chart = intervals(tested.rows, "ROC AUC of each fact")
    return joined(words(about), chart, folded("The same as a table", _facts(tested)), _within(tested, audit.unit))


def _facts(tested: Shortcuts) -> Html:
    rows = [
        (row.title, row.kind, row.light, row.auc, f"{row.widened:.3f}", *([row.overlap] if tested.overlap else []))
        for row in tested.rows
    ]
    head = ["fact", "of", "light", "ROC AUC (95 % interval)", "widened lower bound"]
    shown: list[tuple[Cell, ...]] = [tuple(row) for row in rows]
    return table([*head, *(["within the overlap"] if tested.overlap else [])], shown)


def _within(tested: Shortcuts, unit: str) -> Html:
    overlap = tested.overlap
    if overlap is None:
        return Html("")
    rows = sorted((row for row in tested.rows if row.overlap), key=lambda row: -(row.overlap.low if row.overlap else 0))
    shown: list[tuple[Cell, ...]] = [(row.title, row.overlap) for row in rows[:6]]
    return joined(
        Html(f"<h3>Within the overlap of {markup(overlap.fact)}</h3>"),
        words(
            f"{overlap.fact} separates the classes. Both have {', '.join(overlap.values)}: {overlap.images:,} images "
            f"({overlap.positives:,} positive) of {overlap.groups:,} {unit}. What still tells the label there:"
        ),
        table(("fact", "ROC AUC (95 % interval)"), shown),
    )


def _copies(audit: Audit) -> Html:
    found = audit.copies
    if not found.near:
        return words(f"None among {audit.read:,} pictures.")
    counts = [(name, f"{count:,}") for name, count in found.pairs().items()]
    if audit.leaks is not None:
        counts.append(("on two sides of the split", f"{found.sides:,}"))
    listed: list[tuple[Cell, ...]] = [_copy(copy) for copy in found.named[:MOST_SHOWN]]
    rest = found.near - len(listed)
    more = f" {rest:,} further pairs are counted; audit.json names {len(found.named):,} of all." if rest else ""
    return joined(
        table(("pairs", "found"), counts),
        words(f"Distance is in bits of 256 of a difference hash; the gravest pairs come first.{more}"),
        folded(f"{len(listed):,} pairs", table(("first", "second", "distance", "labels", "group"), listed)),
    )


def _copy(copy: Copy) -> tuple[Cell, ...]:
    labels = copy.labels[0] if len(set(copy.labels)) == 1 else " / ".join(copy.labels)
    group = "same" if copy.same_group else "different"
    sides = f", {' / '.join(copy.sides)}" if copy.divided else ""
    return (copy.first, copy.second, _distance(copy), labels, group + sides)


def _distance(copy: Copy) -> str:
    if copy.distance < 0:
        return "exact"
    return str(copy.distance) if copy.confirmed else f"{copy.distance}, outline only"


def _labels(audit: Audit) -> Html:
    total = sum(audit.labels.values())
    shares = {label: (count / total, f"{count:,} ({count / total:.1%})") for label, count in audit.labels.items()}
    published = [(label, "not stated" if count is None else f"{count:,}") for label, count in audit.published.items()]
    sizes = [(f"{size:,}", f"{count:,}") for size, count in audit.group_sizes.items()][:MOST_SHOWN]
    mixed = folded(f"{len(audit.mixed_groups):,} groups with several labels", _listed(list(audit.mixed_groups)))
    return joined(
        bars(shares, "Samples of each label"),
        folded("The whole set, as published", table(("label", f"published {audit.counted}"), published)),
        folded(f"Sizes of {audit.units:,} {audit.unit}", table(("images of one", "how often"), sizes)),
        mixed if audit.mixed_groups else Html(""),
    )


def _sizes(sizes: Mapping[str, Mapping[str, int]]) -> Html:
    if not sizes:
        return words("No picture was read.")
    rows: list[tuple[Cell, ...]] = [
        (label, ", ".join(f"{size} ({count:,})" for size, count in counts.items())) for label, counts in sizes.items()
    ]
    return joined(table(("label", "width×height in pixels (how often)"), rows))


def _split(audit: Audit) -> Html:
    leaks = audit.leaks
    assert leaks is not None
    sides = [(side, f"{count:,}") for side, count in leaks.sides.items()]
    divided = [
        f"{one.group}: {', '.join(f'{count:,} on {side}' for side, count in one.sides.items())}" for one in leaks.groups
    ]
    return joined(
        table(("side", "samples"), sides),
        folded(f"{len(divided):,} {audit.unit} on several sides", _listed(divided)),
        folded(f"{len(leaks.repeated):,} samples listed on several sides", _listed(list(leaks.repeated))),
    )


def _marks(audit: Audit) -> Html:
    shares = {
        label: (one.marked / one.judged, f"{one.marked:,} of {one.judged:,} ({one.marked / one.judged:.0%})")
        for label, one in audit.marks.items()
    }
    rows = [(label, f"{one.text:,}", f"{one.callipers:,}", f"{one.colour:,}") for label, one in audit.marks.items()]
    return joined(
        bars(shares, "Share of pictures with burned-in marks, by label"),
        table(("label", "text, body marks", "callipers", "colour"), rows),
        words(
            "A rough screen that looks for drawn strokes and reads nothing; the probe's mark in a corner is no mark."
        ),
    )
