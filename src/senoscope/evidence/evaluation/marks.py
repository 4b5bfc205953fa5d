"""What a model marks in one picture after the other, measured against the true masks."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import DatasetError, InputError
from senoscope.core.preprocess.postprocess import coded
from senoscope.evidence.datasets.lesions import true_mask
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.outlines import Fit, fit


@dataclass(frozen=True)
class Marking:
    """When a pixel is marked: from a probability of `threshold` on, in a region of a share `smallest` or more."""

    threshold: float
    smallest: float
    positive: str = "lesion"


@dataclass
class Measured:
    """What was measured so far: positions of the samples that could be, what was found, and what could not be."""

    kept: list[int] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def add(self, index: Index, position: int, chances: NDArray[np.float32], marking: Marking) -> bool:
        """Measure one map (H, W) over the stored picture; false where the sample's mask cannot be used.

        Raises:
            DatasetError: the map is none.
            MissingExtraError: scipy is not installed.
        """
        sample = index.samples[position]
        if chances.ndim != 2 or not chances.size or not np.isfinite(chances).all():
            raise DatasetError(
                f"sample {sample.sample_id!r} was answered with a map {chances.shape} that is none",
                "give finite probabilities (H, W) over the stored picture",
            )
        try:
            truth = _truth(index, sample, Size(chances.shape[1], chances.shape[0]), marking.positive)
        except (DatasetError, InputError) as error:
            self.unread.append(Unread(sample.path, error.message))
            return False
        self.kept.append(position)
        self.fits.append(fit(truth, coded(chances[None], marking.threshold, marking.smallest) > 0))
        return True


def _truth(index: Index, sample: Sample, size: Size, positive: str) -> NDArray[np.bool_]:
    """The true mask, which must say the same as the label."""
    truth = true_mask(sample, index.root, size)
    if truth.any() == (sample.label == positive):
        return truth
    said = "its mask marks something" if truth.any() else "no mask marks where"
    raise DatasetError(f"labelled {sample.label}, and {said}", "mend the label or the mask, or leave the sample out")
