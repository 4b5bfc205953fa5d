"""Run a model that puts boxes around lesions over a dataset and measure it."""

from collections.abc import Callable

import numpy as np

from senoscope.core.domain.boxes import BoxPrediction
from senoscope.core.errors import DatasetError
from senoscope.evidence.evaluation.boxes import BoxAbout, BoxEvaluation, Said, assess_boxes
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.evaluation.provenance import provenance
from senoscope.evidence.index import Index
from senoscope.evidence.index.boxed import boxed
from senoscope.runtime.detecting import Detector
from senoscope.runtime.reading import Failure


def evaluate_boxes(
    model: Detector,
    index: Index,
    *,
    operating_point: str = "",
    held_out: str = "",
    progress: Callable[[], None] | None = None,
) -> BoxEvaluation:
    """Measure what a model finds in the samples that say where their lesions are, one at a time.

    Images that cannot be read are left out of the figures, counted and named; so are those with a lesion that nothing
    places. Leaks are said as `evaluate` says them.

    Args:
        model: a loaded bundle.
        index: the samples; other labels than the task's are left out and said.
        operating_point: name of the threshold from which a lesion is called; the bundle's default where empty.
        held_out: how the caller knows that the samples were not trained on.
        progress: called once per image.

    Raises:
        UsageError: the bundle has no such operating point.
        DatasetError: no image with a box around a lesion can be used.
    """
    manifest = model.manifest
    asked = boxed(index.with_labels(model.task.labels), model.task)
    said: list[Said | Unread] = []
    answers = model.stream(asked.paths(), operating_point=operating_point)
    for sample, answer in zip(asked.samples, answers, strict=True):
        said.append(Unread(sample.path, answer.error.message) if isinstance(answer, Failure) else as_said(answer))
        if progress is not None:
            progress()
    kept = [place for place, one in enumerate(said) if isinstance(one, Said)]
    if not kept:
        raise DatasetError(f"none of the {len(asked):,} images of {asked.dataset} can be read", _reason(said))
    protocol, leak = provenance(manifest, asked.take(kept).fingerprint(), held_out)
    point = manifest.point(operating_point)
    about = BoxAbout(
        title=f"{manifest.name} on {asked.dataset}",
        bundle=manifest.name,
        version=manifest.version,
        positive=manifest.positive,
        protocol=protocol,
        leak=leak,
        shown=manifest.shown,
        operating_point=point.name if point else "",
        abstains=True,
        manifest=manifest,
        recipe=manifest.recipe,
    )
    return assess_boxes(asked, said, about)


def as_said(answer: BoxPrediction) -> Said:
    """All boxes of an answer, those that are shown first."""
    every = (*answer.boxes, *answer.unshown)
    return Said(
        boxes=np.array([list(vars(one.box).values()) for one in every], np.float64).reshape(-1, 4),
        scores=np.array([one.score for one in every], np.float64),
        shown=len(answer.boxes),
        probability=answer.probability,
        called=answer.label == answer.positive,
        abstained=answer.abstained,
    )


def _reason(said: list[Said | Unread]) -> str:
    return next((one.reason for one in said if isinstance(one, Unread)), "")
