"""From logits of boxes and pictures to probabilities, and from which of them on something is shown or called."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Calibration, OperatingPoint, SoftmaxCalibration
from senoscope.core.domain.recipe import Recipe
from senoscope.evidence.evaluation.boxes import Said
from senoscope.evidence.metrics.detection import Picture, froc, match
from senoscope.learning.boxes.folds import Ground, Look, pictures
from senoscope.learning.runs.calling import FLAT, calibrated, chosen, points
from senoscope.learning.runs.parting import Positions
from senoscope.runtime.detecting import shown_of

SURE = 20.0
"""Logit from which boxes are shown where there was none to choose it by."""


@dataclass(frozen=True, eq=False)
class Calling:
    """What turns a network's logits into answers; its fields are those of `BoxManifest`."""

    box_calibration: Calibration
    shown: float
    calibration: Calibration | None
    operating_points: tuple[OperatingPoint, ...]

    def point(self, recipe: Recipe) -> OperatingPoint | None:
        """The recipe's operating point; None where there is none."""
        if not self.operating_points:
            return None
        found = chosen(recipe, self.operating_points)
        assert isinstance(found, OperatingPoint)
        return found

    def said(self, look: Look, recipe: Recipe) -> Said:
        """Answer for a picture as a bundle with this calling does."""
        scores, point = self.box_calibration.apply(look.logits), self.point(recipe)
        if self.calibration is None or point is None:
            chance, bound = float(scores.max(initial=0.0)), self.shown
        else:
            chance, bound = float(self.calibration.apply(np.array([look.surest]))[0]), point.threshold
        called = chance >= bound and len(scores) > 0
        return Said(look.boxes, scores, shown_of(scores, self.shown) if called else 0, chance, called)


def calling_of(ground: Ground, positions: Positions, looks: Sequence[Look], words: str) -> Calling:
    """Calibrate boxes and pictures and choose thresholds, on samples each answered by a network not trained on it.

    Args:
        ground: of the run.
        positions: samples.
        looks: what was found in each.
        words: what they are.
    """
    recipe, task = ground.recipe, ground.task
    seen, labels = pictures(ground, positions, looks), ground.labels[positions]
    logits = np.concatenate([look.logits for look in looks])
    boxes = _binary(recipe, ground, logits, _right(seen), f"boxes of {words}")
    shown = float(boxes.apply(np.array([_bound(seen, recipe.boxes.false_positives)]))[0])
    if labels.min() == labels.max():
        return Calling(boxes, shown, None, ())
    surest = np.array([look.surest for look in looks])
    own = _binary(recipe, ground, surest, labels, words)
    found = points(task, own.apply(surest), labels, ground.index.groups()[positions])
    return Calling(boxes, shown, own, tuple(point for point in found if isinstance(point, OperatingPoint)))


def _binary(
    recipe: Recipe, ground: Ground, values: NDArray[np.float64], labels: NDArray[np.int64], words: str
) -> Calibration:
    if not len(labels) or labels.min() == labels.max():
        # All right or all wrong, as of a network that has hardly learnt: each counts as their share does.
        share = (float(labels.sum()) + 1) / (len(labels) + 2)
        chance = float(np.log(share / (1 - share)))
        return Calibration(
            kind="platt", slope=FLAT, intercept=chance, fitted_on=words, images=len(labels), prevalence=share
        )
    found = calibrated(recipe, ground.task, values, labels, words)
    assert not isinstance(found, SoftmaxCalibration)
    return found


def _right(seen: Sequence[Picture]) -> NDArray[np.int64]:
    """(D,) 1 where a box finds a lesion."""
    return np.concatenate([match(one.truth, one.boxes, one.scores) >= 0 for one in seen]).astype(np.int64)


def _bound(seen: Sequence[Picture], allowed: float) -> float:
    """The lowest logit from which on there are no more false positives an image than allowed, one of a box at least."""
    curve = froc(seen, replicates=1)
    if len(curve.thresholds) == 1:
        return SURE
    return float(curve.thresholds[max(1, int(np.flatnonzero(curve.rates <= allowed)[-1]))])
