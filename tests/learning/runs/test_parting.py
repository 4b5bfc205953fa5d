"""Who is trained on, judged by and tested on."""

import numpy as np
import pytest

from senoscope.core.domain.recipe import parse_recipe
from senoscope.core.recipes import recipe_text
from senoscope.learning.runs.parting import Parted

FOLDS = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0])


def parted(validation: str) -> Parted:
    asked = {"split.folds": "4", "split.validation": validation}
    return Parted(parse_recipe(recipe_text("ultrasound_outline"), asked), FOLDS)


@pytest.mark.parametrize("fold", range(4))
@pytest.mark.parametrize("validation", ["fold", "none"])
def test_every_sample_has_one_part_at_most_and_none_is_forgotten(validation: str, fold: int) -> None:
    parts = parted(validation).positions(fold)

    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(FOLDS)))
    assert set(FOLDS[parts[2]]) == {fold}
    assert set(FOLDS[parts[1]]) == ({(fold + 1) % 4} if validation == "fold" else set())


def test_a_fold_kept_out_calibrates_the_one_before_it() -> None:
    found = parted("fold")

    positions, words = found.calibrating(3)

    assert set(FOLDS[positions]) == {0}
    assert "validation" in words
    assert found.calibrated_by(3, ["a", "b", "c"], [["x"]] * 4) == ["a", "b", "c"]


@pytest.mark.parametrize("fold", range(4))
def test_without_one_the_other_folds_answers_calibrate_and_never_its_own(fold: int) -> None:
    found = parted("none")
    tested = [found.tested(other).tolist() for other in range(4)]

    positions, _ = found.calibrating(fold)

    assert fold not in FOLDS[positions]
    assert found.calibrated_by(fold, [], tested) == positions.tolist()
    assert len(positions) == np.count_nonzero(fold != FOLDS)
    assert "out-of-fold" in found.calibration_note
