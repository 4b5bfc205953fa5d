"""The manifest of a bundle that marks regions.

Its network takes `image (N, C, H, W)` float32 and gives `mask_logits (N, 1, H, W)`, or `(N, K, H, W)` where there are
K > 2 labels, and `embedding (N, D)`. Where a second network puts boxes around lesions first, it takes what lies in and
around the surest box; see `WithinSpec`.
"""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from senoscope.core.domain.bundle import BundleBase, Calibration, ModelFile, OperatingPoint, Probability
from senoscope.core.domain.recipe_parts import Part
from senoscope.core.preprocess.pipeline import Pipeline


class WithinSpec(Part):
    """The network that says where to outline: `boxes.onnx`, of one lesion class; see `core.domain.box_bundle`.

    What is handed to the network that marks is the surest box, its sides `context` times as long, as far as they lie
    in what the picture shows. The probability that there is a region at all is of the surest place's logit then, and
    the bundle's reference of the embeddings of this network, which sees the whole picture.

    Args:
        boxes: the network, a file beside the manifest.
        pipeline: its preprocessing.
        overlap: intersection over union from which the less sure of two boxes is taken for a duplicate.
        most: boxes of a picture at most.
        context: sides of what is outlined by those of the box.
    """

    boxes: ModelFile
    pipeline: Pipeline
    overlap: Annotated[float, Field(gt=0, le=1)]
    most: Annotated[int, Field(ge=1, le=1000)]
    context: Annotated[float, Field(ge=1, le=8)]


class OutlineManifest(BundleBase):
    """`bundle.json` of a task that marks regions.

    Args:
        within: the network that says where to outline; None where the whole picture is.
        threshold: probability from which a pixel is marked, of two labels; of more, the likeliest label is.
        smallest: share of the picture below which a region is left out.
        calibration: of the picture's score (see `score`) to the probability that there is such a region at all; None
            of more than two labels, or where every picture that was known had one.
        operating_points: thresholds on that probability; none where there is no calibration.
        operating_point: name of the default one; "" where there is none.
    """

    threshold: Probability
    smallest: Annotated[float, Field(ge=0, lt=1)]
    calibration: Calibration | None
    operating_points: tuple[OperatingPoint, ...]
    operating_point: str
    within: WithinSpec | None = None

    @property
    def prevalence(self) -> float:
        """Share of pictures with such a region among those the calibration was fitted on; 1 without one."""
        return self.calibration.prevalence if self.calibration else 1.0

    def point(self, name: str = "") -> OperatingPoint | None:
        """Return the operating point called `name`, which must exist, or the default one; None where there is none."""
        wanted = name or self.operating_point
        return next((point for point in self.operating_points if point.name == wanted), None)


def score(chances: NDArray[np.float32], smallest: float) -> float:
    """How surely there is a region at all, as a logit: that of the mean over the likeliest pixels.

    As many pixels are looked at as the smallest region has that would be marked.

    Args:
        chances: (h, w) probability of each pixel on the network's grid.
        smallest: share of the picture.
    """
    flat = chances.ravel()
    count = max(1, min(flat.size, round(smallest * flat.size)))
    surest = float(np.partition(flat, flat.size - count)[flat.size - count :].mean(dtype=np.float64))
    held = min(max(surest, 1e-6), 1 - 1e-6)
    return float(np.log(held / (1 - held)))
