"""An evaluation as one web page that needs nothing beside itself."""

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from string import Template

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.evaluation import Evaluation
from senoscope.evidence.metrics.classification import BINS, FIGURES, TITLES

CAPTIONS = {
    "roc": "ROC curve; the dot is the operating point.",
    "pr": "Precision–recall curve; the line is the share of positives.",
    "reliability": "Reliability; dots are larger where there are more images, and honest on the diagonal.",
    "histogram": "Probabilities given; the dashed line is the operating point.",
}

MOST_UNREAD = 50
"""Unreadable images named on the page; `report.json` names all."""


def render(evaluation: Evaluation, plots: Mapping[str, str]) -> str:
    """Write the page; everything that came from data is escaped, and nothing is loaded from elsewhere.

    Args:
        evaluation: what to show.
        plots: SVG by name, from `plots.draw`.
    """
    data = evaluation.dataset
    template = Template(files("senoscope.evidence").joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(evaluation.title),
        bundle=escape(evaluation.bundle),
        version=escape(evaluation.version),
        dataset=escape(data.title),
        banner=_banner(evaluation.leak),
        facts=_facts(evaluation),
        answered="<th>without abstained images</th>" if evaluation.abstains else "",
        figures="\n".join(_figure(name, evaluation) for name in FIGURES),
        unit=evaluation.unit,
        replicates=f"{evaluation.replicates:,}",
        bins=BINS,
        threshold=f"{evaluation.threshold:.4g}",
        point=escape(evaluation.operating_point),
        positive=escape(evaluation.positive),
        calls=_calls(evaluation),
        plots="\n".join(
            f"<figure>{plot}<figcaption>{CAPTIONS[name]}</figcaption></figure>" for name, plot in plots.items()
        ),
        notes=_items(evaluation.notes) or "<li>None.</li>",
        unread=_unread(evaluation),
        title_of_data=escape(data.title),
        licence=escape(data.licence),
        citation=escape(data.citation),
        fingerprint=data.sha256,
    )


def _banner(leak: str) -> str:
    if not leak:
        return ""
    return f'<div class="banner" role="alert"><strong>LEAKY</strong> These figures are too good: {escape(leak)}.</div>'


def _facts(evaluation: Evaluation) -> str:
    positives, images = int(evaluation.labels.sum()), len(evaluation.labels)
    rows = {
        "Protocol": evaluation.protocol,
        "Images": f"{images:,}, of them {positives:,} {evaluation.positive} ({positives / images:.1%})",
        evaluation.unit.capitalize(): f"{evaluation.dataset.patients:,}",
        "Abstained": _withheld(evaluation),
        "Unreadable": f"{len(evaluation.unread):,}",
    }
    return "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows.items())


def _withheld(evaluation: Evaluation) -> str:
    if not evaluation.abstains:
        return "not part of this evaluation: the models of the folds answer everything"
    withheld, positives = int(evaluation.abstained.sum()), int(evaluation.labels[evaluation.abstained].sum())
    return f"{withheld:,} ({withheld / len(evaluation.labels):.1%}), of them {positives:,} positive"


def _figure(name: str, evaluation: Evaluation) -> str:
    tables = (evaluation.table, evaluation.answered) if evaluation.abstains else (evaluation.table,)
    cells = "".join(f"<td>{_interval(table.get(name))}</td>" for table in tables)
    return f"<tr><th>{TITLES[name]}</th>{cells}</tr>"


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return '<span class="range">undefined</span>'
    return f'{interval.value:.3f} <span class="range">({interval.low:.3f}–{interval.high:.3f})</span>'


def _calls(evaluation: Evaluation) -> str:
    counts, positive = evaluation.confusion, escape(evaluation.positive)
    return (
        f"<tr><th>{positive}</th><td>{counts.true_positives:,}</td><td>{counts.false_negatives:,}</td></tr>\n"
        f"<tr><th>not {positive}</th><td>{counts.false_positives:,}</td><td>{counts.true_negatives:,}</td></tr>"
    )


def _items(texts: Iterable[str]) -> str:
    return "\n".join(f"<li>{escape(text)}</li>" for text in texts)


def _unread(evaluation: Evaluation) -> str:
    if not evaluation.unread:
        return ""
    lines = [f"{item.path}: {item.reason}" for item in evaluation.unread[:MOST_UNREAD]]
    if len(evaluation.unread) > MOST_UNREAD:
        lines.append(f"and {len(evaluation.unread) - MOST_UNREAD:,} more, in report.json")
    return f"<h2>Images that could not be read</h2>\n<ul>\n{_items(lines)}\n</ul>"
