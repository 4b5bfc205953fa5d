"""An evaluation as files: a page for people, JSON for programs, and every answer as CSV."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from senoscope import __version__
from senoscope.core.domain.bundle import Interval
from senoscope.evidence.evaluation import Evaluation, Unread, assess
from senoscope.evidence.metrics.classification import BINS, FIGURES, Values
from senoscope.evidence.metrics.curves import Curve, pr_curve, reliability, roc_curve
from senoscope.evidence.page import render
from senoscope.evidence.plots import draw
from senoscope.evidence.tables import write_rows, write_text

__all__ = ["Evaluation", "Unread", "assess", "to_json", "write_report"]

FORMAT = 1
"""Version of `report.json`."""

MOST_POINTS = 1000
"""Points of a curve in `report.json`; more are thinned evenly, ends kept."""

COLUMNS = ("sample_id", "path", "patient_id", "group", "label", "truth", "probability", "called", "abstained")


def write_report(evaluation: Evaluation, out: Path) -> Path:
    """Write `report.html`, `report.json` and `predictions.csv` into a folder, each atomically.

    Returns:
        Path of the page.

    Raises:
        MissingExtraError: matplotlib is not installed; nothing is written.
        DatasetError: the folder cannot be written.
    """
    page = render(evaluation, draw(evaluation))
    write_rows(out / "predictions.csv", COLUMNS, _rows(evaluation))
    write_text(out / "report.json", json.dumps(to_json(evaluation), indent=1, allow_nan=False, ensure_ascii=False))
    write_text(out / "report.html", page)
    return out / "report.html"


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is 0/0 is null."""
    labels, values = evaluation.labels, evaluation.probabilities
    bins = reliability(labels, values)
    return {
        "format": FORMAT,
        "senoscope": __version__,
        "title": evaluation.title,
        "research_use_only": True,
        "bundle": {"name": evaluation.bundle, "version": evaluation.version},
        "dataset": evaluation.dataset.model_dump(),
        "protocol": evaluation.protocol,
        "leaky": evaluation.leaky,
        "leak": evaluation.leak,
        "positive": evaluation.positive,
        "operating_point": {"name": evaluation.operating_point, "threshold": evaluation.threshold},
        "counts": {
            "images": len(labels),
            "groups": evaluation.dataset.patients,
            "unit": evaluation.unit,
            "positives": int(labels.sum()),
            "abstained": int(evaluation.abstained.sum()) if evaluation.abstains else None,
            "unread": len(evaluation.unread),
        },
        "intervals": {"level": 0.95, "replicates": evaluation.replicates, "resampled": evaluation.unit},
        "figures": {"all": _figures(evaluation.table), "without_abstained": _figures(evaluation.answered)},
        "confusion": asdict(evaluation.confusion),
        "curves": {
            "roc": _curve(roc_curve(labels, values), "one_minus_specificity", "sensitivity"),
            "pr": _curve(pr_curve(labels, values), "recall", "precision"),
            "reliability": {
                "bins": BINS,
                "predicted": bins.predicted.tolist(),
                "observed": bins.observed.tolist(),
                "counts": [int(count) for count in bins.counts],
            },
        },
        "notes": list(evaluation.notes),
        "unread": [asdict(item) for item in evaluation.unread],
    }


def _figures(table: Mapping[str, Interval]) -> dict[str, dict[str, float] | None]:
    return {name: table[name].model_dump() if name in table else None for name in FIGURES}


def _curve(curve: Curve, x: str, y: str) -> dict[str, list[float | None]]:
    kept = np.unique(np.linspace(0, len(curve.x) - 1, min(len(curve.x), MOST_POINTS)).round().astype(int))
    return {x: _numbers(curve.x[kept]), y: _numbers(curve.y[kept]), "thresholds": _numbers(curve.thresholds[kept])}


def _numbers(values: Values) -> list[float | None]:
    """JSON knows no infinity: the threshold that calls nothing is null."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _rows(evaluation: Evaluation) -> list[dict[str, object]]:
    called = evaluation.probabilities >= evaluation.thresholds
    return [
        {
            "sample_id": sample.sample_id,
            "path": sample.path,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "label": sample.label,
            "truth": int(evaluation.labels[row]),
            "probability": float(evaluation.probabilities[row]),
            "called": int(called[row]),
            "abstained": int(evaluation.abstained[row]),
        }
        for row, sample in enumerate(evaluation.samples.samples)
    ]
