"""Images in, marked regions out."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import OperatingPoint
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import OutlinePrediction, stored
from senoscope.core.domain.outline_bundle import OutlineManifest, score
from senoscope.core.domain.prediction import Timings
from senoscope.core.errors import BundleError, SenoscopeError, UsageError
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Prepared
from senoscope.core.preprocess.postprocess import coded, found_regions, probabilities
from senoscope.core.tasks import Task
from senoscope.runtime.large import Large, Marks, mark_tiles, over_the_whole, tiling_of
from senoscope.runtime.marking import BoxMarker, Marked, each_marked, opened
from senoscope.runtime.reading import Failure, Ready, Source, prepare
from senoscope.runtime.session import BoxSession, OutlineSession
from senoscope.runtime.trust import Reference, assess
from senoscope.runtime.verdict import called

ALWAYS = "largest_region"
"""Operating point of a bundle that has none: what is marked is what is called."""


NO_NUMBER = BundleError("the network's answer to this picture is not a number", "verify the bundle")


class Outliner:
    """A loaded bundle that marks regions.

    A picture larger than what the network is asked about at once, where that is of a size in µm, is marked tile by tile
    (see `large`), and taken to have as many µm a pixel; other pictures are laid into the network's input whole.

    Args:
        manifest: the verified manifest.
        task: its task.
        session: its network.
        folder: where it was loaded from.
    """

    sees = True

    def __init__(self, manifest: OutlineManifest, task: Task, session: OutlineSession, folder: Path) -> None:
        self.manifest = manifest
        self.task = task
        self.folder = folder
        self._session = session
        self._reference = Reference(manifest.reference)
        self._tiling = tiling_of(task, manifest)

    def predict(self, source: Source, operating_point: str = "") -> OutlinePrediction:
        """Mark the regions of one image, an `Image` or a path.

        Raises:
            InputError: the image cannot be read.
            UsageError: the bundle has no such operating point.
        """
        found = next(self.stream([source], operating_point=operating_point))
        if isinstance(found, Failure):
            raise found.error
        return found

    def stream(
        self,
        sources: Iterable[Source],
        *,
        batch: int = 4,
        workers: int = 2,
        operating_point: str = "",
        whole: bool = False,
    ) -> Iterator[OutlinePrediction | Failure]:
        """Mark the regions of images one by one, in the order given, holding only a few batches in memory.

        Args:
            sources: images or paths.
            batch: images a run of the network takes.
            workers: threads that read and prepare images ahead of the network.
            operating_point: name of the threshold; the bundle's default where empty.
            whole: whether large pictures are laid into the network's input whole too, as squares are that were cut for
                it, whatever the size of their pixels.

        Raises:
            UsageError: the bundle has no such operating point.
        """
        names = [point.name for point in self.manifest.operating_points]
        if operating_point and operating_point not in names:
            raise UsageError(
                f"{self.manifest.name} has no operating point {operating_point!r}",
                f"it has: {', '.join(names) or 'none'}",
            )
        point = self.manifest.point(operating_point)
        laid = self._prepare_whole if whole else self._prepare
        for group in batches(laid, sources, batch=batch, workers=workers):
            yield from self._answers(group, point)

    def warm_up(self) -> None:
        """Run the network once on a blank input; raises `BundleError` where the parts of the bundle do not fit."""
        self.predict(Image(np.zeros((64, 64), np.uint8), 255.0, "a blank picture"))

    def chances(self, images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities (N, K, H, W) of prepared images (N, C, H, W), K = 1 of two labels, and embeddings (N, D)."""
        logits, embedding = self._session.run(images)
        wanted = 1 if len(self.task.labels) == 2 else len(self.task.labels)
        if logits.shape[1] != wanted or embedding.shape[1] != self._reference.size:
            raise BundleError(
                f"{self.manifest.name}: the network gives maps {logits.shape} and embeddings {embedding.shape}, where "
                f"{wanted} maps and {self._reference.size} numbers are needed",
                "retrain the bundle",
            )
        return probabilities(logits), embedding

    def known(self, embeddings: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(N,) whether pictures of these (N, D) embeddings look like what the bundle was trained on."""
        found: NDArray[np.bool_] = self._reference.distances(embeddings) / self.manifest.reference.limit <= 1
        return found

    def _prepare_whole(self, source: Source) -> Ready | Failure:
        return prepare(source, self.manifest.pipeline, self.task)

    def _prepare(self, source: Source) -> Ready | Failure:
        ready = self._prepare_whole(source)
        if isinstance(ready, Failure) or self._tiling is None or not self._tiling.fits(ready.size):
            return ready
        whole = Prepared(np.empty(0, np.float32), (over_the_whole(ready.size, self._tiling.tile),))
        return Large(ready.source, ready.digest, ready.size, ready.seen, whole, ready.read_ms, 0.0, source)

    def _answers(
        self, group: list[Ready | Failure], point: OperatingPoint | None
    ) -> Iterator[OutlinePrediction | Failure]:
        ready = [item for item in group if isinstance(item, Ready) and not isinstance(item, Large)]
        rows: Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]] = iter(())
        network_ms = 0.0
        if ready:
            start = time.perf_counter()
            chances, embeddings = self.chances(np.stack([item.prepared.array for item in ready]))
            network_ms = (time.perf_counter() - start) * 1e3 / len(ready)
            rows = zip(chances, embeddings, strict=True)
        for item in group:
            if isinstance(item, Large):
                yield self._answer_large(item, point)
            else:
                yield item if isinstance(item, Failure) else self._answer(item, *next(rows), network_ms, point)

    def _answer_large(self, item: Large, point: OperatingPoint | None) -> OutlinePrediction | Failure:
        assert self._tiling is not None
        start = time.perf_counter()
        try:
            image = item.original if isinstance(item.original, Image) else read(item.original)
            marks = mark_tiles(image, self._tiling, self.manifest, self.chances)
        except SenoscopeError as error:  # the file may have gone, or the network may not be one
            return Failure(item.source, error)
        return self._predicted(item, marks, (time.perf_counter() - start) * 1e3, point)

    def _answer(
        self,
        item: Ready,
        chances: NDArray[np.float32],
        embedding: NDArray[np.float32],
        network_ms: float,
        point: OperatingPoint | None,
    ) -> OutlinePrediction | Failure:
        if not (np.isfinite(chances).all() and np.isfinite(embedding).all()):
            return Failure(item.source, NO_NUMBER)
        manifest, placements = self.manifest, item.prepared.placements
        maps = np.stack([stored(each, placements) for each in chances])
        codes = coded(maps, manifest.threshold, manifest.smallest)
        heat = chances[0 if len(chances) == 1 else manifest.labels.index(manifest.positive)]
        marks = Marks(codes, maps, heat, score(chances[0], manifest.smallest), embedding[None], placements)
        return self._predicted(item, marks, network_ms, point)

    def _predicted(
        self, item: Ready, marks: Marks, network_ms: float, point: OperatingPoint | None
    ) -> OutlinePrediction:
        manifest = self.manifest
        shares, label, codes = self._called(marks, point)
        distance = float(np.median(self._reference.distances(marks.embeddings)))
        return OutlinePrediction(
            source=item.source,
            digest=item.digest,
            size=item.size,
            task=manifest.task,
            bundle=manifest.name,
            version=manifest.version,
            probabilities=shares,
            positive=manifest.positive,
            label=label,
            operating_point=point.name if point else ALWAYS,
            threshold=point.threshold if point else None,
            prevalence=manifest.prevalence,
            heat=marks.heat,
            placements=marks.placements,
            trust=assess(item.seen, self.task, *self._reference.judge(distance)),
            timings=Timings(item.read_ms, item.prepare_ms, network_ms),
            regions=found_regions(codes, marks.maps, manifest.labels, manifest.positive),
            labels=manifest.labels,
            codes=codes,
        )

    def _called(self, marks: Marks, point: OperatingPoint | None) -> tuple[dict[str, float], str, NDArray[np.uint8]]:
        """Probabilities or shares of the labels, the label that is called, and (H, W) codes."""
        manifest, codes = self.manifest, marks.codes
        if len(manifest.labels) > 2:
            counts = np.bincount(codes.ravel(), minlength=len(manifest.labels)) / codes.size
            shares = {label: float(count) for label, count in zip(manifest.labels, counts, strict=True)}
            return shares, called(shares, manifest.positive, None), codes
        other = next(label for label in manifest.labels if label != manifest.positive)
        if manifest.calibration is None or point is None:
            chance = float(bool(codes.any()))
        else:
            chance = float(manifest.calibration.apply(np.array([marks.score]))[0])
        shares = {other: 1 - chance, manifest.positive: chance}
        label = called(shares, manifest.positive, point.threshold if point else 0.5)
        if label == manifest.positive and not codes.any():
            # Sure enough, and yet no region stands out: nothing can be shown, so nothing is called.
            label = other
        return shares, label, codes if label == manifest.positive else np.zeros_like(codes)


class BoxedOutliner(Outliner):
    """A loaded bundle that puts a box around a lesion first, and marks what is in it.

    Args:
        manifest: the verified manifest, with what says where to outline.
        task: its task.
        session: the network that marks.
        boxes: the network that puts boxes.
        folder: where it was loaded from.
    """

    def __init__(
        self, manifest: OutlineManifest, task: Task, session: OutlineSession, boxes: BoxSession, folder: Path
    ) -> None:
        super().__init__(manifest, task, session, folder)
        assert manifest.within is not None
        width = self._reference.size
        self._marker = BoxMarker(manifest.name, session, boxes, manifest.within, manifest.pipeline, width)

    def _prepare_whole(self, source: Source) -> Ready | Failure:
        return opened(source, self._marker.pipeline, self.task)

    def _answers(
        self, group: list[Ready | Failure], point: OperatingPoint | None
    ) -> Iterator[OutlinePrediction | Failure]:
        for item in each_marked(self._marker, group):
            yield item if isinstance(item, Failure) else self._answer_marked(*item, point)

    def _answer_marked(
        self, item: Ready, marked: Marked, network_ms: float, point: OperatingPoint | None
    ) -> OutlinePrediction | Failure:
        if not marked.finite:
            return Failure(item.source, NO_NUMBER)
        maps = marked.chances[None]
        codes = coded(maps, self.manifest.threshold, self.manifest.smallest)
        marks = Marks(codes, maps, marked.heat, marked.score, marked.embedding[None], marked.placements)
        return self._predicted(item, marks, network_ms, point)
