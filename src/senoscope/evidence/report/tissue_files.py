"""An evaluation of labels at every pixel as files: a page for people, JSON for programs, every region as CSV."""

from collections.abc import Sequence
from typing import Any

from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.metrics.subgroups import Subgroup
from senoscope.evidence.metrics.tissue import OF_LABEL, WORDS
from senoscope.evidence.report.checklists import Checklist, fill
from senoscope.evidence.report.plain import dumped, plain_interval
from senoscope.evidence.report.plain_parts import plain_bootstrap, plain_remarks, plain_subject
from senoscope.evidence.report.tissue_disclosed import known
from senoscope.evidence.report.tissue_page import render
from senoscope.evidence.tables.rows import rows_text


def tissue_files(evaluation: TissueEvaluation, version: int) -> dict[str, str]:
    """Make every file of the report by name, the page last; `version` is that of `report.json`."""
    checklists, rows = fill(known(evaluation)), _rows(evaluation)
    return {
        "predictions.csv": rows_text(tuple(rows[0]), rows),
        "confusion.csv": rows_text(("truth", *evaluation.classes), _confusion(evaluation)),
        "report.json": dumped({"format": version, **to_json(evaluation, checklists)}),
        "report.html": render(evaluation, checklists),
    }


def to_json(evaluation: TissueEvaluation, checklists: Sequence[Checklist] = ()) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is undefined is null."""
    return {
        **_asked(evaluation),
        "figures": _figures(evaluation),
        "confusion": {row["truth"]: {name: row[name] for name in evaluation.classes} for row in _confusion(evaluation)},
        "subgroups": [_subgroup(group) for group in evaluation.subgroups],
        **plain_remarks(evaluation, checklists),
    }


def _asked(evaluation: TissueEvaluation) -> dict[str, Any]:
    return {
        **plain_subject(evaluation),
        "labels": list(evaluation.classes),
        "positive": evaluation.positive,
        "operating_point": {"name": "most_probable", "threshold": None},
        "counts": {
            "images": len(evaluation.samples),
            "groups": evaluation.dataset.patients,
            "unit": evaluation.unit,
            "pixels": int(evaluation.counts.sum()),
            "withheld_squares": int(evaluation.withheld.sum()) if evaluation.abstains else None,
            "unread": len(evaluation.unread),
        },
        "intervals": plain_bootstrap(evaluation),
    }


def _figures(evaluation: TissueEvaluation) -> dict[str, Any]:
    figures = evaluation.figures
    single = {label: figures.labels.get(label, {}) for label in evaluation.classes}
    return {
        "overall": {name: plain_interval(figures.overall.get(name)) for name in WORDS},
        "labels": {
            label: {name: plain_interval(found.get(name)) for name in OF_LABEL} for label, found in single.items()
        },
    }


def _subgroup(group: Subgroup) -> dict[str, Any]:
    return {
        "fact": group.fact,
        "value": group.value,
        "images": group.images,
        "groups": group.patients,
        "few": group.few,
        "figures": {name: plain_interval(group.table.get(name)) for name in WORDS},
    }


def _confusion(evaluation: TissueEvaluation) -> list[dict[str, Any]]:
    return [
        {"truth": label, **dict(zip(evaluation.classes, (int(count) for count in row), strict=True))}
        for label, row in zip(evaluation.classes, evaluation.confusion, strict=True)
    ]


def _rows(evaluation: TissueEvaluation) -> list[dict[str, object]]:
    """One a region: its pixels, how many are called rightly, and how many truly are and are called each label."""
    return [
        {
            "sample_id": sample.sample_id,
            "path": sample.path,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "pixels": int(counts.sum()),
            "right": int(counts.trace()),
            **{f"true_{name}": int(count) for name, count in zip(evaluation.classes, counts.sum(axis=1), strict=True)},
            **{
                f"called_{name}": int(count) for name, count in zip(evaluation.classes, counts.sum(axis=0), strict=True)
            },
        }
        for sample, counts in zip(evaluation.samples.samples, evaluation.counts, strict=True)
    ]
