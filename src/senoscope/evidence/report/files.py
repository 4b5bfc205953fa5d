"""An evaluation as files: a page for people, JSON for programs, and every answer as CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.evaluation.boxes import BoxEvaluation
from senoscope.evidence.evaluation.evaluation import Evaluation, Unread, assess
from senoscope.evidence.evaluation.findings import Findings, Predictive, Stated
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.metrics.classification import BINS, FIGURES
from senoscope.evidence.metrics.curves import pr_curve, reliability, roc_curve
from senoscope.evidence.report.box_files import box_files
from senoscope.evidence.report.checklists import Checklist, fill
from senoscope.evidence.report.disclosed import AnyEvaluation, known
from senoscope.evidence.report.multiclass_files import multiclass_files
from senoscope.evidence.report.outline_files import outline_files
from senoscope.evidence.report.page import render
from senoscope.evidence.report.plain import dumped, plain_curve, plain_interval, plain_numbers
from senoscope.evidence.report.plain_parts import plain_bootstrap, plain_remarks, plain_subject
from senoscope.evidence.report.plots import draw
from senoscope.evidence.report.tissue_files import tissue_files
from senoscope.evidence.tables.rows import rows_text, write_text

__all__ = ["Evaluation", "Unread", "assess", "dumped", "report_files", "to_json", "write_report"]

FORMAT = 2
"""Version of `report.json`."""

COLUMNS = ("sample_id", "path", "patient_id", "group", "label", "truth", "probability", "called", "abstained")
CASE_COLUMNS = ("case", "group", "images", "truth", "probability", "called", "abstained")


def write_report(evaluation: AnyEvaluation, out: Path) -> Path:
    """Write `report.html`, `report.json` and `predictions.csv` into a folder, each atomically.

    Where the figures are of breasts or patients, `cases.csv` has one row each beside them; where they are of boxes,
    `pictures.csv` one row a picture; where every pixel has a label, `confusion.csv` the pixels.

    Returns:
        Path of the page.

    Raises:
        MissingExtraError: matplotlib is not installed; nothing is written.
        DatasetError: the folder cannot be written.
    """
    write_files(report_files(evaluation), out)
    return out / "report.html"


def report_files(evaluation: AnyEvaluation) -> dict[str, str]:
    """Make everything that `write_report` writes, by file name, the page last; raises as it does."""
    if isinstance(evaluation, MulticlassEvaluation):
        return multiclass_files(evaluation, FORMAT)
    if isinstance(evaluation, OutlineEvaluation):
        return outline_files(evaluation, FORMAT)
    if isinstance(evaluation, TissueEvaluation):
        return tissue_files(evaluation, FORMAT)
    if isinstance(evaluation, BoxEvaluation):
        return box_files(evaluation, FORMAT)
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


def to_json(evaluation: Evaluation, checklists: Sequence[Checklist] = ()) -> dict[str, Any]:
    """Everything the page shows, as plain JSON values; a figure that is 0/0 is null."""
    findings = evaluation.findings
    return {
        "format": FORMAT,
        **plain_subject(evaluation),
        "positive": evaluation.positive,
        "operating_point": {"name": evaluation.operating_point, "threshold": evaluation.threshold},
        "cases": cases(evaluation),
        "counts": _counts(evaluation),
        "intervals": plain_bootstrap(evaluation),
        "figures": {"all": figures(evaluation.table), "without_abstained": figures(evaluation.answered)},
        "delong": plain_interval(findings.delong),
        "exact": {name: plain_interval(findings.exact.get(name)) for name in ("sensitivity", "specificity")},
        "recalibration": {name: plain_interval(value) for name, value in findings.recalibration.items()},
        "confusion": asdict(evaluation.confusion),
        "calls": {label: {"called": called, "not_called": passed} for label, called, passed in findings.classes},
        "curves": _curves(evaluation),
        **_findings(findings),
        **plain_remarks(evaluation, checklists),
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
                "sensitivity": plain_interval(row.sensitivity),
                "specificity": plain_interval(row.specificity),
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
                "figures": {name: plain_interval(value) for name, value in group.table.items()},
            }
            for group in findings.subgroups
        ],
    }


def _predictive(row: Predictive) -> dict[str, Any]:
    return {"prevalence": row.prevalence, "ppv": plain_interval(row.ppv), "npv": plain_interval(row.npv)}


def figures(table: Mapping[str, Interval]) -> dict[str, dict[str, float] | None]:
    """All of `FIGURES` as JSON, null where undefined."""
    return {name: plain_interval(table.get(name)) for name in FIGURES}


def _curves(evaluation: Evaluation) -> dict[str, Any]:
    labels, values = evaluation.labels, evaluation.probabilities
    bins, decision = reliability(labels, values), evaluation.findings.decision
    return {
        "roc": plain_curve(roc_curve(labels, values), "one_minus_specificity", "sensitivity"),
        "pr": plain_curve(pr_curve(labels, values), "recall", "precision"),
        "reliability": {
            "bins": BINS,
            "predicted": bins.predicted.tolist(),
            "observed": bins.observed.tolist(),
            "low": bins.low.tolist(),
            "high": bins.high.tolist(),
            "counts": [int(count) for count in bins.counts],
        },
        "decision": {
            name: plain_numbers(getattr(decision, name)) for name in ("thresholds", "model", "everyone", "nobody")
        },
    }


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
