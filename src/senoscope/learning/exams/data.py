"""What a run over exams has beside what every run has: the images, their records, and how both are laid into rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import ExamSpec
from senoscope.core.domain.coding import RecordCoding, fit_coding
from senoscope.core.domain.recipe import Recipe
from senoscope.evidence.index import Index
from senoscope.evidence.index.exams import Exams, record_of
from senoscope.learning.exams.packing import Packing


@dataclass(frozen=True, eq=False)
class ExamData:
    """The images behind the exams of a run.

    Args:
        images: image by image, of N.
        members: positions of each exam's images that are read.
        whole: positions of all its images; of an exam of too many, more.
        coding: of the records. Its words are those of all data; which of them are learnt is the training part's matter.
        codes: (N, M) coded records.
        packing: how exams are laid into rows.
    """

    images: Index
    members: tuple[NDArray[np.int64], ...]
    whole: tuple[NDArray[np.int64], ...]
    coding: RecordCoding
    codes: NDArray[np.float32]
    packing: Packing

    def rows(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, D) features of all images → (E, width)."""
        return self.packing.pack(features, self.codes, self.members)

    def part(self, exams: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
        """Positions of these exams' images, exam after exam, and of each exam's images among them."""
        chosen = [self.members[exam] for exam in exams]
        ends = np.cumsum([len(positions) for positions in chosen])
        places = tuple(np.arange(end - len(positions), end) for end, positions in zip(ends, chosen, strict=True))
        return np.concatenate(chosen), places

    def rows_of(self, exams: NDArray[np.int64], features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, D) features of these exams' images, exam after exam, → (len(exams), width)."""
        positions, places = self.part(exams)
        return self.packing.pack(features, self.codes[positions], places)

    def spec(self, recipe: Recipe) -> ExamSpec:
        """What the bundle says of its exams."""
        return ExamSpec(by=recipe.exam.by, most=recipe.exam.most, coding=self.coding)


def exam_data(recipe: Recipe, found: Exams | ExamData, features: int) -> ExamData:
    """Code the records of all images for a recipe, with D = `features` numbers an image."""
    records = [record_of(sample) for sample in found.images.samples]
    coding = fit_coding(recipe.record.facts, records)
    views = max(len(positions) for positions in found.members)
    packing = Packing(views if recipe.exam.by == "image" else recipe.exam.most, features, coding.width)
    return ExamData(found.images, found.members, found.whole, coding, coding.encode(records), packing)
