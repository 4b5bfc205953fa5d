"""The manifest of a bundle that puts boxes around lesions.

Its network takes `image (N, C, S, S)` float32 and gives `heat_logits (N, 1, h, w)`, how surely each place of a grid is
the middle of a lesion; `sides (N, 4, h, w)`, how far its left, upper, right and lower edge are from there, in pixels of
the input; and `embedding (N, D)`, means and spreads of two of its stages. Boxes are made of these outside the network,
by `core.preprocess.boxes`.
"""

from typing import Annotated

from pydantic import Field

from senoscope.core.domain.bundle import BundleBase, Calibration, OperatingPoint, Probability


class BoxManifest(BundleBase):
    """`bundle.json` of a task that asks for boxes.

    Args:
        overlap: intersection over union from which the less sure of two boxes is taken for a duplicate.
        most: boxes of a picture at most.
        shown: score from which a box is shown; the surest is shown all the same where the picture is called.
        box_calibration: of a box's logit to the probability that it marks a lesion.
        calibration: of the surest place's logit to the probability that there is a lesion at all; None where every
            picture that was known had one.
        operating_points: thresholds on that probability; none where there is no calibration.
        operating_point: name of the default one; "" where there is none.
        patch: side of the overlapping squares in which the fitted picture is gone through, in its own pixels; 0 where
            the network sees all of it at once.
    """

    overlap: Annotated[float, Field(gt=0, le=1)]
    most: Annotated[int, Field(ge=1, le=1000)]
    shown: Probability
    box_calibration: Calibration
    calibration: Calibration | None
    operating_points: tuple[OperatingPoint, ...]
    operating_point: str
    patch: Annotated[int, Field(ge=0, le=2048)] = 0

    @property
    def prevalence(self) -> float:
        """Share of pictures with a lesion among those the calibration was fitted on; 1 without one."""
        return self.calibration.prevalence if self.calibration else 1.0

    def point(self, name: str = "") -> OperatingPoint | None:
        """Return the operating point called `name`, which must exist, or the default one; None where there is none."""
        wanted = name or self.operating_point
        return next((point for point in self.operating_points if point.name == wanted), None)
