"""Answers to pictures of the size of `dicom_sources`, of every kind."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from senoscope.core.domain.boxes import BoxPrediction, Found
from senoscope.core.domain.geometry import Box, Size
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import OutlinePrediction, Region
from senoscope.core.domain.prediction import Flag, Prediction, Timings, Trust
from senoscope.runtime.outputs.dicom import Source, Subject
from tests.makers.dicom_sources import HIGH, SOURCES, WIDE, identified

DOUBT = Flag("unexpected_color", "The picture is coloured, 3×8 bits; the task's pictures are grey.", "warning")
REFUSAL = Flag("out_of_distribution", "The picture looks like none that the model knows.", "abstain")
NOON = datetime.datetime(2026, 11, 20, 12, 0, 1)
_HEAT = np.linspace(0, 1, WIDE * HIGH, dtype=np.float32).reshape(HIGH, WIDE) ** 2


def classified(trust: Trust | None = None) -> Prediction:
    """A classifier's answer, with a warning."""
    return Prediction(**_common("mammography", "malignant", "benign", trust or Trust(41.7, 0.83, (DOUBT,))))


def withheld() -> Prediction:
    """An answer that is withheld, for one of two reasons of doubt."""
    return classified(Trust(100.0, 1.7, (REFUSAL, DOUBT)))


def boxed() -> BoxPrediction:
    """Two boxes, one of which reaches the picture's edges."""
    boxes = (Found(Box(10, 20, 30, 25), "lesion", 0.9123456789), Found(Box(0, 0, WIDE, HIGH), "lesion", 0.1 + 0.2))
    common = _common("film_lesions", "lesion", "tissue", Trust(12.0, 0.2))
    return BoxPrediction(**common, boxes=boxes, unshown=(Found(Box(1, 1, 2, 2), "lesion", 0.01),))


def outlined() -> OutlinePrediction:
    """Two regions, of which one has a hole and the other lies within its box."""
    codes = np.zeros((HIGH, WIDE), np.uint8)
    codes[10:60, 20:70] = 1
    codes[12:40, 30:68] = 0
    codes[20:25, 40:50] = 1
    codes[50:55, 25:30] = 0
    parts = [((20, 10, 50, 50), int(codes.sum()) - 50, 0.8), ((40, 20, 10, 5), 50, 0.6)]
    regions = tuple(Region("lesion", Box(*box), size, size / codes.size, sure) for box, size, sure in parts)
    common = _common("ultrasound_outline", "lesion", "tissue", Trust(55.5, 0.5))
    return OutlinePrediction(**common, regions=regions, labels=("tissue", "lesion"), codes=codes)


ANSWERS: Mapping[str, Callable[[], Prediction]] = {
    "classified": classified,
    "withheld": withheld,
    "boxed": boxed,
    "outlined": outlined,
}
"""One answer of every kind."""


def _common(task: str, positive: str, negative: str, trust: Trust) -> dict[str, Any]:
    chance = 0.8731234567890123
    return {
        "source": "source.dcm",
        "digest": "0" * 64,
        "size": Size(WIDE, HIGH),
        "heat": _HEAT,
        "placements": (),
        "task": task,
        "bundle": f"{task}_tiny",
        "version": "1.2.3",
        "probabilities": {negative: 1 - chance, positive: chance},
        "positive": positive,
        "label": positive,
        "operating_point": "screening",
        "threshold": 0.31415926535897931,
        "prevalence": 0.4571428571428571,
        "trust": trust,
        "timings": Timings(1.0, 2.0, 3.0),
    }


def subject_of(answer: str = "classified", source: str = "MG", identity: str = "plain") -> Subject:
    """Such an answer to such an image of such a patient, written at noon."""
    image = identified(SOURCES[source](), identity)
    levels = (np.indices((HIGH, WIDE)).sum(axis=0) % 256).astype(np.uint8)
    return Subject(ANSWERS[answer](), (Source(image, Image(levels, 255.0)),), "ab" * 32, NOON)
