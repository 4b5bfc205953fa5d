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
from senoscope.core.errors import BundleError, UsageError
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.postprocess import coded, found_regions, probabilities
from senoscope.core.tasks import Task
from senoscope.runtime.reading import Failure, Ready, Source, prepare
from senoscope.runtime.session import OutlineSession
from senoscope.runtime.trust import Reference, assess
from senoscope.runtime.verdict import called

ALWAYS = "largest_region"
"""Operating point of a bundle that has none: what is marked is what is called."""


class Outliner:
    """A loaded bundle that marks regions.

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
        self, sources: Iterable[Source], *, batch: int = 4, workers: int = 2, operating_point: str = ""
    ) -> Iterator[OutlinePrediction | Failure]:
        """Mark the regions of images one by one, in the order given, holding only a few batches in memory.

        Args:
            sources: images or paths.
            batch: images a run of the network takes.
            workers: threads that read and prepare images ahead of the network.
            operating_point: name of the threshold; the bundle's default where empty.

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
        for group in batches(self._prepare, sources, batch=batch, workers=workers):
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

    def _prepare(self, source: Source) -> Ready | Failure:
        return prepare(source, self.manifest.pipeline, self.task)

    def _answers(
        self, group: list[Ready | Failure], point: OperatingPoint | None
    ) -> Iterator[OutlinePrediction | Failure]:
        ready = [item for item in group if isinstance(item, Ready)]
        rows: Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]] = iter(())
        network_ms = 0.0
        if ready:
            start = time.perf_counter()
            chances, embeddings = self.chances(np.stack([item.prepared.array for item in ready]))
            network_ms = (time.perf_counter() - start) * 1e3 / len(ready)
            rows = zip(chances, embeddings, strict=True)
        for item in group:
            yield item if isinstance(item, Failure) else self._answer(item, *next(rows), network_ms, point)

    def _answer(
        self,
        item: Ready,
        chances: NDArray[np.float32],
        embedding: NDArray[np.float32],
        network_ms: float,
        point: OperatingPoint | None,
    ) -> OutlinePrediction | Failure:
        if not (np.isfinite(chances).all() and np.isfinite(embedding).all()):
            return Failure(
                item.source, BundleError("the network's answer to this picture is not a number", "verify the bundle")
            )
        manifest, placements = self.manifest, item.prepared.placements
        maps = np.stack([stored(each, placements) for each in chances])
        shares, label, codes = self._called(chances, maps, point)
        regions = found_regions(codes, maps, manifest.labels, manifest.positive)
        distance = float(self._reference.distances(embedding[None])[0])
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
            heat=chances[0 if len(chances) == 1 else manifest.labels.index(manifest.positive)],
            placements=placements,
            trust=assess(item.seen, self.task, *self._reference.judge(distance)),
            timings=Timings(item.read_ms, item.prepare_ms, network_ms),
            regions=regions,
            labels=manifest.labels,
            codes=codes,
        )

    def _called(
        self, chances: NDArray[np.float32], maps: NDArray[np.float32], point: OperatingPoint | None
    ) -> tuple[dict[str, float], str, NDArray[np.uint8]]:
        """Probabilities or shares of the labels, the label that is called, and (H, W) codes."""
        manifest = self.manifest
        codes = coded(maps, manifest.threshold, manifest.smallest)
        if len(manifest.labels) > 2:
            counts = np.bincount(codes.ravel(), minlength=len(manifest.labels)) / codes.size
            shares = {label: float(count) for label, count in zip(manifest.labels, counts, strict=True)}
            return shares, called(shares, manifest.positive, None), codes
        other = next(label for label in manifest.labels if label != manifest.positive)
        if manifest.calibration is None or point is None:
            chance = float(bool(codes.any()))
        else:
            chance = float(manifest.calibration.apply(np.array([score(chances[0], manifest.smallest)]))[0])
        shares = {other: 1 - chance, manifest.positive: chance}
        label = called(shares, manifest.positive, point.threshold if point else 0.5)
        if label == manifest.positive and not codes.any():
            # Sure enough, and yet no region stands out: nothing can be shown, so nothing is called.
            label = other
        return shares, label, codes if label == manifest.positive else np.zeros_like(codes)
