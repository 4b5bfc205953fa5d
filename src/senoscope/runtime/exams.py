"""Exams in, predictions out: several images and a record, answered by one run of the network."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import BundleManifest, ExamSpec, Point
from senoscope.core.domain.coding import FactCoding
from senoscope.core.domain.exam import Exam, evenly
from senoscope.core.domain.prediction import (
    Answer,
    ExamPrediction,
    Flag,
    Prediction,
    Shown,
    Timings,
    Trust,
    ViewPrediction,
)
from senoscope.core.errors import BundleError, UsageError
from senoscope.core.tasks import Task
from senoscope.runtime.reading import Failure, Ready, prepare
from senoscope.runtime.session import ExamActivations, ExamSession
from senoscope.runtime.trust import Reference, assess
from senoscope.runtime.verdict import check_fit, verdict

FAR = 5
"""Spreads beyond the numbers of training from which a number of a record is called out."""


@dataclass(frozen=True, eq=False)
class ReadyExam:
    """An exam that waits for the network: its images, if any are looked at, its coded records and what they lack."""

    name: str
    images: tuple[Ready, ...]
    records: NDArray[np.float32]
    missing: tuple[str, ...]
    doubts: tuple[Flag, ...]
    prepare_ms: float


class ExamAnswers:
    """Answers exams with one bundle.

    Args:
        manifest: of a bundle that has an `exam`.
        spec: that exam.
        task: the bundle's.
        session: its network.
        reference: what its embeddings are compared with.
    """

    def __init__(
        self, manifest: BundleManifest, spec: ExamSpec, task: Task, session: ExamSession, reference: Reference
    ) -> None:
        self._manifest, self._spec, self._task = manifest, spec, task
        self._session, self._reference = session, reference

    @property
    def sees(self) -> bool:
        """Whether pictures are looked at."""
        return self._session.sees

    def prepare(self, exam: Exam) -> ReadyExam | Failure:
        """Read and prepare the images and code the records; an image that cannot be read fails the whole exam.

        Raises:
            UsageError: the bundle's exams are single images, and this one holds several.
        """
        if self._spec.by == "image" and len(exam.views) > 1:
            raise UsageError(
                f"{self._manifest.name} answers each image with its record, and exam {exam.name!r} holds several",
                "ask about each, or give a bundle that joins images",
            )
        chosen = [exam.views[place] for place in evenly(len(exam.views), self._spec.most)]
        images: list[Ready] = []
        for view in chosen if self.sees else ():
            if view.source is None:
                hint = f"{self._manifest.name} looks at pictures; leave out records that have none"
                return Failure(exam.name, UsageError(f"{exam.name}: a record has no picture", hint))
            found = prepare(view.source, self._manifest.pipeline, self._task)
            if isinstance(found, Failure):
                return Failure(exam.name, found.error)
            images.append(found)
        start = time.perf_counter()
        records, facts = [view.facts for view in chosen], self._spec.coding.facts
        coded = self._spec.coding.encode(records)
        missing = tuple(fact.name for fact in facts if not all(map(fact.said, records)))
        doubts = (*self._number_of_images(exam), *_record_doubts(facts, records, missing))
        return ReadyExam(exam.name, tuple(images), coded, missing, doubts, (time.perf_counter() - start) * 1e3)

    def answer(self, ready: ReadyExam, point: Point) -> ExamPrediction | Failure:
        """Run the network on one exam."""
        start = time.perf_counter()
        arrays = np.stack([image.prepared.array for image in ready.images]) if self.sees else None
        found = self._session.run(arrays, ready.records)
        check_fit(self._manifest, found.logits, found.embedding, self._reference.size, "an exam")
        if not found.finite:
            error = BundleError("the network's answer to this exam is not a number", "verify the bundle")
            return Failure(ready.name, error)
        network_ms = (time.perf_counter() - start) * 1e3
        judged = [self._reference.judge(float(one)) for one in self._reference.distances(found.embedding)]
        seen = [image.seen for image in ready.images] or [[]]
        of = "images" if self.sees else "records"
        trusts = [assess(flags, self._task, *how, of=of) for flags, how in zip(seen, judged, strict=True)]
        return ExamPrediction(
            source=ready.name,
            **verdict(self._manifest, self._manifest.probabilities(found.logits)[0], point),
            trust=self._joined(ready, trusts),
            timings=Timings(
                sum(image.read_ms for image in ready.images),
                sum(image.prepare_ms for image in ready.images) + ready.prepare_ms,
                network_ms,
            ),
            views=_views(ready, found, trusts),
            missing=ready.missing,
        )

    def _number_of_images(self, exam: Exam) -> list[Flag]:
        count, most, by = len(exam.views), self._spec.most, self._spec.by
        if count > most:
            text = f"Of {count} images, {most} evenly spaced ones were looked at: the model takes no more."
            return [Flag("thinned", text, "warning")]
        if count == 1 and by != "image" and self.sees:
            return [Flag("one_image", f"One image alone, where the model joins all images of a {by}.", "warning")]
        return []

    def _joined(self, ready: ReadyExam, trusts: Sequence[Trust]) -> Trust:
        """Trust in the exam: that in its least usual image, and the doubts about each by its name."""
        several = len(ready.images) > 1
        flags = [
            Flag(
                flag.code,
                f"{Path(ready.images[place].source).name}: {flag.message}" if several else flag.message,
                flag.severity,
            )
            for place, trust in enumerate(trusts)
            for flag in trust.flags
        ]
        flags = sorted([*flags, *ready.doubts], key=lambda flag: flag.severity != "abstain")
        return Trust(max(trust.percentile for trust in trusts), max(trust.distance for trust in trusts), tuple(flags))


def _views(ready: ReadyExam, found: ExamActivations, trusts: Sequence[Trust]) -> tuple[ViewPrediction, ...]:
    # Without pictures there are no images, and what the network says of places means nothing.
    return tuple(
        ViewPrediction(
            source=image.source,
            digest=image.digest,
            size=image.size,
            heat=found.saliency[place],
            placements=image.prepared.placements,
            trust=trusts[place],
            share=float(found.attention[place]),
        )
        for place, image in enumerate(ready.images)
    )


def _record_doubts(
    facts: Sequence[FactCoding], records: Sequence[Mapping[str, str]], missing: Sequence[str]
) -> list[Flag]:
    flags = []
    if missing:
        nowhere = [fact.name for fact in facts if fact.name in missing and not any(map(fact.said, records))]
        somewhere = [name for name in missing if name not in nowhere]
        parts = [", ".join(nowhere), f"of some images {', '.join(somewhere)}" if somewhere else ""]
        flags.append(Flag("missing_facts", f"Answered without knowing: {'; '.join(filter(None, parts))}.", "warning"))
    for fact in facts:
        for said in dict.fromkeys(filter(None, map(fact.said, records))):
            if _is_new(fact, said):
                text = f"The model has not seen {fact.name} {said[:40]!r} before, and knows little of what it means."
                flags.append(Flag("unseen_fact", text, "warning"))
    return flags


def _is_new(fact: FactCoding, said: str) -> bool:
    if fact.kind == "word":
        return said not in fact.words
    low = fact.center if fact.low is None else fact.low
    high = fact.center if fact.high is None else fact.high
    return not low - FAR * fact.spread <= float(said) <= high + FAR * fact.spread


def as_prediction(answer: ExamPrediction) -> Prediction:
    """The answer to an exam of one image as one to that image."""
    (view,) = answer.views
    return Prediction(**(_fields(Shown, view) | _fields(Answer, answer)))


def as_exam(name: str, answer: Prediction) -> ExamPrediction:
    """The answer to an image as one to an exam of it alone, of a bundle that knows no exams."""
    view = ViewPrediction(**_fields(Shown, answer), share=1.0)
    return ExamPrediction(**(_fields(Answer, answer) | {"source": name}), views=(view,), missing=())


def _fields(kind: type[Shown | Answer], said: Shown | Answer) -> dict[str, Any]:
    return {field.name: getattr(said, field.name) for field in fields(kind)}
