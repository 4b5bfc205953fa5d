"""An evaluation of several labels as files: a page for people, JSON for programs, and every answer as CSV."""

from collections.abc import Sequence
from typing import Any

from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.evidence.metrics.classification import BINS
from senoscope.evidence.metrics.curves import reliability, roc_curve
from senoscope.evidence.metrics.multiclass import OF_CLASS, WORDS, Multiclass
from senoscope.evidence.report.checklists import Checklist, fill
from senoscope.evidence.report.multiclass_disclosed import known
from senoscope.evidence.report.multiclass_page import render
from senoscope.evidence.report.plain import dumped, plain_curve, plain_interval
from senoscope.evidence.report.plain_parts import plain_bootstrap, plain_remarks, plain_subject
from senoscope.evidence.report.plots import draw_multiclass
from senoscope.evidence.tables.rows import rows_text


def multiclass_files(evaluation: MulticlassEvaluation, version: int) -> dict[str, str]:
    """Make every file of the report by name, the page last; `version` is that of `report.json`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    checklists = fill(known(evaluation))
    page = render(evaluation, draw_multiclass(evaluation), checklists)
    rows = _rows(evaluation)
    return {
        "predictions.csv": rows_text(tuple(rows[0]), rows),
        "report.json": dumped({"format": version, **to_json(evaluation, checklists)}),
        "report.html": page,
    }


def to_json(evaluation: MulticlassEvaluation, checklists: Sequence[Checklist] = ()) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is 0/0 is null."""
    return {
        **plain_subject(evaluation),
        "labels": list(evaluation.classes),
        "positive": evaluation.positive,
        "operating_point": {"name": "most_probable", "threshold": None},
        "counts": {
            "images": len(evaluation.samples),
            "groups": evaluation.dataset.patients,
            "unit": evaluation.unit,
            "labels": {label: evaluation.labels.count(label) for label in evaluation.classes},
            "abstained": int(evaluation.abstained.sum()) if evaluation.abstains else None,
            "unread": len(evaluation.unread),
        },
        "intervals": plain_bootstrap(evaluation),
        "figures": {
            "all": _figures(evaluation.figures, evaluation.classes),
            "without_abstained": _figures(evaluation.answered, evaluation.classes),
        },
        "confusion": {
            label: dict(zip(evaluation.classes, (int(count) for count in row), strict=True))
            for label, row in zip(evaluation.classes, evaluation.confusion, strict=True)
        },
        "curves": {label: _curves(evaluation, number) for number, label in enumerate(evaluation.classes)},
        **plain_remarks(evaluation, checklists),
    }


def _figures(found: Multiclass, classes: Sequence[str]) -> dict[str, Any]:
    single = {label: found.classes.get(label, {}) for label in classes}
    return {
        "overall": {name: plain_interval(found.overall.get(name)) for name in WORDS},
        "labels": {
            label: {name: plain_interval(table.get(name)) for name in OF_CLASS} for label, table in single.items()
        },
    }


def _curves(evaluation: MulticlassEvaluation, number: int) -> dict[str, Any]:
    """One label against the rest."""
    mine = [int(label == evaluation.classes[number]) for label in evaluation.labels]
    values = evaluation.probabilities[:, number]
    bins = reliability(mine, values)
    return {
        "roc": plain_curve(roc_curve(mine, values), "one_minus_specificity", "sensitivity"),
        "reliability": {
            "bins": BINS,
            "predicted": bins.predicted.tolist(),
            "observed": bins.observed.tolist(),
            "low": bins.low.tolist(),
            "high": bins.high.tolist(),
            "counts": [int(count) for count in bins.counts],
        },
    }


def _rows(evaluation: MulticlassEvaluation) -> list[dict[str, object]]:
    called = evaluation.called
    return [
        {
            "sample_id": sample.sample_id,
            "path": sample.path,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "label": sample.label,
            **{
                f"probability_{label}": float(value)
                for label, value in zip(evaluation.classes, evaluation.probabilities[row], strict=True)
            },
            "called": called[row],
            "abstained": int(evaluation.abstained[row]),
        }
        for row, sample in enumerate(evaluation.samples.samples)
    ]
