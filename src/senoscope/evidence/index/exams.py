"""Which images are answered together: the exams of an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import ExamSpec
from senoscope.core.domain.exam import Exam, View, evenly
from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.samples import joined
from senoscope.evidence.metrics.aggregation import Level

SLICE = "slice"
"""Fact by which images of one view are put in order, where it is there."""


@dataclass(frozen=True, eq=False)
class Exams:
    """The exams of an index, in the order in which the first image of each is listed.

    Args:
        index: one sample an exam: its name (the patient, or the patient and the side), its label, what all its images
            agree on, and the path of the first of them or "".
        images: the index they were made from.
        members: of each exam the positions in `images` of those of its images that are read, in that order.
        whole: of each exam the positions of all its images, in the same order; not all are read of an exam of many.
    """

    index: Index
    images: Index
    members: tuple[NDArray[np.int64], ...]
    whole: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.members)

    def take(self, positions: NDArray[np.int64] | Sequence[int]) -> Index:
        """List all images of the exams at these positions, in the order in which they are listed in `images`.

        Joined again, they make the same exams with the same labels.
        """
        return self._listed(self.whole, positions)

    def read(self, positions: NDArray[np.int64] | Sequence[int]) -> Index:
        """List, in the same order, those images of the exams at these positions that are read."""
        return self._listed(self.members, positions)

    def _listed(self, of: Sequence[NDArray[np.int64]], positions: NDArray[np.int64] | Sequence[int]) -> Index:
        return self.images.take(sorted(int(one) for position in positions for one in of[int(position)]))


def exams(index: Index, by: Level, most: int) -> Exams:
    """Join the images that one answer is of.

    An exam's images are in order of side, view, slice and name; of more than `most`, so many evenly spaced ones are
    taken. Where their labels differ, as those of a woman's two breasts may, the gravest is the exam's; a note says so.

    Args:
        index: images, labelled in a task's words.
        by: what an exam is; `image` joins nothing, and `index` stays as it is.
        most: images of an exam at most.

    Raises:
        DatasetError: the dataset does not say who the patients are, or which breast an image shows; or labels
            contradict each other that no task ranks.
    """
    if by == "image":
        single = tuple(np.array([position], np.int64) for position in range(len(index)))
        return Exams(index, index, single, single)
    whole = [np.array(positions, np.int64) for positions in _together(index, by).values()]
    members = [_in_order(index, positions) for positions in whole]
    thinned = [positions[evenly(len(positions), most)] for positions in members]
    named = zip(_together(index, by), members, thinned, strict=True)
    samples = tuple(_exam(index, " ".join(key), every, taken) for key, every, taken in named)
    notes = [f"{len(members):,} exams of {len(index):,} images, one a {by}"]
    if mixed := sum(len({index.samples[one].label for one in every}) > 1 for every in members):
        notes.append(f"exams whose images have different labels, and which have the gravest: {mixed:,}")
    if many := sum(len(every) > most for every in members):
        notes.append(f"exams of more than {most} images, of which {most} evenly spaced ones are taken: {many:,}")
    return Exams(replace(index, samples=samples, notes=(*index.notes, *notes)), index, tuple(thinned), tuple(members))


def exams_for(index: Index, spec: ExamSpec | None) -> Exams:
    """Join images as a bundle was trained to take them, or leave them single; see `exams`."""
    return exams(index, spec.by, spec.most) if spec else exams(index, "image", 1)


def record_of(sample: Sample) -> dict[str, str]:
    """What is known of an image beside its pixels: its facts, `laterality` and `view`; what is not said is left out."""
    known = {**sample.facts, "laterality": sample.laterality, "view": sample.view}
    return {name: said for name, said in known.items() if said}


def exam_of(found: Exams, position: int) -> Exam:
    """Return an exam as a model takes it, its images by their paths, unread."""
    samples = [found.images.samples[int(member)] for member in found.members[position]]
    views = tuple(View(found.images.root / one.path if one.path else None, record_of(one)) for one in samples)
    return Exam(found.index.samples[position].sample_id, views)


def _together(index: Index, by: Level) -> dict[tuple[str, ...], list[int]]:
    if not index.has_patients:
        raise DatasetError(
            f"{index.dataset} does not say whose image is whose: there are no exams by {by}",
            "say exam.by = 'image', or use a dataset with patients",
        )
    found: dict[tuple[str, ...], list[int]] = {}
    for position, sample in enumerate(index.samples):
        if by == "breast" and not sample.laterality:
            raise DatasetError(
                f"{index.dataset} does not say which breast image {sample.sample_id!r} shows",
                "say exam.by = 'patient' or 'image'",
            )
        key = (sample.patient_id, sample.laterality) if by == "breast" else (sample.patient_id,)
        found.setdefault(key, []).append(position)
    return found


def place_of(facts: Mapping[str, str], name: str) -> tuple[str, str, int, str]:
    """Sort images of an exam by this, of their facts and their names: by side, view, slice and name."""
    said = facts.get(SLICE, "")
    number = int(said) if said.isdecimal() and len(said) < 10 else -1
    return facts.get("laterality", ""), facts.get("view", ""), number, name


def _in_order(index: Index, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    def place(position: int) -> tuple[str, str, int, str]:
        return place_of(record_of(index.samples[position]), index.samples[position].sample_id)

    return np.array(sorted(positions.tolist(), key=place), np.int64)


def _exam(index: Index, name: str, every: NDArray[np.int64], taken: NDArray[np.int64]) -> Sample:
    samples = [index.samples[int(position)] for position in every]
    label = _gravest(index, name, {sample.label for sample in samples})
    return replace(joined(samples, name, label), path=index.samples[int(taken[0])].path)


def _gravest(index: Index, name: str, labels: set[str]) -> str:
    """The positive label where it is among them, else the last in a task's order; tasks of the same words agree."""
    if len(labels) == 1:
        return next(iter(labels))
    for task in map(TASKS.get, TASKS.names()):
        if labels <= set(task.labels):
            return max(labels, key=lambda label: (label == task.positive, task.labels.index(label)))
    raise DatasetError(
        f"{index.dataset}: exam {name!r} is {' and '.join(sorted(labels))}, which no task puts in order",
        "label the images in a task's words first",
    )
