"""Images in, predictions out: read and prepared in threads, run in batches, answered in order."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import BundleManifest, Point
from senoscope.core.domain.geometry import Size
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Flag, Prediction, Timings
from senoscope.core.errors import BundleError, SenoscopeError, UsageError
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Prepared
from senoscope.core.tasks import Task
from senoscope.runtime.session import Activations, Session
from senoscope.runtime.trust import Reference, assess, quality

Source = Image | Path | str
Sources = list[Image] | list[Path] | list[str] | list[Source] | tuple[Source, ...]


@dataclass(frozen=True)
class Failure:
    """An image that got no answer, and why."""

    source: str
    error: SenoscopeError


@dataclass(frozen=True, eq=False)
class _Ready:
    """An image that waits for the network, without its pixels: two dozen large pictures would fill the memory."""

    source: str
    digest: str
    size: Size
    seen: list[Flag]
    prepared: Prepared
    read_ms: float
    prepare_ms: float


class Model:
    """A loaded bundle.

    Args:
        manifest: the verified manifest.
        task: its task.
        session: its network.
        folder: where it was loaded from.
    """

    def __init__(self, manifest: BundleManifest, task: Task, session: Session, folder: Path) -> None:
        self.manifest = manifest
        self.task = task
        self.folder = folder
        self._session = session
        self._reference = Reference(manifest.reference)

    @overload
    def predict(self, source: Source, operating_point: str = "") -> Prediction: ...
    @overload
    def predict(self, source: Sources, operating_point: str = "") -> list[Prediction]: ...
    def predict(self, source: Source | Sources, operating_point: str = "") -> Prediction | list[Prediction]:
        """Answer one image (an `Image` or a path) or a list of them.

        Raises:
            InputError: an image cannot be read; of a list, the first such.
            UsageError: the bundle has no such operating point.
        """
        if isinstance(source, list | tuple):
            return list(self._answers(source, operating_point))
        return next(self._answers([source], operating_point))

    def _answers(self, sources: Iterable[Source], operating_point: str) -> Iterator[Prediction]:
        for answer in self.stream(sources, operating_point=operating_point):
            if isinstance(answer, Failure):
                raise answer.error
            yield answer

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
            UsageError: the bundle has no such operating point.
        """
        point = self._point(operating_point)
        for group in batches(self._prepare, sources, batch=batch, workers=workers):
            yield from self._answer(group, point)

    def warm_up(self) -> None:
        """Run the network once on a blank input; raises `BundleError` where the parts of the bundle do not fit."""
        blank = Image(np.zeros((64, 64), np.uint8), 255.0, "a blank picture")
        for answer in self.stream([blank]):
            if isinstance(answer, Failure):
                raise answer.error

    def _point(self, name: str) -> Point:
        names = [point.name for point in self.manifest.operating_points]
        if name and name not in names:
            raise UsageError(f"{self.manifest.name} has no operating point {name!r}", f"it has: {', '.join(names)}")
        return self.manifest.point(name)

    def _prepare(self, source: Source) -> _Ready | Failure:
        start = time.perf_counter()
        try:
            image = source if isinstance(source, Image) else read(source)
        except SenoscopeError as error:
            return Failure(str(source), error)
        opened = time.perf_counter()
        prepared, seen = self.manifest.pipeline.apply(image), quality(image, self.task)
        times = (opened - start) * 1e3, (time.perf_counter() - opened) * 1e3
        return _Ready(image.source, image.digest, image.size, seen, prepared, *times)

    def _answer(self, group: list[_Ready | Failure], point: Point) -> Iterator[Prediction | Failure]:
        ready = [item for item in group if isinstance(item, _Ready)]
        answers: Iterator[Prediction | Failure] = iter(())
        if ready:
            start = time.perf_counter()
            found = self._run(np.stack([item.prepared.array for item in ready]))
            answers = self._predictions(ready, found, point, (time.perf_counter() - start) * 1e3 / len(ready))
        for item in group:
            yield item if isinstance(item, Failure) else next(answers)

    def _run(self, batch: NDArray[np.float32]) -> Activations:
        found = self._session.run(batch)
        wanted = 1 if len(self.manifest.labels) == 2 else len(self.manifest.labels)
        if found.logits.shape[1] != wanted:
            raise BundleError(
                f"{self.manifest.name}: of {len(batch)} images the network gives logits {found.logits.shape}, where "
                f"{' or '.join(self.manifest.labels)} need {wanted}",
                "retrain the bundle",
            )
        if found.embedding.shape[1] != self._reference.size:
            raise BundleError(
                f"{self.manifest.name}: embeddings of {found.embedding.shape[1]} numbers do not fit a reference of "
                f"{self._reference.size}",
                "retrain the bundle",
            )
        return found

    def _predictions(
        self, ready: list[_Ready], found: Activations, point: Point, network_ms: float
    ) -> Iterator[Prediction | Failure]:
        manifest = self.manifest
        sound = found.finite
        shares = manifest.probabilities(np.where(sound[:, None], found.logits, 0))
        distances = self._reference.distances(np.where(sound[:, None], found.embedding, 0))
        rows = zip(ready, sound, shares, distances, found.saliency, strict=True)
        for item, usable, share, distance, heat in rows:
            if not usable:
                error = BundleError("the network's answer to this picture is not a number", "verify the bundle")
                yield Failure(item.source, error)
                continue
            chances = {label: float(chance) for label, chance in zip(manifest.labels, share, strict=True)}
            yield Prediction(
                source=item.source,
                digest=item.digest,
                size=item.size,
                task=manifest.task,
                bundle=manifest.name,
                version=manifest.version,
                probabilities=chances,
                positive=manifest.positive,
                label=called(chances, manifest.positive, point.threshold),
                operating_point=point.name,
                threshold=point.threshold,
                prevalence=manifest.prevalence,
                heat=heat,
                placements=item.prepared.placements,
                trust=assess(item.seen, self.task, *self._reference.judge(float(distance))),
                timings=Timings(item.read_ms, item.prepare_ms, network_ms),
            )


def called(chances: dict[str, float], positive: str, threshold: float | None) -> str:
    """Of two labels the positive one from the threshold on; without a threshold the likeliest, the first of equals."""
    if threshold is None:
        return max(chances, key=chances.__getitem__)
    return positive if chances[positive] >= threshold else next(label for label in chances if label != positive)
