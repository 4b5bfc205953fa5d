"""The answer that puts boxes around lesions."""

from dataclasses import dataclass

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.prediction import Prediction


@dataclass(frozen=True)
class Found:
    """One box.

    Args:
        box: in pixels of the stored image.
        label: what it is around.
        score: calibrated probability that it marks such a lesion: that the two overlap by half of what they cover
            together, or more.
    """

    box: Box
    label: str
    score: float


@dataclass(frozen=True, eq=False)
class BoxPrediction(Prediction):
    """What a bundle finds in one image.

    `probability` is the calibrated one that there is such a lesion at all, `label` the positive one where it is called,
    and `heat` how surely each place is the middle of one.

    Args:
        boxes: the surest first; none where nothing is called, and at least one where something is.
        unshown: boxes that are not sure enough, the surest first.
    """

    boxes: tuple[Found, ...]
    unshown: tuple[Found, ...]
