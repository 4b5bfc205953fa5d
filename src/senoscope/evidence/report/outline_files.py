"""An evaluation of outlines as files: a page for people, JSON for programs, and every answer as CSV."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.metrics.curves import roc_curve
from senoscope.evidence.metrics.outlines import WORDS
from senoscope.evidence.metrics.subgroups import Subgroup
from senoscope.evidence.report.checklists import Checklist, fill
from senoscope.evidence.report.outline_disclosed import known
from senoscope.evidence.report.outline_page import render
from senoscope.evidence.report.outline_plots import draw_outlines
from senoscope.evidence.report.plain import dumped, plain_curve, plain_interval
from senoscope.evidence.report.plain_parts import plain_bootstrap, plain_remarks, plain_subject
from senoscope.evidence.tables.rows import rows_text

COLUMNS = (
    *("sample_id", "path", "patient_id", "group", "label", "truth", "probability", "called", "dice", "iou", "hd95"),
    *("hd95_share", "pixel_sensitivity", "pixel_precision", "true_pixels", "marked_pixels", "abstained"),
)


def outline_files(evaluation: OutlineEvaluation, version: int) -> dict[str, str]:
    """Make every file of the report by name, the page last; `version` is that of `report.json`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    checklists = fill(known(evaluation))
    page = render(evaluation, draw_outlines(evaluation), checklists)
    return {
        "predictions.csv": rows_text(COLUMNS, _rows(evaluation)),
        "report.json": dumped({"format": version, **to_json(evaluation, checklists)}),
        "report.html": page,
    }


def to_json(evaluation: OutlineEvaluation, checklists: Sequence[Checklist] = ()) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is undefined is null."""
    return {
        **plain_subject(evaluation),
        "positive": evaluation.positive,
        "marking": {"threshold": evaluation.threshold, "smallest": evaluation.smallest},
        "operating_point": {"name": evaluation.operating_point, "threshold": _threshold(evaluation)},
        "counts": {
            "images": len(evaluation.samples),
            "groups": evaluation.dataset.patients,
            "unit": evaluation.unit,
            "positives": int(evaluation.labels.sum()),
            "abstained": int(evaluation.abstained.sum()) if evaluation.abstains else None,
            "unread": len(evaluation.unread),
        },
        "intervals": plain_bootstrap(evaluation),
        "figures": {"all": _figures(evaluation.table), "without_abstained": _figures(evaluation.answered)},
        "curves": _curves(evaluation),
        "worst": [evaluation.samples.samples[row].sample_id for row in evaluation.worst()],
        "subgroups": [_subgroup(group) for group in evaluation.subgroups],
        **plain_remarks(evaluation, checklists),
    }


def _threshold(evaluation: OutlineEvaluation) -> float | None:
    """The one threshold of all images; null where they have their own, or none."""
    bounds = evaluation.thresholds
    return float(bounds[0]) if bounds is not None and (bounds == bounds[0]).all() else None


def _figures(table: Mapping[str, Interval]) -> dict[str, dict[str, float] | None]:
    return {name: plain_interval(table.get(name)) for name in WORDS}


def _curves(evaluation: OutlineEvaluation) -> dict[str, Any]:
    chances = evaluation.pictures.probabilities
    if chances is None or "roc_auc" not in evaluation.table:
        return {}
    return {"roc": plain_curve(roc_curve(evaluation.labels, chances), "one_minus_specificity", "sensitivity")}


def _subgroup(group: Subgroup) -> dict[str, Any]:
    return {
        "fact": group.fact,
        "value": group.value,
        "images": group.images,
        "groups": group.patients,
        "positives": group.positives,
        "few": group.few,
        "figures": _figures(group.table),
    }


def _rows(evaluation: OutlineEvaluation) -> list[dict[str, object]]:
    """One an image; what is undefined without a true region stays empty."""
    chances, called = evaluation.pictures.probabilities, evaluation.pictures.called
    return [
        {
            "sample_id": sample.sample_id,
            "path": sample.path,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "label": sample.label,
            "truth": int(bool(one.truth)),
            "probability": "" if chances is None else float(chances[row]),
            "called": "" if called is None else int(called[row]),
            "dice": _stated(one.dice),
            "iou": _stated(one.iou),
            "hd95": _stated(one.hd95),
            "hd95_share": _stated(one.hd95_share),
            "pixel_sensitivity": _stated(one.sensitivity),
            "pixel_precision": _stated(one.precision),
            "true_pixels": one.truth,
            "marked_pixels": one.marked,
            "abstained": int(evaluation.abstained[row]),
        }
        for row, (sample, one) in enumerate(zip(evaluation.samples.samples, evaluation.fits, strict=True))
    ]


def _stated(value: float) -> object:
    return "" if np.isnan(value) else value
