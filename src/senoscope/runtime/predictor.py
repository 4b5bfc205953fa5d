"""Images and exams in, predictions out: read and prepared in threads, answered in order."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import BundleManifest, Point
from senoscope.core.domain.exam import Exam, View
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import ExamPrediction, Prediction, Timings
from senoscope.core.errors import BundleError, UsageError
from senoscope.core.io.ahead import batches
from senoscope.core.tasks import Task
from senoscope.runtime.exams import ExamAnswers, as_exam, as_prediction
from senoscope.runtime.reading import Failure, Ready, Source, prepare
from senoscope.runtime.session import Activations, ExamSession, Session
from senoscope.runtime.trust import Reference, assess
from senoscope.runtime.verdict import check_fit, verdict

__all__ = ["Failure", "Model", "Source", "Sources"]

Sources = list[Image] | list[Path] | list[str] | list[Source] | tuple[Source, ...]
Exams = list[Exam] | tuple[Exam, ...]
Answered = TypeVar("Answered", Prediction, ExamPrediction)


@dataclass(frozen=True, eq=False)
class Judged:
    """What a bundle says of a batch.

    Args:
        probabilities: (N, K) calibrated, in the order of the labels.
        sound: (N,) whether the answer is a number at all.
        known: (N,) whether the picture looks like what the bundle was trained on; else the answer is to be withheld.
    """

    probabilities: NDArray[np.float64]
    sound: NDArray[np.bool_]
    known: NDArray[np.bool_]


class Model:
    """A loaded bundle.

    Args:
        manifest: the verified manifest.
        task: its task.
        session: its network; of a bundle with an `exam`, one that answers exams.
        folder: where it was loaded from.
    """

    def __init__(self, manifest: BundleManifest, task: Task, session: Session | ExamSession, folder: Path) -> None:
        self.manifest = manifest
        self.task = task
        self.folder = folder
        self._session = session
        self._reference = Reference(manifest.reference)
        self._exams: ExamAnswers | None = None
        if isinstance(session, ExamSession):
            assert manifest.exam is not None
            self._exams = ExamAnswers(manifest, manifest.exam, task, session, self._reference)

    @property
    def sees(self) -> bool:
        """Whether it looks at pictures, and not at records alone."""
        return self._exams is None or self._exams.sees

    @overload
    def predict(self, source: Source, operating_point: str = "") -> Prediction: ...
    @overload
    def predict(self, source: Sources, operating_point: str = "") -> list[Prediction]: ...
    @overload
    def predict(self, source: Exam, operating_point: str = "") -> ExamPrediction: ...
    @overload
    def predict(self, source: Exams, operating_point: str = "") -> list[ExamPrediction]: ...
    def predict(
        self, source: Source | Sources | Exam | Exams, operating_point: str = ""
    ) -> Prediction | list[Prediction] | ExamPrediction | list[ExamPrediction]:
        """Answer one image (an `Image` or a path), one `Exam`, or a list of either.

        To a bundle that answers exams an image is an exam of itself alone of which nothing else is known, as the
        answer's flags say. A bundle that answers images takes exams of one image.

        Raises:
            InputError: an image cannot be read; of a list, the first such.
            UsageError: the bundle has no such operating point, takes no exams of several images, or looks at no
                pictures.
        """
        match source:
            case Exam():
                return next(_raised(self.stream_exams([source], operating_point=operating_point)))
            case list() | tuple() if source and all(isinstance(one, Exam) for one in source):
                exams = cast(Exams, source)
                return list(_raised(self.stream_exams(exams, operating_point=operating_point)))
            case list() | tuple():
                images = cast(Sources, source)
                return list(_raised(self.stream(images, operating_point=operating_point)))
        return next(_raised(self.stream([source], operating_point=operating_point)))

    def stream(
        self, sources: Iterable[Source], *, batch: int = 8, workers: int = 2, operating_point: str = ""
    ) -> Iterator[Prediction | Failure]:
        """Answer images one by one, in the order given, holding only a few batches in memory.

        Args:
            sources: images or paths.
            batch: images a run of the network takes.
            workers: threads that read and prepare images ahead of the network.
            operating_point: name of the threshold; the bundle's default where empty.

        Raises:
            UsageError: the bundle has no such operating point, or looks at no pictures.
        """
        if not self.sees:
            raise UsageError(
                f"{self.manifest.name} looks at no pictures: it goes by what is known alone",
                "give it a table: senoscope predict TASK --facts TABLE.csv",
            )
        point = self.point(operating_point)
        if isinstance(self._session, ExamSession):
            single = (Exam(_name(source), (View(source),)) for source in sources)
            for answer in self.stream_exams(single, workers=workers, operating_point=operating_point):
                yield answer if isinstance(answer, Failure) else as_prediction(answer)
            return
        for group in batches(self._prepare, sources, batch=batch, workers=workers):
            yield from self._answer(group, self._session, point)

    def stream_exams(
        self, exams: Iterable[Exam], *, workers: int = 2, operating_point: str = ""
    ) -> Iterator[ExamPrediction | Failure]:
        """Answer exams one by one, in the order given; three at a time are read and held in memory.

        Args:
            exams: images and records; paths are read when their turn comes.
            workers: threads that read and prepare exams ahead of the network.
            operating_point: name of the threshold; the bundle's default where empty.

        Raises:
            UsageError: the bundle has no such operating point, or answers images and is given an exam of several.
        """
        point = self.point(operating_point)
        if self._exams is None:
            yield from self._one_by_one(exams, workers, operating_point)
            return
        for group in batches(self._exams.prepare, exams, batch=1, workers=workers):
            for ready in group:
                yield ready if isinstance(ready, Failure) else self._exams.answer(ready, point)

    def _one_by_one(
        self, exams: Iterable[Exam], workers: int, operating_point: str
    ) -> Iterator[ExamPrediction | Failure]:
        names: deque[str] = deque()

        def only() -> Iterator[Source]:
            for exam in exams:
                source = exam.views[0].source
                if len(exam.views) > 1 or source is None:
                    raise UsageError(
                        f"{self.manifest.name} answers image by image, and exam {exam.name!r} is not one image",
                        "ask about each image, or give a bundle that was trained on exams",
                    )
                names.append(exam.name)
                yield source

        for answer in self.stream(only(), workers=workers, operating_point=operating_point):
            name = names.popleft()
            yield Failure(name, answer.error) if isinstance(answer, Failure) else as_exam(name, answer)

    def warm_up(self) -> None:
        """Run the network once on a blank input; raises `BundleError` where the parts of the bundle do not fit."""
        blank = Image(np.zeros((64, 64), np.uint8), 255.0, "a blank picture")
        for answer in self.stream_exams([Exam("a blank exam", (View(blank),))]):
            if isinstance(answer, Failure):
                raise answer.error

    def judge(self, batch: NDArray[np.float32]) -> Judged:
        """Answer a batch of (N, C, H, W) pictures that are prepared already, as the tiles of a slide are.

        Raises:
            UsageError: the bundle answers exams.
            BundleError: network and batch do not suit each other.
        """
        if isinstance(self._session, ExamSession):
            raise UsageError(f"{self.manifest.name} answers exams, not pictures", "give a bundle of single pictures")
        found = self._session.run(batch)
        check_fit(self.manifest, found.logits, found.embedding, self._reference.size, f"{len(batch)} images")
        sound: NDArray[np.bool_] = found.finite
        shares = self.manifest.probabilities(np.where(sound[:, None], found.logits, 0))
        distances = self._reference.distances(np.where(sound[:, None], found.embedding, 0))
        known = sound & (distances / self.manifest.reference.limit <= 1)
        return Judged(shares, sound, known)

    def point(self, name: str = "") -> Point:
        """Return an operating point, the default one where no name is given; raises `UsageError` for an unknown one."""
        names = [point.name for point in self.manifest.operating_points]
        if name and name not in names:
            raise UsageError(f"{self.manifest.name} has no operating point {name!r}", f"it has: {', '.join(names)}")
        return self.manifest.point(name)

    def _prepare(self, source: Source) -> Ready | Failure:
        return prepare(source, self.manifest.pipeline, self.task)

    def _answer(self, group: list[Ready | Failure], session: Session, point: Point) -> Iterator[Prediction | Failure]:
        ready = [item for item in group if isinstance(item, Ready)]
        answers: Iterator[Prediction | Failure] = iter(())
        if ready:
            start = time.perf_counter()
            found = session.run(np.stack([item.prepared.array for item in ready]))
            check_fit(self.manifest, found.logits, found.embedding, self._reference.size, f"{len(ready)} images")
            answers = self._predictions(ready, found, point, (time.perf_counter() - start) * 1e3 / len(ready))
        for item in group:
            yield item if isinstance(item, Failure) else next(answers)

    def _predictions(
        self, ready: list[Ready], found: Activations, point: Point, network_ms: float
    ) -> Iterator[Prediction | Failure]:
        sound: NDArray[np.bool_] = found.finite
        shares = self.manifest.probabilities(np.where(sound[:, None], found.logits, 0))
        distances = self._reference.distances(np.where(sound[:, None], found.embedding, 0))
        rows = zip(ready, sound, shares, distances, found.saliency, strict=True)
        for item, usable, share, distance, heat in rows:
            if not usable:
                error = BundleError("the network's answer to this picture is not a number", "verify the bundle")
                yield Failure(item.source, error)
                continue
            yield Prediction(
                source=item.source,
                digest=item.digest,
                size=item.size,
                **verdict(self.manifest, share, point),
                heat=heat,
                placements=item.prepared.placements,
                trust=assess(item.seen, self.task, *self._reference.judge(float(distance))),
                timings=Timings(item.read_ms, item.prepare_ms, network_ms),
            )


def _raised(answers: Iterator[Answered | Failure]) -> Iterator[Answered]:
    for answer in answers:
        if isinstance(answer, Failure):
            raise answer.error
        yield answer


def _name(source: Source) -> str:
    return source.source if isinstance(source, Image) else str(source)
