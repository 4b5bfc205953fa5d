"""Images in; outlined, measured and answered for the largest lesion."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Point
from senoscope.core.domain.chain import ChainManifest, ChainPrediction, Measured
from senoscope.core.domain.geometry import part_of
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Flag, Prediction, Timings, Trust
from senoscope.core.errors import BundleError
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.descriptors import DESCRIPTORS
from senoscope.core.preprocess.lesion import Lesion, Seeking, lesion_in
from senoscope.core.preprocess.pipeline import Prepared
from senoscope.core.preprocess.postprocess import found_regions
from senoscope.core.preprocess.steps import Gray
from senoscope.core.tasks import Task
from senoscope.runtime.marking import Marked, Marker, Opened, each_marked, opened
from senoscope.runtime.predictor import Model
from senoscope.runtime.reading import Failure, Ready, Source
from senoscope.runtime.session import ExamActivations, ExamSession
from senoscope.runtime.trust import Reference, assess
from senoscope.runtime.verdict import check_fit, verdict

NO_LESION = Flag("no_lesion", "No lesion is outlined in this picture, so there is none to answer for.", "abstain")
OUTLINED = ("tissue", "lesion")
"""Labels of what is marked."""


@dataclass(frozen=True, eq=False)
class _Cut:
    """The largest lesion, and its square as the network takes it."""

    lesion: Lesion
    prepared: Prepared


class ChainModel(Model):
    """A loaded bundle that outlines first.

    Args:
        manifest: the verified manifest.
        task: its task.
        marker: what marks lesions.
        session: the network that answers.
        folder: where it was loaded from.
    """

    manifest: ChainManifest

    def __init__(self, manifest: ChainManifest, task: Task, marker: Marker, session: ExamSession, folder: Path) -> None:
        self.manifest, self.task, self.folder = manifest, task, folder
        self._session, self._marker, self._exams = session, marker, None
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

    def _opened(self, source: Source) -> Opened | Failure:
        return opened(source, self._marker.pipeline, self.task)

    def _chained(self, group: list[Opened | Failure], point: Point) -> Iterator[Prediction | Failure]:
        for item in each_marked(self._marker, group):
            yield item if isinstance(item, Failure) else self._answered(*item, point)

    def _answered(self, item: Opened, marked: Marked, network_ms: float, point: Point) -> Prediction | Failure:
        start, spec = time.perf_counter(), self.manifest.chain
        if not marked.finite:
            return self._nothing(item)
        presence = 1.0
        if spec.calibration is not None:
            presence = float(spec.calibration.apply(np.array([marked.score]))[0])
        cut = self._cut(item, marked.chances)
        found = self._asked(cut) if cut else None
        if found is not None and not found.finite:
            return self._nothing(item)
        trust = self._trust(item, marked.embedding, found, presence if cut else 0.0)
        share = self._share(found)
        network_ms += (time.perf_counter() - start) * 1e3
        heat, laid = marked.heat, marked.placements
        if cut and found is not None and self._looks:
            heat, laid = found.saliency[0], (part_of(item.size, cut.lesion.square), *cut.prepared.placements)
        mask = cut.lesion.mask if cut else np.zeros((item.size.height, item.size.width), np.bool_)
        codes = mask.astype(np.uint8)
        return ChainPrediction(
            source=item.source,
            digest=item.digest,
            size=item.size,
            **verdict(self.manifest, share, point),
            heat=heat,
            placements=laid,
            trust=trust,
            timings=Timings(item.read_ms, item.prepare_ms, network_ms),
            regions=found_regions(codes, marked.chances[None], OUTLINED, OUTLINED[1]),
            labels=OUTLINED,
            codes=codes,
            box=cut.lesion.box if cut else None,
            measures=self._measured(cut, share) if cut else (),
            presence=presence,
        )

    @property
    def _looks(self) -> bool:
        assert isinstance(self._session, ExamSession)
        return self._session.sees

    def _cut(self, item: Opened, chances: NDArray[np.float32]) -> _Cut | None:
        spec = self.manifest.chain
        how = Seeking(spec.threshold, spec.smallest, spec.context, spec.least)
        lesion = lesion_in(item.image, chances, item.shown, how)
        if lesion is None:
            return None
        x0, y0, x1, y1 = lesion.square.edges
        grey = Gray().apply(item.image.pixels[y0:y1, x0:x1])
        part = Image(grey, item.image.maximum, item.source, item.digest)
        return _Cut(lesion, self.manifest.pipeline.apply(part))

    def _asked(self, cut: _Cut, **changed: float) -> ExamActivations:
        """Ask the classifier about a lesion, with some of its measures changed."""
        assert isinstance(self._session, ExamSession)
        known = {name: repr(value) for name, value in (cut.lesion.values | changed).items()}
        images = cut.prepared.array[None] if self._session.sees else None
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

    def _measured(self, cut: _Cut, share: NDArray[np.float64]) -> tuple[Measured, ...]:
        spec, titles = self.manifest.chain, {one.name: one for one in DESCRIPTORS}
        average = {fact.name: fact.center for fact in spec.coding.facts}
        base = float(self._asked(cut).logits[0, 0])
        found = []
        for measure in spec.measures:
            other = float(self._asked(cut, **{measure.name: average[measure.name]}).logits[0, 0])
            words = titles[measure.name]
            value = cut.lesion.values[measure.name]
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

    def _nothing(self, item: Opened) -> Failure:
        error = BundleError("the network's answer to this picture is not a number", "verify the bundle")
        return Failure(item.source, error)
