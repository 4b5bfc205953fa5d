"""An evaluation of outlines as one web page that needs nothing beside itself."""

from collections.abc import Mapping

import numpy as np

from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.metrics.outlines import FOUND, PRESENCE, WORDS
from senoscope.evidence.metrics.subgroups import FEW, Subgroup
from senoscope.evidence.report.checklists import Checklist
from senoscope.evidence.report.markup import Cell, Html, Section, items, joined, markup, page, plots, table, words
from senoscope.evidence.report.page import asked_for, described, unreadable

CAPTIONS = {
    "dice": "Dice of each image with a true region.",
    "size": "Dice against the size of the true region.",
    "roc": "ROC curve of there being a region at all; the dot is the operating point.",
}

SUBGROUP_FIGURES = ("dice", "iou", "found", "hd95_median", "sensitivity", "specificity")
"""Figures of subgroups on the page; `report.json` has all."""

TOO_FEW = f"fewer than {FEW} patients or duplicate groups: too few to conclude anything"


def render(evaluation: OutlineEvaluation, drawn: Mapping[str, str], checklists: tuple[Checklist, ...]) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere.

    Args:
        evaluation: what to show.
        drawn: SVG by name, from `outline_plots.draw_outlines`.
        checklists: filled, from `checklists.fill`.
    """
    sections = [
        Section("measured", "What was measured", _facts(evaluation)),
        Section("figures", "Outlines", _outlines(evaluation), figures=True),
    ]
    if set(PRESENCE) & set(evaluation.table):
        sections.append(Section("presence", "Whether there is a region at all", _presence(evaluation), figures=True))
    sections += [
        Section("curves", "Curves", plots(drawn, CAPTIONS), figures=True),
        Section("worst", "Worst outlines", _worst(evaluation), figures=True),
    ]
    if evaluation.subgroups:
        sections.append(Section("subgroups", "Subgroups", _subgroups(evaluation), figures=True))
    sections.append(Section("notes", "Notes", items(evaluation.notes)))
    if evaluation.unread:
        sections.append(Section("unread", "Images that could not be measured", unreadable(evaluation.unread)))
    sections += [
        Section("checklists", "Reporting checklists", asked_for(checklists)),
        Section("data", "Data", described(evaluation.dataset)),
    ]
    under = f"Bundle {evaluation.bundle}, version {evaluation.version}. Data: {evaluation.dataset.title}."
    return page(evaluation.title, under, sections, [evaluation.leak])


def _facts(evaluation: OutlineEvaluation) -> Html:
    count, positives = len(evaluation.samples), int(evaluation.labels.sum())
    withheld = int(evaluation.abstained.sum())
    answered = "not part of this evaluation: the models of the folds answer everything"
    return table(
        (),
        [
            ("Protocol", evaluation.protocol),
            ("Images", f"{count:,}, of them {positives:,} with a true {evaluation.positive} ({positives / count:.1%})"),
            (evaluation.unit.capitalize(), f"{evaluation.dataset.patients:,}"),
            (
                "A pixel is marked",
                f"from a probability of {evaluation.threshold:.3g} on, in a region of {evaluation.smallest:.2%} of the "
                "picture or more",
            ),
            ("Abstained", f"{withheld:,} ({withheld / count:.1%})" if evaluation.abstains else answered),
            ("Not measured", f"{len(evaluation.unread):,}"),
        ],
    )


def _table(evaluation: OutlineEvaluation, names: tuple[str, ...]) -> Html:
    parts = [evaluation.table, evaluation.answered] if evaluation.abstains else [evaluation.table]
    rows: list[tuple[Cell, ...]] = [(WORDS[name], *(part.get(name) for part in parts)) for name in names]
    return table(("figure", "all images", "without abstained images")[: len(parts) + 1], rows)


def _outlines(evaluation: OutlineEvaluation) -> Html:
    names = tuple(name for name in WORDS if name not in PRESENCE and name in evaluation.table)
    return joined(
        _table(evaluation, names),
        words(
            f"Over the {int(evaluation.labels.sum()):,} images with a true {evaluation.positive}: means over images, "
            "but for the medians and what is said of all pixels together. Of what is marked before it is asked whether "
            f"there is any{', unless said otherwise' if 'dice_called' in names else ''}. Where nothing is marked, the "
            "surface distance is the picture's diagonal. 95 % surface distance: the larger of the two 95th percentiles "
            f"of the distances from one outline to the other. In brackets: 95 % intervals by bootstrap over "
            f"{evaluation.unit} ({evaluation.replicates:,} replicates, percentiles)."
        ),
    )


def _presence(evaluation: OutlineEvaluation) -> Html:
    free = len(evaluation.samples) - int(evaluation.labels.sum())
    return joined(
        _table(evaluation, PRESENCE),
        words(
            f"Over all images, {free:,} of them without a true {evaluation.positive}. Sensitivity: share of the images "
            "with one in which one is called; specificity: share of those without in which none is. One is called "
            f"{_called(evaluation)}{'' if evaluation.leaky else ' The threshold was not chosen on these answers.'}"
        ),
    )


def _called(evaluation: OutlineEvaluation) -> str:
    bounds = evaluation.thresholds
    if bounds is None:
        return "where anything is marked."
    name = f" ({evaluation.operating_point})" if evaluation.operating_point else ""
    low, high = float(np.min(bounds)), float(np.max(bounds))
    span = f"of {low:.3g}" if low == high else f"of each image's own threshold ({low:.3g} to {high:.3g})"
    return f"from a probability {span} on{name}, where anything is marked."


def _worst(evaluation: OutlineEvaluation) -> Html:
    rows = []
    for row in evaluation.worst():
        one, sample = evaluation.fits[row], evaluation.samples.samples[row]
        share = one.truth / (one.width * one.height)
        rows.append(
            (sample.sample_id, f"{one.dice:.3f}", f"{one.hd95:.1f}", f"{one.truth:,} ({share:.2%})", f"{one.marked:,}")
        )
    return joined(
        table(("image", "Dice", "95 % distance, pixels", "true pixels", "marked pixels"), rows),
        words(f"The images with the lowest Dice; below {FOUND} a region does not count as found."),
    )


def _subgroups(evaluation: OutlineEvaluation) -> Html:
    groups, parts = evaluation.subgroups, list[str]()
    shown = tuple(name for name in SUBGROUP_FIGURES if name in evaluation.table)
    for fact in dict.fromkeys(group.fact for group in groups):
        head = ("value", "images", evaluation.unit, f"with a {evaluation.positive}", *(WORDS[name] for name in shown))
        rows = [_subgroup(group, shown) for group in groups if group.fact == fact]
        parts += [Html(f"<h3>{markup(fact)}</h3>"), table(head, rows)]
    caution = Html(f'<p class="few">⚠ marks {TOO_FEW}.</p>') if any(group.few for group in groups) else ""
    return joined(caution, *parts)


def _subgroup(group: Subgroup, shown: tuple[str, ...]) -> tuple[Cell, ...]:
    mark = Html(f' <span class="few" title="{TOO_FEW}">⚠</span>') if group.few else Html("")
    counts = (f"{group.images:,}", f"{group.patients:,}", f"{group.positives:,}")
    return (Html(f"{markup(group.value)}{mark}"), *counts, *(group.table.get(name) for name in shown))
