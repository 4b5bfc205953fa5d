"""Images in, boxes around lesions out."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.box_bundle import BoxManifest
from senoscope.core.domain.boxes import BoxPrediction, Found
from senoscope.core.domain.bundle import OperatingPoint
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Timings
from senoscope.core.errors import BundleError, UsageError
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.boxes import Rows, box_of, carried_back, decoded, distinct
from senoscope.core.preprocess.squares import Corner, cut, joined, moved, squares
from senoscope.core.tasks import Task
from senoscope.runtime.reading import Failure, Ready, Source, prepare
from senoscope.runtime.session import BoxSession
from senoscope.runtime.trust import Reference, assess
from senoscope.runtime.verdict import called

ALWAYS = "any_box"
"""Operating point of a bundle that has none: a picture is called where a box is shown."""

AT_ONCE = 8
"""Squares a run of the network takes."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """What a network finds in one prepared picture.

    Args:
        rows: (D, 4) left, top, right, bottom in the network's input, duplicates removed, the surest first.
        logits: (D,) of the boxes.
        surest: logit of the likeliest place, with or without a box about it.
        heat: (h, w) how surely each place is the middle of a lesion, 0 to 1.
        embedding: (D,) of the picture, the mean over its squares.
    """

    rows: Rows
    logits: NDArray[np.float64]
    surest: float
    heat: NDArray[np.float32]
    embedding: NDArray[np.float32]

    @property
    def finite(self) -> bool:
        """Whether all that is said is numbers."""
        parts = (self.rows, self.logits, self.heat, self.embedding)
        return bool(np.isfinite(self.surest)) and all(bool(np.isfinite(part).all()) for part in parts)


@dataclass(frozen=True)
class Finding:
    """How boxes are made of maps; its fields are those of `BoxManifest`."""

    patch: int
    overlap: float
    most: int


Maps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Heat logits (P, 1, h, w), sides (P, 4, h, w) and embeddings (P, D) of the squares of a picture."""

Run = Callable[[NDArray[np.float32]], Maps]
"""Squares (P, C, s, s) in, maps out."""


def found_in(arrays: Sequence[NDArray[np.float32]], run: Run, how: Finding) -> list[Boxes]:
    """What a network finds in prepared pictures (C, S, S), whose squares go through it together."""
    every = [squares(array, how.patch) for array in arrays]
    given = [one for array, corners in zip(arrays, every, strict=True) for one in cut(array, corners, how.patch)]
    parts = [run(np.stack(given[at : at + AT_ONCE])) for at in range(0, len(given), AT_ONCE)]
    maps = [np.concatenate(part) for part in zip(*parts, strict=True)]
    ends = np.cumsum([len(corners) for corners in every])
    found = []
    for array, corners, end in zip(arrays, every, ends, strict=True):
        heat, sides, embedding = (part[end - len(corners) : end] for part in maps)
        found.append(_boxes((heat, sides, embedding), corners, array.shape[-1], how))
    return found


def _boxes(maps: Maps, corners: tuple[Corner, ...], whole: int, how: Finding) -> Boxes:
    """Make boxes of what a network says of the squares of one picture with sides of `whole` pixels."""
    heat, sides, embedding = maps
    found = [decoded(one[0], four, how.patch or whole, how.most) for one, four in zip(heat, sides, strict=True)]
    rows = moved([rows for rows, _ in found], corners)
    logits = np.concatenate([values for _, values in found])
    kept = distinct(rows, logits, how.overlap, how.most)
    shown = joined(np.exp(-np.logaddexp(np.float32(0), -heat[:, 0])), corners, how.patch, whole)
    return Boxes(rows[kept], logits[kept], float(heat.max()), shown, embedding.mean(axis=0))


def shown_of(scores: NDArray[np.float64], bound: float) -> int:
    """How many boxes are shown where a lesion is called: those from a score on, and the surest in any case."""
    return max(min(1, len(scores)), int((scores >= bound).sum()))


class Detector:
    """A loaded bundle that puts boxes around lesions.

    Args:
        manifest: the verified manifest.
        task: its task.
        session: its network.
        folder: where it was loaded from.
    """

    sees = True

    def __init__(self, manifest: BoxManifest, task: Task, session: BoxSession, folder: Path) -> None:
        self.manifest = manifest
        self.task = task
        self.folder = folder
        self._session = session
        self._reference = Reference(manifest.reference)

    def predict(self, source: Source, operating_point: str = "") -> BoxPrediction:
        """Find the lesions of one image, an `Image` or a path.

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
    ) -> Iterator[BoxPrediction | Failure]:
        """Find the lesions of images one by one, in the order given, holding only a few in memory.

        Args:
            sources: images or paths.
            batch: images that are prepared together.
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

    def _prepare(self, source: Source) -> Ready | Failure:
        return prepare(source, self.manifest.pipeline, self.task)

    def _answers(self, group: list[Ready | Failure], point: OperatingPoint | None) -> Iterator[BoxPrediction | Failure]:
        ready = [item for item in group if isinstance(item, Ready)]
        start = time.perf_counter()
        arrays, how = [item.prepared.array for item in ready], self.manifest
        finding = Finding(how.patch, how.overlap, how.most)
        found = iter(found_in(arrays, self._run, finding) if ready else ())
        network_ms = (time.perf_counter() - start) * 1e3 / max(1, len(ready))
        for item in group:
            yield item if isinstance(item, Failure) else self._answer(item, next(found), network_ms, point)

    def _run(self, given: NDArray[np.float32]) -> Maps:
        heat, sides, embedding = self._session.run(given)
        if embedding.shape[1] != self._reference.size:
            raise BundleError(
                f"{self.manifest.name}: embeddings of {embedding.shape[1]} numbers do not fit a reference of "
                f"{self._reference.size}",
                "retrain the bundle",
            )
        return heat, sides, embedding

    def _answer(
        self, item: Ready, found: Boxes, network_ms: float, point: OperatingPoint | None
    ) -> BoxPrediction | Failure:
        if not found.finite:
            return Failure(
                item.source, BundleError("the network's answer to this picture is not a number", "verify the bundle")
            )
        manifest = self.manifest
        shares, label, shown, unshown = self._called(item, found, point)
        distance = float(self._reference.distances(found.embedding[None])[0])
        return BoxPrediction(
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
            heat=found.heat,
            placements=item.prepared.placements,
            trust=assess(item.seen, self.task, *self._reference.judge(distance)),
            timings=Timings(item.read_ms, item.prepare_ms, network_ms),
            boxes=shown,
            unshown=unshown,
        )

    def _called(
        self, item: Ready, found: Boxes, point: OperatingPoint | None
    ) -> tuple[dict[str, float], str, tuple[Found, ...], tuple[Found, ...]]:
        """Probabilities of the labels, the label that is called, boxes that are shown and boxes that are not."""
        manifest = self.manifest
        rows = carried_back(found.rows, item.prepared.placements)
        scores = manifest.box_calibration.apply(found.logits)
        every = tuple(
            Found(box_of(row, item.size), manifest.positive, float(score))
            for row, score in zip(rows, scores, strict=True)
        )
        if manifest.calibration is None or point is None:
            chance, bound = max((one.score for one in every), default=0.0), manifest.shown
        else:
            chance, bound = float(manifest.calibration.apply(np.array([found.surest]))[0]), point.threshold
        other = next(label for label in manifest.labels if label != manifest.positive)
        shares = {other: 1 - chance, manifest.positive: chance}
        label = called(shares, manifest.positive, bound)
        if label == other or not every:
            # Sure enough, and yet nothing that could be shown: nothing is called.
            return shares, other, (), every
        count = shown_of(scores, manifest.shown)
        return shares, label, every[:count], every[count:]
