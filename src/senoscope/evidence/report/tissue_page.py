"""An evaluation of labels at every pixel as one web page that needs nothing beside itself."""

from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.metrics.subgroups import FEW
from senoscope.evidence.metrics.tissue import OF_LABEL, WORDS
from senoscope.evidence.report.checklists import Checklist
from senoscope.evidence.report.markup import Cell, Html, Section, items, joined, markup, page, table, words
from senoscope.evidence.report.page import asked_for, described, unreadable

SUBGROUP_FIGURES = ("pixel_accuracy", "macro_dice", "weighted_dice")
"""Figures of subgroups on the page; `report.json` has all."""


def render(evaluation: TissueEvaluation, checklists: tuple[Checklist, ...]) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere."""
    sections = [
        Section("measured", "What was measured", _facts(evaluation)),
        Section("figures", "All labels", _overall(evaluation), figures=True),
        Section("labels", "Label by label", _labels(evaluation), figures=True),
        Section("calls", "Pixels called", _calls(evaluation), figures=True),
    ]
    if evaluation.subgroups:
        sections.append(Section("subgroups", "Subgroups", _subgroups(evaluation), figures=True))
    sections.append(Section("notes", "Notes", items(evaluation.notes)))
    if evaluation.unread:
        sections.append(Section("unread", "Regions that could not be measured", unreadable(evaluation.unread)))
    sections += [
        Section("checklists", "Reporting checklists", asked_for(checklists)),
        Section("data", "Data", described(evaluation.dataset)),
    ]
    under = f"Bundle {evaluation.bundle}, version {evaluation.version}. Data: {evaluation.dataset.title}."
    return page(evaluation.title, under, sections, [evaluation.leak])


def _facts(evaluation: TissueEvaluation) -> Html:
    answered = "not part of this evaluation: the models of the folds answer everything"
    return table(
        (),
        [
            ("Protocol", evaluation.protocol),
            ("Regions", f"{len(evaluation.samples):,}"),
            (evaluation.unit.capitalize(), f"{evaluation.dataset.patients:,}"),
            ("Pixels with a label", f"{int(evaluation.counts.sum()):,}"),
            ("Called", "the likeliest label of each pixel"),
            (
                "Abstained",
                f"from {int(evaluation.withheld.sum()):,} squares, which count all the same"
                if evaluation.abstains
                else answered,
            ),
            ("Not measured", f"{len(evaluation.unread):,}"),
        ],
    )


def _overall(evaluation: TissueEvaluation) -> Html:
    found = evaluation.figures.overall
    return joined(
        table(("figure", "all regions"), [(WORDS[name], value) for name, value in found.items()]),
        words(
            f"Of all pixels together. In brackets: 95 % intervals by bootstrap over {evaluation.unit} "
            f"({evaluation.replicates:,} replicates, percentiles). Dice of a label is its F1; means are over the "
            "labels that have a true pixel, and one that is called nowhere counts with 0. Sensitivity weighted by true "
            "pixels is the share of pixels called rightly."
        ),
    )


def _labels(evaluation: TissueEvaluation) -> Html:
    true, called = evaluation.confusion.sum(axis=1), evaluation.confusion.sum(axis=0)
    rows: list[tuple[Cell, ...]] = [
        (label, f"{int(true[at]):,}", f"{int(called[at]):,}", *(_figure(evaluation, label, name) for name in OF_LABEL))
        for at, label in enumerate(evaluation.classes)
    ]
    return table(("label", "true pixels", "called pixels", *OF_LABEL.values()), rows)


def _figure(evaluation: TissueEvaluation, label: str, name: str) -> Cell:
    """What has no true pixel has no figures, which is no mistake of the model."""
    found = evaluation.figures.labels.get(label)
    return "–" if found is None else found[name]


def _calls(evaluation: TissueEvaluation) -> Html:
    """Labels that are true or called somewhere."""
    matrix = evaluation.confusion
    shown = [at for at in range(len(matrix)) if matrix[at].any() or matrix[:, at].any()]
    rows: list[tuple[Cell, ...]] = [
        (evaluation.classes[row], *(_share(int(matrix[row, at]), int(matrix[row].sum())) for at in shown))
        for row in shown
        if matrix[row].any()
    ]
    return joined(
        table(("", *(f"called {evaluation.classes[at]}" for at in shown)), rows, "confusion"),
        words("A row is what is true, a column what was called, in shares of the row; confusion.csv has the pixels."),
    )


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if count else "0"


def _subgroups(evaluation: TissueEvaluation) -> Html:
    parts = list[str]()
    shown = tuple(name for name in SUBGROUP_FIGURES if name in evaluation.table)
    for fact in dict.fromkeys(group.fact for group in evaluation.subgroups):
        head = ("value", "regions", evaluation.unit, *(WORDS[name] for name in shown))
        rows: list[tuple[Cell, ...]] = [
            (
                f"{group.value}{' ⚠' if group.few else ''}",
                f"{group.images:,}",
                f"{group.patients:,}",
                *(group.table.get(name) for name in shown),
            )
            for group in evaluation.subgroups
            if group.fact == fact
        ]
        parts += [Html(f"<h3>{markup(fact)}</h3>"), table(head, rows)]
    few = any(group.few for group in evaluation.subgroups)
    caution = f"⚠ marks fewer than {FEW} {evaluation.unit}: too few to conclude anything." if few else ""
    return joined(words(caution) if caution else "", *parts)
