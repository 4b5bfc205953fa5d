"""An evaluation as one web page that needs nothing beside itself."""

from collections.abc import Mapping, Sequence

from senoscope.core.domain.bundle import DatasetFingerprint, Interval
from senoscope.evidence.evaluation.answers import asked_of
from senoscope.evidence.evaluation.evaluation import Evaluation, Unread
from senoscope.evidence.evaluation.findings import Predictive, Stated
from senoscope.evidence.metrics.classification import BINS, FIGURES, TITLES
from senoscope.evidence.metrics.subgroups import Subgroup
from senoscope.evidence.report.checklists import Checklist
from senoscope.evidence.report.markup import (
    Cell,
    Html,
    Section,
    folded,
    items,
    joined,
    markup,
    page,
    plots,
    table,
    words,
)

CAPTIONS = {
    "roc": "ROC curve; the dot is the operating point.",
    "pr": "Precision–recall curve; the line is the share of positives.",
    "reliability": "Reliability; larger dots hold more. 95 % intervals (Wilson) take every case as independent.",
    "histogram": "Probabilities given; the dashed line is the operating point.",
    "decision": "Net benefit of calling by the model, everyone or nobody, at a prevalence of {share}.",
    "predictive": "PPV and NPV at the operating point, over the share of women who have the disease.",
}

SUBGROUP_FIGURES = ("roc_auc", "sensitivity", "specificity", "brier")
"""Figures of subgroups on the page; `report.json` has all."""

FEW = "fewer than 20 patients, or fewer than 10 with or without a positive: too few to conclude anything"

MOST_UNREAD = 50
"""Unreadable images named on the page; `report.json` names all."""


def render(evaluation: Evaluation, drawn: Mapping[str, str], checklists: tuple[Checklist, ...]) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere.

    Args:
        evaluation: what to show.
        drawn: SVG by name, from `plots.draw`.
        checklists: filled, from `checklists.fill`.
    """
    findings = evaluation.findings
    sections = [
        Section("measured", "What was measured", _facts(evaluation)),
        Section("figures", "Figures", _figures(evaluation), figures=True),
        Section("calls", "Calls", _calls(evaluation), figures=True),
        Section("curves", "Curves", _curves(evaluation, drawn), figures=True),
        Section("calibration", "Calibration", _calibration(evaluation), figures=True),
        Section("prevalence", "At other prevalences", _prevalence(evaluation), figures=True),
    ]
    if findings.transfer:
        sections.append(Section("threshold", "Transfer of the threshold", _transfer(evaluation), figures=True))
    if findings.subgroups:
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


def _facts(evaluation: Evaluation) -> Html:
    images = evaluation.images
    positives, count = int(images.labels.sum()), len(images)
    rows = [
        ("Protocol", evaluation.protocol),
        (
            f"{asked_of(evaluation.recipe).capitalize()}s",
            f"{count:,}, of them {positives:,} {evaluation.positive} ({positives / count:.1%})",
        ),
        (evaluation.unit.capitalize(), f"{evaluation.dataset.patients:,}"),
        ("Figures are of", evaluation.pooling),
    ]
    if evaluation.level != "image":
        share = f"{len(evaluation.cases):,}, of them {evaluation.labels.sum():,} {evaluation.positive}"
        rows.append((f"{evaluation.level.capitalize()}s", share))
    rows += [("Abstained", _withheld(evaluation)), ("Unreadable", f"{len(evaluation.unread):,}")]
    return table((), rows)


def _withheld(evaluation: Evaluation) -> str:
    if not evaluation.abstains:
        return "not part of this evaluation: the models of the folds answer everything"
    images = evaluation.images
    withheld, positives = int(images.abstained.sum()), int(images.labels[images.abstained].sum())
    return f"{withheld:,} ({withheld / len(images):.1%}), of them {positives:,} positive"


def _figures(evaluation: Evaluation) -> Html:
    tables = [evaluation.table, evaluation.answered] if evaluation.abstains else [evaluation.table]
    single = asked_of(evaluation.recipe)
    head = ["figure", f"all {single if evaluation.level == 'image' else evaluation.level}s"]
    head += [f"without abstained {single}s"] if evaluation.abstains else []
    rows: list[tuple[Cell, ...]] = [(TITLES[name], *(part.get(name) for part in tables)) for name in FIGURES]
    unit = evaluation.unit
    return joined(
        table(head, rows),
        words(
            f"In brackets: 95 % intervals by bootstrap over {unit} ({evaluation.replicates:,} replicates, percentiles, "
            f"drawn within strata of positive, negative and mixed {unit}, but for the calibration intercept; so PPV, "
            f"NPV and accuracy take the share of positives as given). Expected calibration error over {BINS} "
            f"equal-width bins. Positive is called from a probability of {evaluation.threshold:.4g} on "
            f"({evaluation.operating_point}). Figures are of {evaluation.pooling}."
        ),
        _other_intervals(evaluation),
    )


def _other_intervals(evaluation: Evaluation) -> Html:
    findings = evaluation.findings
    rows: list[tuple[str, Interval, str]] = []
    if findings.delong is not None:
        rows.append((TITLES["roc_auc"], findings.delong, f"DeLong, clustered by {evaluation.unit}"))
    rows += [(TITLES[name], value, "exact binomial (Clopper–Pearson)") for name, value in findings.exact.items()]
    heading = Html("<h3>Intervals by formula</h3>")
    shown = joined(heading, table(("figure", "95 % interval", "method"), rows)) if rows else Html("")
    note = "" if findings.exact else "Sensitivity and specificity: the clustered bootstrap above applies."
    return joined(shown, words(note) if note else "")


def _calls(evaluation: Evaluation) -> Html:
    counts, positive = evaluation.confusion, evaluation.positive
    head = ("", f"called {positive}", "not called")
    both = [
        (positive, f"{counts.true_positives:,}", f"{counts.false_negatives:,}"),
        (f"not {positive}", f"{counts.false_positives:,}", f"{counts.true_negatives:,}"),
    ]
    classes = [
        (label, f"{called:,}", f"{passed:,}", f"{called / (called + passed):.1%}")
        for label, called, passed in evaluation.findings.classes
    ]
    return joined(
        table(head, both, "confusion"),
        Html("<h3>By label</h3>"),
        table(("label", f"called {positive}", "not called", "share called"), classes),
    )


def _curves(evaluation: Evaluation, drawn: Mapping[str, str]) -> Html:
    stated = evaluation.findings.stated
    here = f"{evaluation.labels.mean():.4g}"
    share = here if stated is None else f"{stated.prevalence:.4g}, with probabilities shifted to it"
    return plots(drawn, {name: caption.format(share=share) for name, caption in CAPTIONS.items()})


def _calibration(evaluation: Evaluation) -> Html:
    found = evaluation.findings.recalibration
    ideal = {"calibration_intercept": "0", "calibration_slope": "1"}
    rows: list[tuple[Cell, ...]] = [(TITLES[name], found.get(name), best) for name, best in ideal.items()]
    return joined(
        table(("figure", "95 % interval", "honest would be"), rows),
        words(
            "Intercept: calibration in the large; above 0 the model promises too little, below 0 too much. Slope: "
            f"below 1 its probabilities are too extreme. Sandwich intervals, clustered by {evaluation.unit}."
        ),
    )


def _prevalence(evaluation: Evaluation) -> Html:
    findings = evaluation.findings
    here = float(evaluation.labels.mean())
    stated = findings.stated
    rows = [_predictive(row, here, stated) for row in findings.predictive]
    shown = joined(
        table(("prevalence", "PPV", "NPV"), rows),
        words(
            "Sensitivity and specificity at the operating point, taken over to other shares of women with the disease; "
            "they may differ among such women too."
        ),
    )
    if stated is None:
        return shown
    return joined(
        shown,
        Html("<h3>At the stated prevalence</h3>"),
        table(
            (),
            [
                ("Prevalence", f"{stated.prevalence:.4g}"),
                ("PPV", stated.values.ppv),
                ("NPV", stated.values.npv),
                ("Threshold on shifted probabilities", f"{stated.threshold:.4g}"),
                ("Mean shifted probability", f"{stated.probabilities.mean():.4g}"),
            ],
        ),
        words(
            f"Probabilities are shifted from the prevalence {stated.source:.4g} by Bayes' rule; "
            "the same cases are called. Each is in predictions.csv."
        ),
    )


def _predictive(row: Predictive, here: float, stated: Stated | None) -> tuple[Cell, ...]:
    marks = [" (these data)"] if row.prevalence == here else []
    if stated is not None and row.prevalence == stated.prevalence:
        marks.append(" (stated)")
    return (f"{row.prevalence:.4g}{''.join(marks)}", row.ppv, row.npv)


def _transfer(evaluation: Evaluation) -> Html:
    rows = [
        (row.name, f"{row.threshold:.4g}", row.sensitivity, row.specificity) for row in evaluation.findings.transfer
    ]
    fitted = evaluation.manifest.calibration.fitted_on if evaluation.manifest else "other data"
    return joined(
        table(("threshold", "value", "sensitivity", "specificity"), rows),
        words(
            f"The bundle was calibrated on {fitted}. The moved thresholds know the share of positives in these data, "
            "and no single label."
        ),
    )


def _subgroups(evaluation: Evaluation) -> Html:
    groups = evaluation.findings.subgroups
    parts: list[str] = []
    for fact in dict.fromkeys(group.fact for group in groups):
        rows = [_subgroup(group) for group in groups if group.fact == fact]
        head = (
            "value",
            f"{evaluation.level}s",
            evaluation.unit,
            "positive",
            *(TITLES[name] for name in SUBGROUP_FIGURES),
        )
        title = Html(f"<h3>{markup(fact)}</h3>")
        parts += [title, table(head, rows)]
    caution = "" if not any(group.few for group in groups) else Html(f'<p class="few">⚠ marks {FEW}.</p>')
    return joined(caution, *parts)


def _subgroup(group: Subgroup) -> tuple[Cell, ...]:
    mark = Html(f' <span class="few" title="{FEW}">⚠</span>') if group.few else Html("")
    name = Html(f"{markup(group.value)}{mark}")
    counts = (f"{group.images:,}", f"{group.patients:,}", f"{group.positives:,}")
    return (name, *counts, *(group.table.get(figure) for figure in SUBGROUP_FIGURES))


def unreadable(unread: Sequence[Unread]) -> Html:
    """List images without an answer, with the reason."""
    lines = [f"{item.path}: {item.reason}" for item in unread[:MOST_UNREAD]]
    if len(unread) > MOST_UNREAD:
        lines.append(f"and {len(unread) - MOST_UNREAD:,} more, in report.json")
    return items(lines)


def asked_for(checklists: tuple[Checklist, ...]) -> Html:
    """Show what checklists ask for, and what is answered."""
    said = words(
        "Filled from what the run knows; our short wordings, the checklists' numbers. The rest is the author's."
    )
    return joined(said, *(_checklist(checklist) for checklist in checklists))


def _checklist(checklist: Checklist) -> Html:
    rows = [(item.number, item.section, item.asks, item.shown) for item in checklist.items]
    body = joined(words(checklist.source), table(("item", "section", "asks for", "answer"), rows))
    return folded(f"{checklist.name}: {checklist.provided} of {len(rows)} items", body)


def described(data: DatasetFingerprint) -> Html:
    """Say which data they are, on which terms, and how to cite them."""
    return joined(
        Html(f"<p>{markup(data.title)}. Licence: {markup(data.licence)}.</p>"),
        words(data.citation),
        Html(f'<p class="soft">Fingerprint: <code>{data.sha256}</code></p>'),
    )
