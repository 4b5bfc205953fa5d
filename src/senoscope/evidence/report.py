"""An evaluation as files: a page for people, JSON for programs, and every answer as CSV."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from senoscope import __version__
from senoscope.core.domain.bundle import Interval
from senoscope.evidence.checklists import Checklist, fill
from senoscope.evidence.disclosed import known
from senoscope.evidence.evaluation import Evaluation, Unread, assess
from senoscope.evidence.findings import Findings, Predictive, Stated
from senoscope.evidence.metrics.classification import BINS, FIGURES, Values
from senoscope.evidence.metrics.curves import Curve, pr_curve, reliability, roc_curve
from senoscope.evidence.page import render
from senoscope.evidence.plots import draw
from senoscope.evidence.tables import rows_text, write_text

__all__ = ["Evaluation", "Unread", "assess", "report_files", "to_json", "write_report"]

FORMAT = 2
"""Version of `report.json`."""

MOST_POINTS = 1000
"""Points of a curve in `report.json`; more are thinned evenly, ends kept."""

COLUMNS = ("sample_id", "path", "patient_id", "group", "label", "truth", "probability", "called", "abstained")
CASE_COLUMNS = ("case", "group", "images", "truth", "probability", "called", "abstained")


def write_report(evaluation: Evaluation, out: Path) -> Path:
    """Write `report.html`, `report.json` and `predictions.csv` into a folder, each atomically.

    Where the figures are of breasts or patients, `cases.csv` has one row each beside them.

    Returns:
        Path of the page.

    Raises:
        MissingExtraError: matplotlib is not installed; nothing is written.
        DatasetError: the folder cannot be written.
    """
    write_files(report_files(evaluation), out)
    return out / "report.html"


def report_files(evaluation: Evaluation) -> dict[str, str]:
    """Make everything that `write_report` writes, by file name, the page last; raises as it does."""
    checklists = fill(known(evaluation))
    page = render(evaluation, draw(evaluation), checklists)
    files = {"predictions.csv": rows_text(_columns(COLUMNS, evaluation), _images(evaluation))}
    if evaluation.level != "image":
        files["cases.csv"] = rows_text(_columns(CASE_COLUMNS, evaluation), _cases(evaluation))
    return files | {"report.json": dumped(to_json(evaluation, checklists)), "report.html": page}


def write_files(files: Mapping[str, str], out: Path) -> None:
    """Write texts by name, each whole or not at all."""
    for name, text in files.items():
        write_text(out / name, text)


def dumped(values: object) -> str:
    """JSON without NaN."""
    return json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False)


def to_json(evaluation: Evaluation, checklists: Sequence[Checklist] = ()) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is 0/0 is null."""
    findings = evaluation.findings
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
        "cases": cases(evaluation),
        "counts": _counts(evaluation),
        "intervals": {
            "level": 0.95,
            "replicates": evaluation.replicates,
            "resampled": evaluation.unit,
            "seed": evaluation.seed,
        },
        "figures": {"all": figures(evaluation.table), "without_abstained": figures(evaluation.answered)},
        "delong": _interval(findings.delong),
        "exact": {name: _interval(findings.exact.get(name)) for name in ("sensitivity", "specificity")},
        "recalibration": {name: _interval(value) for name, value in findings.recalibration.items()},
        "confusion": asdict(evaluation.confusion),
        "calls": {label: {"called": called, "not_called": passed} for label, called, passed in findings.classes},
        "curves": _curves(evaluation),
        **_findings(findings),
        "notes": list(evaluation.notes),
        "unread": [asdict(item) for item in evaluation.unread],
        "checklists": [_checklist(checklist) for checklist in checklists],
    }


def cases(evaluation: Evaluation) -> dict[str, Any]:
    """What the figures count, as JSON."""
    return {
        "level": evaluation.level,
        "rule": None if evaluation.level == "image" else evaluation.rule,
        "count": len(evaluation.cases),
        "positives": int(evaluation.labels.sum()),
    }


def _counts(evaluation: Evaluation) -> dict[str, Any]:
    images = evaluation.images
    return {
        "images": len(images),
        "groups": evaluation.dataset.patients,
        "unit": evaluation.unit,
        "positives": int(images.labels.sum()),
        "abstained": int(images.abstained.sum()) if evaluation.abstains else None,
        "unread": len(evaluation.unread),
    }


def _findings(findings: Findings) -> dict[str, Any]:
    stated = findings.stated
    return {
        "predictive_values": [_predictive(row) for row in findings.predictive],
        "stated_prevalence": None
        if stated is None
        else {**_predictive(stated.values), "shifted_from": stated.source, "shifted_threshold": stated.threshold},
        "threshold_transfer": [
            {
                "name": row.name,
                "threshold": row.threshold,
                "sensitivity": _interval(row.sensitivity),
                "specificity": _interval(row.specificity),
            }
            for row in findings.transfer
        ],
        "subgroups": [
            {
                "fact": group.fact,
                "value": group.value,
                "cases": group.images,
                "groups": group.patients,
                "positives": group.positives,
                "few": group.few,
                "figures": {name: _interval(value) for name, value in group.table.items()},
            }
            for group in findings.subgroups
        ],
    }


def _predictive(row: Predictive) -> dict[str, Any]:
    return {"prevalence": row.prevalence, "ppv": _interval(row.ppv), "npv": _interval(row.npv)}


def _checklist(checklist: Checklist) -> dict[str, Any]:
    return {
        "name": checklist.name,
        "source": checklist.source,
        "items": [
            {
                "number": item.number,
                "section": item.section,
                "asks": item.asks,
                "provided": bool(item.answer),
                "answer": item.shown,
            }
            for item in checklist.items
        ],
    }


def figures(table: Mapping[str, Interval]) -> dict[str, dict[str, float] | None]:
    """All of `FIGURES` as JSON, null where undefined."""
    return {name: _interval(table.get(name)) for name in FIGURES}


def _interval(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else interval.model_dump()


def _curves(evaluation: Evaluation) -> dict[str, Any]:
    labels, values = evaluation.labels, evaluation.probabilities
    bins, decision = reliability(labels, values), evaluation.findings.decision
    return {
        "roc": _curve(roc_curve(labels, values), "one_minus_specificity", "sensitivity"),
        "pr": _curve(pr_curve(labels, values), "recall", "precision"),
        "reliability": {
            "bins": BINS,
            "predicted": bins.predicted.tolist(),
            "observed": bins.observed.tolist(),
            "low": bins.low.tolist(),
            "high": bins.high.tolist(),
            "counts": [int(count) for count in bins.counts],
        },
        "decision": {name: _numbers(getattr(decision, name)) for name in ("thresholds", "model", "everyone", "nobody")},
    }


def _curve(curve: Curve, x: str, y: str) -> dict[str, list[float | None]]:
    kept = np.unique(np.linspace(0, len(curve.x) - 1, min(len(curve.x), MOST_POINTS)).round().astype(int))
    return {x: _numbers(curve.x[kept]), y: _numbers(curve.y[kept]), "thresholds": _numbers(curve.thresholds[kept])}


def _numbers(values: Values) -> list[float | None]:
    """JSON knows no infinity: the threshold that calls nothing is null."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _columns(columns: tuple[str, ...], evaluation: Evaluation) -> tuple[str, ...]:
    """The shifted probability is beside what the figures are of: in `cases.csv` where there is one."""
    shifted = evaluation.findings.stated is not None and (evaluation.level == "image") == (columns is COLUMNS)
    return (*columns, "shifted_probability") if shifted else columns


def _images(evaluation: Evaluation) -> list[dict[str, object]]:
    images, stated = evaluation.images, evaluation.findings.stated
    called = images.probabilities >= images.thresholds
    return [
        {
            "sample_id": sample.sample_id,
            "path": sample.path,
            "patient_id": sample.patient_id,
            "group": sample.group,
            "label": sample.label,
            "truth": int(images.labels[row]),
            "probability": float(images.probabilities[row]),
            "called": int(called[row]),
            "abstained": int(images.abstained[row]),
            **_shifted(stated if evaluation.level == "image" else None, row),
        }
        for row, sample in enumerate(images.index.samples)
    ]


def _shifted(stated: Stated | None, row: int) -> dict[str, object]:
    return {} if stated is None else {"shifted_probability": float(stated.probabilities[row])}


def _cases(evaluation: Evaluation) -> list[dict[str, object]]:
    cases, stated = evaluation.cases, evaluation.findings.stated
    called = cases.probabilities >= cases.thresholds
    return [
        {
            "case": sample.sample_id,
            "group": sample.group,
            "images": len(evaluation.members[row]),
            "truth": int(cases.labels[row]),
            "probability": float(cases.probabilities[row]),
            "called": int(called[row]),
            "abstained": int(cases.abstained[row]),
            **_shifted(stated, row),
        }
        for row, sample in enumerate(cases.index.samples)
    ]
