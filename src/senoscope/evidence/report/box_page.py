"""An evaluation of boxes as one web page that needs nothing beside itself."""

from collections.abc import Mapping

from senoscope.evidence.evaluation.boxes import BoxEvaluation
from senoscope.evidence.metrics.boxes import PRESENCE, WORDS
from senoscope.evidence.metrics.detection import OVERLAP
from senoscope.evidence.metrics.subgroups import FEW, Subgroup
from senoscope.evidence.report.checklists import Checklist
from senoscope.evidence.report.markup import Cell, Html, Section, items, joined, markup, page, plots, table, words
from senoscope.evidence.report.page import asked_for, described, unreadable

CAPTIONS = {
    "froc": "Free-response ROC curve: lesions found against boxes beside any.",
    "pr": "Precision–recall curves of boxes.",
    "overlap": "How well the best box shown fits each lesion.",
    "roc": "ROC curve of there being a lesion at all; the dot is the operating point.",
}

SUBGROUP_FIGURES = ("froc_1", "ap50", "iou", "sensitivity", "specificity")
"""Figures of subgroups on the page; `report.json` has all."""

TOO_FEW = f"fewer than {FEW} patients or duplicate groups: too few to conclude anything"


def render(evaluation: BoxEvaluation, drawn: Mapping[str, str], checklists: tuple[Checklist, ...]) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere.

    Args:
        evaluation: what to show.
        drawn: SVG by name, from `box_plots.draw_boxes`.
        checklists: filled, from `checklists.fill`.
    """
    sections = [
        Section("measured", "What was measured", _facts(evaluation)),
        Section("figures", "Boxes", _boxes(evaluation), figures=True),
        Section("presence", "Whether there is a lesion at all", _presence(evaluation), figures=True),
        Section("curves", "Curves", plots(drawn, CAPTIONS), figures=True),
    ]
    if evaluation.subgroups:
        sections.append(Section("subgroups", "Subgroups", _subgroups(evaluation), figures=True))
    sections.append(Section("notes", "Notes", items(evaluation.notes)))
    if evaluation.unread:
        sections.append(Section("unread", "Images that could not be read", unreadable(evaluation.unread)))
    sections += [
        Section("checklists", "Reporting checklists", asked_for(checklists)),
        Section("data", "Data", described(evaluation.dataset)),
    ]
    under = f"Bundle {evaluation.bundle}, version {evaluation.version}. Data: {evaluation.dataset.title}."
    return page(evaluation.title, under, sections, [evaluation.leak])


def _facts(evaluation: BoxEvaluation) -> Html:
    count, positives = len(evaluation.samples), int(evaluation.labels.sum())
    withheld = int(evaluation.abstained.sum())
    answered = "not part of this evaluation: the models of the folds answer everything"
    bound = "each fold's own score" if evaluation.shown is None else f"a score of {evaluation.shown:.3g}"
    return table(
        (),
        [
            ("Protocol", evaluation.protocol),
            ("Images", f"{count:,}, of them {positives:,} with a {evaluation.positive} ({positives / count:.1%})"),
            (f"{evaluation.positive.capitalize()}s", f"{evaluation.curve.lesions:,}"),
            (evaluation.unit.capitalize(), f"{evaluation.dataset.patients:,}"),
            ("A box is shown", f"from {bound} on, and the surest wherever a {evaluation.positive} is called"),
            ("Abstained", f"{withheld:,} ({withheld / count:.1%})" if evaluation.abstains else answered),
            ("Unreadable", f"{len(evaluation.unread):,}"),
        ],
    )


def _table(evaluation: BoxEvaluation, names: tuple[str, ...]) -> Html:
    parts = [evaluation.table, evaluation.answered] if evaluation.abstains else [evaluation.table]
    rows: list[tuple[Cell, ...]] = [(WORDS[name], *(part.get(name) for part in parts)) for name in names]
    return table(("figure", "all images", "without abstained images")[: len(parts) + 1], rows)


def _boxes(evaluation: BoxEvaluation) -> Html:
    names = tuple(name for name in WORDS if name not in PRESENCE and name in evaluation.table)
    return joined(
        _table(evaluation, names),
        words(
            f"A box finds a lesion from an intersection over union (IoU) of {OVERLAP:g} on, each lesion one box, the "
            "surest first. AP: area under precision against recall. The figures of boxes shown are of those that a "
            "reader sees; the others are of all boxes there are. In brackets: 95 % intervals by bootstrap over "
            f"{evaluation.unit} ({evaluation.replicates:,} replicates, percentiles)."
        ),
    )


def _presence(evaluation: BoxEvaluation) -> Html:
    free = len(evaluation.samples) - int(evaluation.labels.sum())
    names = tuple(name for name in PRESENCE if name in evaluation.table)
    called = f" Called at {evaluation.operating_point}." if evaluation.operating_point else ""
    return joined(
        _table(evaluation, names),
        words(
            f"Over all images, {free:,} of them without a {evaluation.positive}. Sensitivity: share of the images with "
            "one in which one is called, wherever the box; specificity: share of those without in which none "
            f"is.{called}{'' if evaluation.leaky else ' The threshold was not chosen on these answers.'}"
        ),
    )


def _subgroups(evaluation: BoxEvaluation) -> Html:
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
