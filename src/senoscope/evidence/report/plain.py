"""Figures, curves and checklists as plain values that JSON knows."""

import json
from typing import Any

import numpy as np

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.metrics.classification import Values
from senoscope.evidence.metrics.curves import Curve
from senoscope.evidence.report.checklists import Checklist

MOST_POINTS = 1000
"""Points of a curve; more are thinned evenly, ends kept."""


def dumped(values: object) -> str:
    """JSON without NaN."""
    return json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False)


def plain_interval(interval: Interval | None) -> dict[str, float] | None:
    """A figure with its interval; null where it is undefined."""
    return None if interval is None else interval.model_dump()


def plain_numbers(values: Values) -> list[float | None]:
    """JSON knows no infinity: the threshold that calls nothing is null."""
    return [float(value) if np.isfinite(value) else None for value in values]


def plain_curve(curve: Curve, x: str, y: str) -> dict[str, list[float | None]]:
    """A curve with its axes by name, at most `MOST_POINTS` of its points."""
    kept = np.unique(np.linspace(0, len(curve.x) - 1, min(len(curve.x), MOST_POINTS)).round().astype(int))
    points = {x: curve.x[kept], y: curve.y[kept], "thresholds": curve.thresholds[kept]}
    return {name: plain_numbers(values) for name, values in points.items()}


def plain_checklist(checklist: Checklist) -> dict[str, Any]:
    """A checklist with what each item asks for and what is answered."""
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
