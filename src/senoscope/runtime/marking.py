"""Where a lesion lies: by one network over the whole picture, or by one that puts a box and one that outlines in it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Box, Placement, part_of
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import stored
from senoscope.core.domain.outline_bundle import WithinSpec, score
from senoscope.core.errors import BundleError
from senoscope.core.preprocess.boxes import carried_back
from senoscope.core.preprocess.pipeline import Pipeline, Prepared
from senoscope.core.preprocess.postprocess import probabilities
from senoscope.core.preprocess.surrounding import enlarged
from senoscope.core.tasks import Task
from senoscope.runtime.detecting import Boxes, Finding, Maps, found_in
from senoscope.runtime.reading import Failure, Ready, Source, prepare
from senoscope.runtime.session import BoxSession, OutlineSession


@dataclass(frozen=True, eq=False)
class Opened(Ready):
    """An image that waits for the network with its pixels: parts of it will be asked for."""

    image: Image

    @property
    def shown(self) -> Box:
        """The part of the stored picture that the network sees."""
        return self.prepared.placements[0].source_box


@dataclass(frozen=True, eq=False)
class Marked:
    """What is marked in one picture.

    Args:
        chances: (H, W) probability of each pixel of the stored picture.
        score: how surely there is a lesion at all, as a logit.
        heat: (h, w) what was said last, on the network's own grid.
        placements: how that grid lies in the stored picture.
        embedding: (D,) of the picture.
    """

    chances: NDArray[np.float32]
    score: float
    heat: NDArray[np.float32]
    placements: tuple[Placement, ...]
    embedding: NDArray[np.float32]

    @property
    def finite(self) -> bool:
        """Whether all that is said is numbers."""
        parts = (self.heat, self.embedding)
        return bool(np.isfinite(self.score)) and all(bool(np.isfinite(part).all()) for part in parts)


class Marker(Protocol):
    """Marks lesions in pictures that were prepared by its first network's pipeline."""

    pipeline: Pipeline

    def mark(self, opened: Sequence[Opened]) -> list[Marked]:
        """Mark several pictures at once; raises `BundleError` where the parts of the bundle do not fit."""
        ...


def opened(source: Source, pipeline: Pipeline, task: Task) -> Opened | Failure:
    """Read an image where it is a path and prepare it, keeping its pixels; see `reading.prepare`."""
    kept: list[Image] = []
    found = prepare(source, pipeline, task, kept.append)
    return found if isinstance(found, Failure) else Opened(**vars(found), image=kept[0])


def each_marked(marker: Marker, group: Sequence[Ready | Failure]) -> Iterator[tuple[Opened, Marked, float] | Failure]:
    """Mark what of a group was opened, all at once; each with its share of the time in ms, in the group's order."""
    waiting = [item for item in group if isinstance(item, Opened)]
    start = time.perf_counter()
    marked = iter(marker.mark(waiting) if waiting else ())
    share_ms = (time.perf_counter() - start) * 1e3 / max(1, len(waiting))
    for item in group:
        if isinstance(item, Opened):
            yield item, next(marked), share_ms
        elif isinstance(item, Failure):
            yield item


class WholeMarker:
    """One network over the whole picture.

    Args:
        name: of the bundle.
        session: the network.
        pipeline: its preprocessing.
        smallest: share of the picture below which a region is left out.
        width: numbers of an embedding.
    """

    def __init__(self, name: str, session: OutlineSession, pipeline: Pipeline, smallest: float, width: int) -> None:
        self.pipeline = pipeline
        self._name, self._session, self._smallest, self._width = name, session, smallest, width

    def mark(self, opened: Sequence[Opened]) -> list[Marked]:
        """Mark several pictures at once; raises `BundleError` where the network is none of the bundle's."""
        logits, embeddings = self._session.run(np.stack([item.prepared.array for item in opened]))
        if logits.shape[1] != 1 or embeddings.shape[1] != self._width:
            raise misfit(self._name, "marks", logits, embeddings)
        return [
            Marked(
                stored(chances, item.prepared.placements),
                score(chances, self._smallest),
                chances,
                item.prepared.placements,
                embedding,
            )
            for item, chances, embedding in zip(opened, probabilities(logits)[:, 0], embeddings, strict=True)
        ]


class BoxMarker:
    """One network that puts boxes around lesions, and one that outlines what is in the surest.

    Args:
        name: of the bundle.
        session: the network that outlines.
        boxes: the network that puts boxes.
        spec: how.
        inner: preprocessing of what is outlined.
        width: numbers of an embedding of the network that puts boxes.
    """

    def __init__(
        self, name: str, session: OutlineSession, boxes: BoxSession, spec: WithinSpec, inner: Pipeline, width: int
    ) -> None:
        self.pipeline = spec.pipeline
        self._name, self._session, self._boxes, self._spec = name, session, boxes, spec
        self._inner, self._width = inner, width

    def mark(self, opened: Sequence[Opened]) -> list[Marked]:
        """Mark several pictures at once; raises `BundleError` where a network is none of the bundle's."""
        how = Finding(0, self._spec.overlap, self._spec.most)
        found = found_in([item.prepared.array for item in opened], self._run, how)
        parts = [self._part(item, boxes) for item, boxes in zip(opened, found, strict=True)]
        asked = [laid.array for part in parts if part is not None for laid in (part[1],)]
        rows = iter(self._outlined(asked))
        return [
            self._nothing(item, boxes) if part is None else self._within(item, boxes, *part, next(rows))
            for item, boxes, part in zip(opened, found, parts, strict=True)
        ]

    def _run(self, given: NDArray[np.float32]) -> Maps:
        heat, sides, embedding = self._boxes.run(given)
        if embedding.shape[1] != self._width:
            raise misfit(self._name, "puts boxes", heat, embedding)
        return heat, sides, embedding

    def _part(self, item: Opened, boxes: Boxes) -> tuple[Box, Prepared] | None:
        """What is outlined, and as the network takes it; None where there is no box."""
        if not (len(boxes.rows) and boxes.finite):
            return None
        edges = carried_back(boxes.rows[:1], item.prepared.placements)[0]
        box = enlarged(edges, item.shown, self._spec.context)
        return box, laid_part(item.image, box, self._inner)

    def _outlined(self, asked: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """(N, H, W) probabilities of prepared parts."""
        if not asked:
            return np.empty((0, 1, 1), np.float32)
        logits, embeddings = self._session.run(np.stack(asked))
        if logits.shape[1] != 1:
            raise misfit(self._name, "marks", logits, embeddings)
        return probabilities(logits)[:, 0]

    def _within(self, item: Opened, boxes: Boxes, box: Box, prepared: Prepared, chances: NDArray[np.float32]) -> Marked:
        placements = (part_of(item.size, box), *prepared.placements)
        return Marked(stored(chances, placements), boxes.surest, chances, placements, boxes.embedding)

    def _nothing(self, item: Opened, boxes: Boxes) -> Marked:
        blank = np.zeros((item.size.height, item.size.width), np.float32)
        return Marked(blank, boxes.surest, boxes.heat, item.prepared.placements, boxes.embedding)


def laid_part(image: Image, box: Box, pipeline: Pipeline) -> Prepared:
    """A part of a picture as a network takes it."""
    x0, y0, x1, y1 = box.edges
    return pipeline.apply(Image(image.pixels[y0:y1, x0:x1], image.maximum, image.source, image.digest))


def misfit(name: str, does: str, maps: NDArray[np.float32], embeddings: NDArray[np.float32]) -> BundleError:
    """What is said of a network that is none of the bundle's."""
    shapes = f"{maps.shape} and {embeddings.shape}"
    return BundleError(f"{name}: what {does} gives {shapes}, which does not fit the bundle", "retrain the bundle")
