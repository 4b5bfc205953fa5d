"""Predictions as JSON objects, one a line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from senoscope.core.domain.boxes import BoxPrediction, Found
from senoscope.core.domain.chain import ChainPrediction
from senoscope.core.domain.outline import OutlinePrediction, Region
from senoscope.core.domain.prediction import Answer, ExamPrediction, Shown, Trust
from senoscope.runtime.reading import Failure

RESEARCH_USE = "Research use only; not for diagnosis."


def to_json(answer: Answer | Failure) -> dict[str, Any]:
    """One answer as plain data, `label` null where it is withheld; `saliency` is a picture (see `overlay`).

    An answer to an exam has `images`, each with its share and its own trust, and the facts that are `missing`, where
    one to an image has that image's hash and size. One that marks has its `regions`: label, box (left,
    top, width, height in pixels of the stored image), size and mean probability; one that finds has its `boxes`, each
    with its score.
    """
    if isinstance(answer, Failure):
        error = answer.error
        return {"file": answer.source, "error": {"code": error.code, "message": error.message, "hint": error.hint}}
    return {
        "file": answer.source,
        **_looked_at(answer),
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
        "trust": _trust(answer.trust),
        "timings_ms": {
            "read": answer.timings.read,
            "preprocess": answer.timings.preprocess,
            "network": answer.timings.network,
        },
        "notice": RESEARCH_USE,
    }


def _looked_at(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, ExamPrediction):
        images = [
            {"file": view.source, **_file(view), "share": view.share, "trust": _trust(view.trust)}
            for view in answer.views
        ]
        return {"images": images, "missing": list(answer.missing)}
    if isinstance(answer, ChainPrediction):
        return {**_file(answer), "presence": answer.presence, **_lesion(answer)}
    if isinstance(answer, OutlinePrediction):
        return {**_file(answer), "regions": [] if answer.abstained else [_region(region) for region in answer.regions]}
    if isinstance(answer, BoxPrediction):
        return {**_file(answer), "boxes": [] if answer.abstained else [_found(one) for one in answer.boxes]}
    return _file(answer) if isinstance(answer, Shown) else {}


def _lesion(answer: ChainPrediction) -> dict[str, Any]:
    """The lesion that was answered for, and what was measured of it; nothing where the answer is withheld."""
    if answer.abstained:
        return {"regions": [], "lesion": None, "measures": []}
    return {
        "regions": [_region(region) for region in answer.regions],
        "lesion": list(vars(answer.box).values()) if answer.box else None,
        "measures": [dict(vars(measure)) for measure in answer.measures],
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        "label": region.label,
        "box": list(vars(region.box).values()),
        "pixels": region.pixels,
        "share": region.share,
        "probability": region.probability,
    }


def _found(one: Found) -> dict[str, Any]:
    return {"label": one.label, "box": list(vars(one.box).values()), "score": one.score}


def _file(shown: Shown) -> dict[str, Any]:
    return {"sha256": shown.digest, "width": shown.size.width, "height": shown.size.height}


def _trust(trust: Trust) -> dict[str, Any]:
    flags = [{"code": flag.code, "message": flag.message, "severity": flag.severity} for flag in trust.flags]
    return {"percentile": trust.percentile, "distance": trust.distance, "flags": flags}


def lines(answers: Iterable[Answer | Failure]) -> Iterator[str]:
    """One JSON object a line, in the order given."""
    for answer in answers:
        yield json.dumps(to_json(answer), ensure_ascii=False, allow_nan=False)
