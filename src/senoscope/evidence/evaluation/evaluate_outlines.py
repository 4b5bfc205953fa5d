"""Run a model that marks regions over a dataset and measure it."""

from collections.abc import Callable

import numpy as np

from senoscope.core.domain.outline import stored
from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.evaluation.marks import Marking, Measured
from senoscope.evidence.evaluation.outlines import About, OutlineEvaluation, summarised
from senoscope.evidence.evaluation.provenance import provenance
from senoscope.evidence.index import Index
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.reading import Failure


def evaluate_outlines(
    model: Outliner,
    index: Index,
    *,
    operating_point: str = "",
    held_out: str = "",
    progress: Callable[[], None] | None = None,
) -> OutlineEvaluation:
    """Measure what a model marks on the samples that say whether and where there is a region, one at a time.

    Images that cannot be read, and those whose mask cannot, is of another size or contradicts their label, are left out
    of the figures, counted and named. Leaks are said as `evaluate` says them.

    Args:
        model: a loaded bundle of two labels.
        index: the samples; other labels than the task's are left out and said.
        operating_point: name of the threshold from which a region is called; the bundle's default where empty.
        held_out: how the caller knows that the samples were not trained on.
        progress: called once per image.

    Raises:
        UsageError: the bundle has no such operating point, or more than two labels.
        DatasetError: no image with a marked region can be used.
        MissingExtraError: scipy is not installed.
    """
    manifest = model.manifest
    if len(manifest.labels) > 2:
        raise UsageError(
            f"{manifest.name} tells {len(manifest.labels)} labels apart: there are no figures of its outlines",
            "give a bundle that marks one kind of region",
        )
    asked = index.with_labels(model.task.labels)
    # Said before an hour of answers, not after it.
    if not any(sample.label == manifest.positive and sample.masks for sample in asked.samples):
        raise DatasetError(
            f"none of the {len(asked):,} samples of {asked.dataset} has a mask of a {manifest.positive}",
            "choose another part with --split, or another dataset",
        )
    marking = Marking(manifest.threshold, manifest.smallest, manifest.positive)
    measured = Measured()
    chances, withheld = np.zeros(len(asked)), np.zeros(len(asked), np.bool_)
    for position, answer in enumerate(model.stream(asked.paths(), operating_point=operating_point)):
        if isinstance(answer, Failure):
            measured.unread.append(Unread(asked.samples[position].path, answer.error.message))
        else:
            chances[position], withheld[position] = answer.probability, answer.abstained
            # Before it is asked whether there is a region at all.
            measured.add(asked, position, stored(answer.heat, answer.placements), marking)
        if progress is not None:
            progress()
    point = manifest.point(operating_point)
    protocol, leak = provenance(manifest, asked.take(measured.kept).fingerprint(), held_out)
    about = About(
        title=f"{manifest.name} on {asked.dataset}",
        bundle=manifest.name,
        version=manifest.version,
        protocol=protocol,
        leak=leak,
        operating_point=point.name if point else "",
        manifest=manifest,
        recipe=manifest.recipe,
    )
    told = (chances, np.full(len(asked), point.threshold)) if point else None
    return summarised(asked, measured, marking, told, withheld, about)
