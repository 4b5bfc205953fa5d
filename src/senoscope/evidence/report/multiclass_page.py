"""An evaluation of several labels as one web page that needs nothing beside itself."""

from collections.abc import Mapping

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.evaluation.answers import asked_of
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.evidence.metrics.classification import TITLES
from senoscope.evidence.metrics.multiclass import OF_CLASS, WORDS
from senoscope.evidence.report.checklists import Checklist
from senoscope.evidence.report.markup import Cell, Html, Section, items, joined, page, plots, table, words
from senoscope.evidence.report.page import asked_for, described, unreadable

CAPTIONS = {
    "roc": "ROC curve of each label against the rest.",
    "reliability": "Reliability of each label's probability; larger dots hold more.",
}


def render(evaluation: MulticlassEvaluation, drawn: Mapping[str, str], checklists: tuple[Checklist, ...]) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere.

    Args:
        evaluation: what to show.
        drawn: SVG by name, from `plots.draw_multiclass`.
        checklists: filled, from `checklists.fill`.
    """
    sections = [
        Section("measured", "What was measured", _facts(evaluation)),
        Section("figures", "Figures", _figures(evaluation), figures=True),
        Section("labels", "Label by label", _labels(evaluation), figures=True),
        Section("calls", "Calls", _calls(evaluation), figures=True),
        Section("curves", "Curves", plots(drawn, CAPTIONS), figures=True),
        Section("notes", "Notes", items(evaluation.notes)),
    ]
    if evaluation.unread:
        sections.append(Section("unread", "Images that could not be read", unreadable(evaluation.unread)))
    sections += [
        Section("checklists", "Reporting checklists", asked_for(checklists)),
        Section("data", "Data", described(evaluation.dataset)),
    ]
    under = f"Bundle {evaluation.bundle}, version {evaluation.version}. Data: {evaluation.dataset.title}."
    return page(evaluation.title, under, sections, [evaluation.leak])


def _facts(evaluation: MulticlassEvaluation) -> Html:
    labels, count = evaluation.labels, len(evaluation.samples)
    shares = (f"{labels.count(name):,} {name} ({labels.count(name) / count:.1%})" for name in evaluation.classes)
    withheld = int(evaluation.abstained.sum())
    answered = "not part of this evaluation: the models of the folds answer everything"
    return table(
        (),
        [
            ("Protocol", evaluation.protocol),
            (f"{asked_of(evaluation.recipe).capitalize()}s", f"{count:,}: {', '.join(shares)}"),
            (evaluation.unit.capitalize(), f"{evaluation.dataset.patients:,}"),
            ("Figures are of", f"each {asked_of(evaluation.recipe)} by itself"),
            ("Called", "the most probable label"),
            ("Abstained", f"{withheld:,} ({withheld / count:.1%})" if evaluation.abstains else answered),
            ("Unreadable", f"{len(evaluation.unread):,}"),
        ],
    )


def _figures(evaluation: MulticlassEvaluation) -> Html:
    parts = [evaluation.figures, evaluation.answered] if evaluation.abstains else [evaluation.figures]
    shown = [name for name in WORDS if name in evaluation.figures.overall]
    rows: list[tuple[Cell, ...]] = [(WORDS[name], *(part.overall.get(name) for part in parts)) for name in shown]
    head = ("figure", f"all {asked_of(evaluation.recipe)}s", "without abstained")[: len(parts) + 1]
    return joined(
        table(head, rows),
        words(
            f"95 % intervals by bootstrap over {evaluation.unit} ({evaluation.replicates:,} replicates). Macro figures "
            "are means over the labels, each against the rest. The Brier score goes from 0 to 2."
        ),
    )


def _labels(evaluation: MulticlassEvaluation) -> Html:
    rows: list[tuple[Cell, ...]] = [
        (label, *(_figure(evaluation, label, name) for name in OF_CLASS)) for label in evaluation.classes
    ]
    return joined(
        table(("label", *(TITLES[name] for name in OF_CLASS)), rows),
        words(
            f"Each label against the rest, over all {asked_of(evaluation.recipe)}s; called where it is the most "
            "probable one."
        ),
    )


def _figure(evaluation: MulticlassEvaluation, label: str, name: str) -> Interval | None:
    return evaluation.figures.classes[label].get(name)


def _calls(evaluation: MulticlassEvaluation) -> Html:
    head = ("", *(f"called {label}" for label in evaluation.classes), "sensitivity")
    rows: list[tuple[Cell, ...]] = [
        (label, *(f"{count:,}" for count in counts), _figure(evaluation, label, "sensitivity"))
        for label, counts in zip(evaluation.classes, evaluation.confusion, strict=True)
    ]
    return joined(table(head, rows, "confusion"), words("A row is what is true, a column what was called."))
