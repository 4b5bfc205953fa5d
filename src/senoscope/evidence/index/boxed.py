"""Which pictures say where their lesions are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.core.tasks import Task
from senoscope.evidence.datasets.lesions import mask_box
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.samples import joined


def boxed(images: Index, task: Task) -> Index:
    """One sample a picture, with the boxes of all its lesions; none in a picture without one.

    Some datasets list a picture once a lesion: there its samples are joined. Where there are masks and no boxes, the
    boxes are the smallest around the masks. A picture with a box has a lesion, whatever its label says of the breast; a
    picture that should have one and does not say where is left out, as what is called there is neither right nor wrong.

    Args:
        images: samples of the task, labelled in its words.
        task: of two labels.

    Raises:
        DatasetError: no picture has a box.
        InputError: a mask, or the picture of one, cannot be read.
    """
    other = next(label for label in task.labels if label != task.positive)
    together: dict[str, list[Sample]] = defaultdict(list)
    for sample in images.samples:
        together[sample.path].append(sample)
    kept: list[Sample] = []
    for path, group in together.items():
        boxes = tuple(dict.fromkeys(box for sample in group for box in _boxes(sample, images.root, other)))
        if boxes or all(sample.label == other for sample in group):
            whole = group[0] if len(group) == 1 else joined(group, group[0].sample_id, other)
            label = task.positive if boxes else other
            kept.append(replace(whole, path=path, label=label, boxes=boxes, masks=_masks(group)))
    if not any(sample.boxes for sample in kept):
        raise DatasetError(
            f"task {task.name!r} needs boxes or masks of lesions, and {images.dataset} has none here",
            "use another dataset, or fetch the masks too",
        )
    lost, merged = len(together) - len(kept), len(images.samples) - len(together)
    notes = [f"left out, as nothing says where the lesion is: {lost:,} images"] if lost else []
    notes += [f"{merged:,} further rows are of lesions of the same pictures"] if merged else []
    return replace(images, samples=tuple(kept), notes=(*images.notes, *notes))


def _masks(group: Sequence[Sample]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mask for sample in group for mask in sample.masks))


def _boxes(sample: Sample, root: Path, other: str) -> tuple[Box, ...]:
    if sample.boxes or sample.label == other or not sample.masks:
        return sample.boxes
    size = read(root / sample.path).size
    return tuple(box for mask in sample.masks if (box := mask_box(root / mask, size)) is not None)
