"""The leakage gap: what dividing image by image, as papers do, adds to the figures that dividing by patient gives."""

import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.evidence.metrics.classification import FIGURES, TITLES
from senoscope.evidence.metrics.intervals import paired_bootstrap
from senoscope.evidence.tables.rows import write_text

FORMAT = 1
"""Version of `leakage.json`."""


@dataclass(frozen=True, eq=False)
class Gap:
    """One recipe on one dataset, divided both ways.

    Args:
        honest: cross-validated with patients (or duplicate groups) kept whole.
        paper: cross-validated image by image; leaky.
        differences: paper − honest of each figure, on the same samples, patients resampled.
    """

    honest: Evaluation
    paper: Evaluation
    differences: dict[str, Interval]


def leakage_gap(honest: Evaluation, paper: Evaluation, *, replicates: int = 2000, seed: int = 0) -> Gap:
    """Compare two evaluations of the same samples.

    Args:
        honest: divided by patient or duplicate group.
        paper: divided image by image.
        replicates: bootstrap samples of the intervals, drawn over the honest evaluation's groups.
        seed: draws them.

    Raises:
        DatasetError: they are of different samples, or not one of each kind.
    """
    if honest.leaky or not paper.leaky:
        raise DatasetError("a leakage gap needs one evaluation divided by patient and one divided image by image")
    if honest.sample_ids != paper.sample_ids or (honest.labels != paper.labels).any():
        raise DatasetError("the two evaluations are of different samples", "make both again from the same data")
    differences = paired_bootstrap(
        honest.labels,
        paper.probabilities,
        honest.probabilities,
        honest.groups,
        (paper.thresholds, honest.thresholds),
        replicates=replicates,
        seed=seed,
    )
    return Gap(honest, paper, differences)


def to_json(gap: Gap) -> dict[str, Any]:
    """Return both columns and their difference as plain JSON values."""
    honest, paper = gap.honest, gap.paper
    return {
        "format": FORMAT,
        "title": honest.title,
        "research_use_only": True,
        "dataset": honest.dataset.model_dump(),
        "images": len(honest.labels),
        "groups": len(np.unique(honest.groups)),
        "unit": honest.unit,
        "positives": int(honest.labels.sum()),
        "paper": {"protocol": paper.protocol, "leaky": True, "leak": paper.leak, "figures": _figures(paper.table)},
        "honest": {"protocol": honest.protocol, "leaky": False, "figures": _figures(honest.table)},
        "leakage_gap": _figures(gap.differences),
        "notes": list(dict.fromkeys([*honest.notes, *paper.notes])),
    }


def _figures(table: dict[str, Interval]) -> dict[str, dict[str, float] | None]:
    return {name: table[name].model_dump() if name in table else None for name in FIGURES}


def write_gap(gap: Gap, out: Path) -> Path:
    """Write `leakage.html` and `leakage.json` into a folder, each whole or not at all; returns the page."""
    template = Template(files("senoscope.evidence.report").joinpath("gap.html").read_text("utf-8"))
    honest = gap.honest
    page = template.substitute(
        title=escape(honest.title),
        dataset=escape(honest.dataset.title),
        images=f"{len(honest.labels):,}",
        groups=f"{len(np.unique(honest.groups)):,}",
        unit=escape(honest.unit),
        positives=f"{int(honest.labels.sum()):,}",
        positive=escape(honest.positive),
        leak=escape(gap.paper.leak),
        rows="\n".join(_row(name, gap) for name in FIGURES if name in gap.differences),
        notes="\n".join(f"<li>{escape(note)}</li>" for note in honest.notes),
        citation=escape(honest.dataset.citation),
    )
    write_text(out / "leakage.json", json.dumps(to_json(gap), indent=1, allow_nan=False, ensure_ascii=False))
    write_text(out / "leakage.html", page)
    return out / "leakage.html"


def _row(name: str, gap: Gap) -> str:
    cells = (gap.paper.table.get(name), gap.honest.table.get(name), gap.differences.get(name))
    shown = "".join(f"<td>{'undefined' if cell is None else escape(str(cell))}</td>" for cell in cells)
    return f"<tr><th>{escape(TITLES[name])}</th>{shown}</tr>"
