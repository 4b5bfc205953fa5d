"""Which folds a network is trained on, judged by and tested on, and whose answers calibrate a tested one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.recipe import Recipe

Positions = NDArray[np.int64]
Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Parted:
    """What the folds of a run share of their division.

    Args:
        recipe: what to do (`split`).
        folds: (N,) fold of each sample.
    """

    recipe: Recipe
    folds: Positions

    @property
    def judged(self) -> bool:
        """Whether the fold after the tested one is kept out of training, to stop and to calibrate by."""
        return self.recipe.split.validation == "fold"

    def tested(self, fold: int) -> Positions:
        """Samples of a fold."""
        return np.flatnonzero(self.folds == fold)

    def positions(self, fold: int) -> tuple[Positions, Positions, Positions]:
        """Training, validation and test part when `fold` is tested; nothing validates where no fold is kept out."""
        following = (fold + 1) % self.recipe.split.folds if self.judged else fold
        training = np.flatnonzero((self.folds != fold) & (self.folds != following))
        return training, np.flatnonzero((self.folds == following) & (self.folds != fold)), self.tested(fold)

    def calibrating(self, fold: int) -> tuple[Positions, str]:
        """Samples whose answers calibrate a tested fold, and what they are.

        They are those of the fold's validation part, by the network that is tested; or else those of all other folds,
        each by the network that had not seen it.
        """
        if self.judged:
            return self.positions(fold)[1], f"fold {fold}'s validation"
        others = [self.tested(other) for other in range(self.recipe.split.folds) if other != fold]
        return np.concatenate(others), f"the out-of-fold answers of the folds other than {fold}"

    def calibrated_by(
        self, fold: int, validation: Sequence[Answer], tested: Sequence[Sequence[Answer]]
    ) -> list[Answer]:
        """Answers to the samples of `calibrating`, in their order.

        Args:
            fold: that is tested.
            validation: answers of its network to its validation part.
            tested: answers to each fold's samples by the network that had not seen them.
        """
        if self.judged:
            return list(validation)
        return [answer for other, answers in enumerate(tested) if other != fold for answer in answers]

    @property
    def calibration_note(self) -> str:
        """Where the thresholds of a fold come from."""
        if self.judged:
            return "each fold was calibrated and called by samples it was neither trained nor tested on"
        return (
            "each fold was calibrated and called by the out-of-fold answers to the other folds' samples, of networks "
            "that had learnt from this fold's too; no fold was kept out to choose epochs by"
        )
