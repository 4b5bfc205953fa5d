"""Images in; outlined, measured and answered for the largest lesion."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Point
from senoscope.core.domain.chain import ChainManifest, ChainPrediction, Measured
from senoscope.core.domain.geometry import Box, Placement
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import stored
from senoscope.core.domain.outline_bundle import score
from senoscope.core.domain.prediction import Flag, Prediction, Timings, Trust
from senoscope.core.errors import BundleError, SenoscopeError
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.descriptors import DESCRIPTORS, box_of, describe, lesion_of
from senoscope.core.preprocess.pipeline import Prepared
from senoscope.core.preprocess.postprocess import found_regions, probabilities
from senoscope.core.preprocess.steps import Gray
from senoscope.core.preprocess.surrounding import surrounding
from senoscope.core.tasks import Task
from senoscope.runtime.predictor import Model
from senoscope.runtime.reading import Failure, Ready, Source, prepare
from senoscope.runtime.session import ExamActivations, ExamSession, OutlineSession
from senoscope.runtime.trust import Reference, assess
from senoscope.runtime.verdict import check_fit, verdict

NO_LESION = Flag("no_lesion", "No lesion is outlined in this picture, so there is none to answer for.", "abstain")
OUTLINED = ("tissue", "lesion")
"""Labels of what is marked."""


@dataclass(frozen=True, eq=False)
class _Read:
    """An image on its way through the chain, with its pixels."""

    image: Image
    ready: Ready


@dataclass(frozen=True, eq=False)
class _Lesion:
    """What was outlined: (H, W) of the largest lesion, its measures, and its square as the network takes it."""

    mask: NDArray[np.bool_]
    box: Box
    values: dict[str, float]
    square: Box
    prepared: Prepared


class ChainModel(Model):
    """A loaded bundle that outlines first.

    Args:
        manifest: the verified manifest.
        task: its task.
        outline: the network that marks.
        session: the network that answers.
        folder: where it was loaded from.
    """

    manifest: ChainManifest

    def __init__(
        self, manifest: ChainManifest, task: Task, outline: OutlineSession, session: ExamSession, folder: Path
    ) -> None:
        self.manifest, self.task, self.folder = manifest, task, folder
        self._session, self._outline, self._exams = session, outline, None
        self._reference, self._pictures = Reference(manifest.reference), Reference(manifest.chain.reference)

    @property
    def sees(self) -> bool:
        """It looks at pictures, whatever the classifier goes by."""
        return True

    def stream(
        self, sources: Iterable[Source], *, batch: int = 4, workers: int = 2, operating_point: str = ""
    ) -> Iterator[Prediction | Failure]:
        """Answer images one by one, in the order given, holding only a few batches in memory; see `Model.stream`."""
        point = self.point(operating_point)
        for group in batches(self._opened, sources, batch=batch, workers=workers):
            yield from self._chained(group, point)

    def _opened(self, source: Source) -> _Read | Failure:
        start = time.perf_counter()
        if not isinstance(source, Image):
            try:
                source = read(source)
            except SenoscopeError as error:
                return Failure(str(source), error)
        read_ms = (time.perf_counter() - start) * 1e3
        found = prepare(source, self.manifest.chain.pipeline, self.task)
        if isinstance(found, Failure):
            return found
        return _Read(source, Ready(**{**vars(found), "read_ms": read_ms}))

    def _chained(self, group: list[_Read | Failure], point: Point) -> Iterator[Prediction | Failure]:
        opened = [item for item in group if isinstance(item, _Read)]
        rows: Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]] = iter(())
        network_ms = 0.0
        if opened:
            start = time.perf_counter()
            logits, embedding = self._outline.run(np.stack([item.ready.prepared.array for item in opened]))
            if logits.shape[1] != 1 or embedding.shape[1] != self._pictures.size:
                shapes = f"{logits.shape} and {embedding.shape}"
                raise BundleError(f"{self.manifest.name}: outline.onnx gives {shapes}", "retrain the bundle")
            network_ms = (time.perf_counter() - start) * 1e3 / len(opened)
            rows = zip(probabilities(logits)[:, 0], embedding, strict=True)
        for item in group:
            yield item if isinstance(item, Failure) else self._answered(item, *next(rows), network_ms, point)

    def _answered(
        self,
        item: _Read,
        chances: NDArray[np.float32],
        embedding: NDArray[np.float32],
        network_ms: float,
        point: Point,
    ) -> Prediction | Failure:
        start, spec = time.perf_counter(), self.manifest.chain
        if not (np.isfinite(chances).all() and np.isfinite(embedding).all()):
            return self._nothing(item)
        presence = 1.0
        if spec.calibration is not None:
            presence = float(spec.calibration.apply(np.array([score(chances, spec.smallest)]))[0])
        placements = item.ready.prepared.placements
        lesion = self._lesion(item.image, stored(chances, placements))
        found = self._asked(lesion) if lesion else None
        if found is not None and not found.finite:
            return self._nothing(item)
        trust = self._trust(item.ready, embedding, found, presence if lesion else 0.0)
        share = self._share(found)
        network_ms += (time.perf_counter() - start) * 1e3
        heat, laid = chances, placements
        if lesion and found is not None and self._looks:
            heat, laid = found.saliency[0], (_placed(item.image, lesion.square), *lesion.prepared.placements)
        mask = lesion.mask if lesion else np.zeros((item.image.size.height, item.image.size.width), np.bool_)
        codes = mask.astype(np.uint8)
        return ChainPrediction(
            source=item.image.source,
            digest=item.image.digest,
            size=item.image.size,
            **verdict(self.manifest, share, point),
            heat=heat,
            placements=laid,
            trust=trust,
            timings=Timings(item.ready.read_ms, item.ready.prepare_ms, network_ms),
            regions=found_regions(codes, stored(chances, placements)[None], OUTLINED, OUTLINED[1]),
            labels=OUTLINED,
            codes=codes,
            box=lesion.box if lesion else None,
            measures=self._measured(lesion, share) if lesion else (),
            presence=presence,
        )

    @property
    def _looks(self) -> bool:
        assert isinstance(self._session, ExamSession)
        return self._session.sees

    def _lesion(self, image: Image, chances: NDArray[np.float32]) -> _Lesion | None:
        spec = self.manifest.chain
        mask = lesion_of(chances, spec.threshold, spec.smallest)
        grey = Gray().apply(image.pixels).astype(np.float32) / np.float32(image.maximum)
        values = None if mask is None else describe(mask, grey)
        if mask is None or values is None:
            return None
        box = box_of(mask)
        square = surrounding(box, image.size, spec.context, spec.least)
        x0, y0, x1, y1 = square.edges
        part = Image(Gray().apply(image.pixels[y0:y1, x0:x1]), image.maximum, image.source, image.digest)
        return _Lesion(mask, box, values, square, self.manifest.pipeline.apply(part))

    def _asked(self, lesion: _Lesion, **changed: float) -> ExamActivations:
        """Ask the classifier about a lesion, with some of its measures changed."""
        assert isinstance(self._session, ExamSession)
        known = {name: repr(value) for name, value in (lesion.values | changed).items()}
        images = lesion.prepared.array[None] if self._session.sees else None
        found = self._session.run(images, self.manifest.chain.coding.encode([known]))
        check_fit(self.manifest, found.logits, found.embedding, self._reference.size, "a lesion")
        return found

    def _share(self, found: ExamActivations | None) -> NDArray[np.float64]:
        """(K,) probabilities; of no lesion, as often as in training."""
        if found is not None:
            share: NDArray[np.float64] = self.manifest.probabilities(found.logits)[0]
            return share
        chance = self.manifest.prevalence
        return np.array([chance if label == self.manifest.positive else 1 - chance for label in self.manifest.labels])

    def _measured(self, lesion: _Lesion, share: NDArray[np.float64]) -> tuple[Measured, ...]:
        spec, titles = self.manifest.chain, {one.name: one for one in DESCRIPTORS}
        average = {fact.name: fact.center for fact in spec.coding.facts}
        base = float(self._asked(lesion).logits[0, 0])
        found = []
        for measure in spec.measures:
            other = float(self._asked(lesion, **{measure.name: average[measure.name]}).logits[0, 0])
            words = titles[measure.name]
            value = lesion.values[measure.name]
            found.append(Measured(measure.name, words.title, words.unit, value, measure.usual, base - other))
        return tuple(found)

    def _trust(
        self, ready: Ready, embedding: NDArray[np.float32], found: ExamActivations | None, presence: float
    ) -> Trust:
        """Trust in the picture, and where the classifier looks at the square, in the lesion's square too."""
        judged = self._pictures.judge(float(self._pictures.distances(embedding[None])[0]))
        seen = list(ready.seen)
        if presence < self.manifest.chain.called_from or found is None:
            seen.append(NO_LESION)
        picture = assess(seen, self.task, *judged)
        if found is None or not self._looks:
            return picture
        square = assess([], self.task, *self._reference.judge(float(self._reference.distances(found.embedding)[0])))
        flags = sorted((*picture.flags, *square.flags), key=lambda flag: flag.severity != "abstain")
        return Trust(
            max(picture.percentile, square.percentile),
            max(picture.distance, square.distance),
            tuple(dict.fromkeys(flags)),
        )

    def _nothing(self, item: _Read) -> Failure:
        error = BundleError("the network's answer to this picture is not a number", "verify the bundle")
        return Failure(item.image.source, error)


def _placed(image: Image, square: Box) -> Placement:
    return Placement(image.size, square, square.size, Box(0, 0, square.width, square.height))
