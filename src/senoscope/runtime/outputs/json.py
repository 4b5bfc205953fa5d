"""Predictions as JSON objects, one a line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from senoscope.core.domain.prediction import Prediction
from senoscope.runtime.predictor import Failure

RESEARCH_USE = "Research use only; not for diagnosis."


def to_json(answer: Prediction | Failure) -> dict[str, Any]:
    """One answer as plain data, `label` null where it is withheld; `saliency` is a picture (see `overlay`)."""
    if isinstance(answer, Failure):
        error = answer.error
        return {"file": answer.source, "error": {"code": error.code, "message": error.message, "hint": error.hint}}
    trust = answer.trust
    return {
        "file": answer.source,
        "sha256": answer.digest,
        "width": answer.size.width,
        "height": answer.size.height,
        "task": answer.task,
        "bundle": answer.bundle,
        "bundle_version": answer.version,
        "label": None if answer.abstained else answer.label,
        "positive": answer.positive,
        "probability": answer.probability,
        "probabilities": answer.probabilities,
        "reference_prevalence": answer.prevalence,
        "operating_point": {"name": answer.operating_point, "threshold": answer.threshold},
        "abstained": answer.abstained,
        "trust": {
            "percentile": trust.percentile,
            "distance": trust.distance,
            "flags": [{"code": flag.code, "message": flag.message, "severity": flag.severity} for flag in trust.flags],
        },
        "timings_ms": {
            "read": answer.timings.read,
            "preprocess": answer.timings.preprocess,
            "network": answer.timings.network,
        },
        "notice": RESEARCH_USE,
    }


def lines(answers: Iterable[Prediction | Failure]) -> Iterator[str]:
    """One JSON object a line, in the order given."""
    for answer in answers:
        yield json.dumps(to_json(answer), ensure_ascii=False, allow_nan=False)
