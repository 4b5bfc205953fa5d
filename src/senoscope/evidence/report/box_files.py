"""An evaluation of boxes as files: a page for people, JSON for programs, every box and every picture as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.evaluation.boxes import BoxEvaluation
from senoscope.evidence.metrics.boxes import WORDS, hit
from senoscope.evidence.metrics.curves import Curve, roc_curve
from senoscope.evidence.metrics.detection import OVERLAP, iou, match, precision_curve
from senoscope.evidence.metrics.subgroups import Subgroup
from senoscope.evidence.report.box_disclosed import known
from senoscope.evidence.report.box_page import render
from senoscope.evidence.report.box_plots import draw_boxes
from senoscope.evidence.report.checklists import Checklist, fill
from senoscope.evidence.report.plain import dumped, plain_curve, plain_interval
from senoscope.evidence.report.plain_parts import plain_bootstrap, plain_remarks, plain_subject
from senoscope.evidence.tables.rows import rows_text

COLUMNS = ("sample_id", "path", "group", "box", "left", "top", "width", "height", "score", "shown", "iou", "right")
PICTURE_COLUMNS = (
    *("sample_id", "path", "patient_id", "group", "label", "truth", "probability", "called", "lesions", "found"),
    *("iou", "boxes", "shown", "stray", "abstained"),
)


def box_files(evaluation: BoxEvaluation, version: int) -> dict[str, str]:
    """Make every file of the report by name, the page last; `version` is that of `report.json`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    checklists = fill(known(evaluation))
    page = render(evaluation, draw_boxes(evaluation), checklists)
    return {
        "predictions.csv": rows_text(COLUMNS, list(_boxes(evaluation))),
        "pictures.csv": rows_text(PICTURE_COLUMNS, list(_pictures(evaluation))),
        "report.json": dumped({"format": version, **to_json(evaluation, checklists)}),
        "report.html": page,
    }


def to_json(evaluation: BoxEvaluation, checklists: Sequence[Checklist] = ()) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is undefined is null."""
    return {
        **plain_subject(evaluation),
        "positive": evaluation.positive,
        "matching": {"iou": OVERLAP, "shown": evaluation.shown},
        "operating_point": {"name": evaluation.operating_point},
        "counts": {
            "images": len(evaluation.samples),
            "groups": evaluation.dataset.patients,
            "unit": evaluation.unit,
            "positives": int(evaluation.labels.sum()),
            "lesions": evaluation.curve.lesions,
            "abstained": int(evaluation.abstained.sum()) if evaluation.abstains else None,
            "unread": len(evaluation.unread),
        },
        "intervals": plain_bootstrap(evaluation),
        "figures": {"all": _figures(evaluation.table), "without_abstained": _figures(evaluation.answered)},
        "curves": _curves(evaluation),
        "subgroups": [_subgroup(group) for group in evaluation.subgroups],
        **plain_remarks(evaluation, checklists),
    }


def _figures(table: Mapping[str, Interval]) -> dict[str, dict[str, float] | None]:
    return {name: plain_interval(table.get(name)) for name in WORDS}


def _curves(evaluation: BoxEvaluation) -> dict[str, Any]:
    curve, boxed = evaluation.curve, evaluation.boxed
    found = {
        "froc": plain_curve(
            Curve(curve.rates, curve.sensitivity, curve.thresholds), "false_positives_an_image", "sensitivity"
        ),
        "pr": plain_curve(precision_curve(boxed.pictures), "recall", "precision"),
    }
    if "roc_auc" in evaluation.table:
        roc = roc_curve(evaluation.labels, boxed.probabilities)
        found["roc"] = plain_curve(roc, "one_minus_specificity", "sensitivity")
    return found


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


def _boxes(evaluation: BoxEvaluation) -> Iterator[dict[str, object]]:
    """One row a box, the surest of each picture first."""
    boxed = evaluation.boxed
    for sample, picture, shown in zip(evaluation.samples.samples, boxed.pictures, boxed.shown, strict=True):
        shares = iou(picture.boxes, picture.truth)
        right = match(picture.truth, picture.boxes, picture.scores) >= 0
        for row, (box, score) in enumerate(zip(picture.boxes, picture.scores, strict=True)):
            left, top, width, height = (int(edge) if edge == int(edge) else float(edge) for edge in np.round(box, 2))
            yield {
                "sample_id": sample.sample_id,
                "path": sample.path,
                "group": sample.group,
                "box": row + 1,
                "left": left,
                "top": top,
                "width": width,
                "height": height,
                "score": float(score),
                "shown": int(row < shown),
                "iou": float(shares[row].max(initial=0.0)),
                "right": int(right[row]),
            }


def _pictures(evaluation: BoxEvaluation) -> Iterator[dict[str, object]]:
    """One row a picture."""
    boxed = evaluation.boxed
    for row, (sample, picture) in enumerate(zip(evaluation.samples.samples, boxed.pictures, strict=True)):
        shown = int(boxed.shown[row])
        one = hit(picture, shown)
        yield {
            "sample_id": sample.sample_id,
            "path": sample.path,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "label": sample.label,
            "truth": int(one.lesions > 0),
            "probability": float(boxed.probabilities[row]),
            "called": int(boxed.called[row]),
            "lesions": one.lesions,
            "found": one.found,
            "iou": one.overlap / one.lesions if one.lesions else "",
            "boxes": len(picture.boxes),
            "shown": shown,
            "stray": one.stray,
            "abstained": int(evaluation.abstained[row]),
        }
