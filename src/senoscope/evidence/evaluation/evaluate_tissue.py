"""Run a model that gives every pixel a label over a dataset and measure it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.core.errors import DatasetError, InputError
from senoscope.core.io import read
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.codes import UNNAMED, named_pixels, numbering
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.evaluation.outlines import About
from senoscope.evidence.evaluation.provenance import provenance
from senoscope.evidence.evaluation.tissue import TissueEvaluation, assess_tissue
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.tiles import side_of, squares
from senoscope.evidence.metrics.tissue import tallied
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.reading import Failure

HOW = "each region was cut into squares as in training, and pixels are counted over all squares"


@dataclass(frozen=True, eq=False)
class _Counted:
    """What was counted in one region, and from how many squares the answer would have been withheld."""

    counts: NDArray[np.int64]
    withheld: int


def evaluate_tissue(
    model: Outliner, index: Index, *, held_out: str = "", progress: Callable[[], None] | None = None
) -> TissueEvaluation:
    """Measure what a model calls the pixels of regions, one region at a time, square by square as it was trained.

    Regions that cannot be read, and those whose mask cannot or is of another size, are left out of the figures,
    counted and named. Leaks are said as `evaluate` says them.

    Args:
        model: a loaded bundle of more than two labels.
        index: samples with one mask of the publisher's numbers each.
        held_out: how the caller knows that the samples were not trained on.
        progress: called once per region.

    Raises:
        UsageError: the dataset is not among `DATASETS`.
        DatasetError: it does not say what the numbers in its masks are, or no region can be used.
    """
    manifest = model.manifest
    labelling = DATASETS.get(index.dataset).tasks.get(manifest.task)
    if labelling is None or not labelling.codes:
        raise DatasetError(f"{index.dataset} has no masks for the task {manifest.task!r}", "use another dataset")
    table = numbering(labelling.codes, manifest.labels)
    kept, found, unread = list[int](), list[_Counted](), list[Unread]()
    for position, sample in enumerate(index.samples):
        try:
            found.append(_counted(model, index, sample, table))
            kept.append(position)
        except (DatasetError, InputError) as error:
            unread.append(Unread(sample.path, error.message))
        if progress is not None:
            progress()
    if not found:
        reason = unread[0].reason if unread else "choose another part, or another dataset"
        raise DatasetError(f"none of the {len(index):,} regions of {index.dataset} can be measured", reason)
    regions = index.take(kept)
    protocol, leak = provenance(manifest, regions.fingerprint(), held_out)
    about = About(
        title=f"{manifest.name} on {index.dataset}",
        bundle=manifest.name,
        version=manifest.version,
        protocol=protocol,
        leak=leak,
        notes=(HOW,),
        manifest=manifest,
        recipe=manifest.recipe,
    )
    return assess_tissue(
        regions,
        np.stack([one.counts for one in found]),
        about,
        classes=manifest.labels,
        positive=manifest.positive,
        withheld=np.array([one.withheld for one in found]),
        unread=unread,
    )


def _counted(model: Outliner, index: Index, sample: Sample, table: NDArray[np.uint8]) -> _Counted:
    if len(sample.masks) != 1:
        raise DatasetError(f"{len(sample.masks)} masks, where one of numbers is needed")
    image = read(index.root / sample.path)
    truth = named_pixels(index.root / sample.masks[0], image.size, table)
    side = side_of(sample, model.manifest.recipe.input.size, model.task.microns_per_pixel)
    counts, withheld = np.zeros((len(model.task.labels),) * 2, np.int64), 0
    # Squares without a label teach nothing and count for nothing: they are not asked about either.
    parts = [
        (box, own)
        for box, own in squares(image.size, side)
        if (truth[own.top : own.edges[3], own.left : own.edges[2]] != UNNAMED).any()
    ]
    asked = (
        Image(image.pixels[box.top : box.edges[3], box.left : box.edges[2]], image.maximum, sample.path)
        for box, _ in parts
    )
    for (box, own), answer in zip(parts, model.stream(asked, whole=True), strict=True):
        if isinstance(answer, Failure):
            raise InputError(answer.error.message, answer.error.hint)
        left, top, right, bottom = own.edges
        called = answer.codes[top - box.top : bottom - box.top, left - box.left : right - box.left]
        counts += tallied(truth[top:bottom, left:right], called, len(model.task.labels))
        withheld += answer.abstained
    return _Counted(counts, withheld)
