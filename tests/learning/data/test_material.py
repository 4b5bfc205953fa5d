"""What a recipe makes of a dataset's folder: which part of it, and how its pictures are prepared."""

from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.recipe import parse_recipe
from senoscope.core.errors import DatasetError, RecipeError
from senoscope.core.preprocess.heat import Mirror, Torso
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.learning.data.material import indexed, pipeline_of
from tests.makers import breasts, busi, matrix_text

TEXT = recipe_text("thermography_asymmetry")


def _thermograms(folder: Path) -> Path:
    """Six women of 2013 and six of 2014, every other one sick."""
    for number in range(1, 13):
        label, year = ("healthy", "sick")[number % 2], 2013 + (number > 6)
        (folder / label).mkdir(parents=True, exist_ok=True)
        name = f"T{number:04}.1.1.S.{year}-05-01.00.txt"
        (folder / label / name).write_text(matrix_text(breasts(number)[::4, ::4].astype(np.float64)), encoding="ascii")
    return folder


def test_a_run_of_some_years_has_their_women_only(tmp_path: Path) -> None:
    root = _thermograms(tmp_path / "dmr_ir")

    divided = indexed(parse_recipe(TEXT, {"data.only.year": "2014", "split.folds": "3"}), root)

    assert {sample.facts["year"] for sample in divided.index.samples} == {"2014"}
    assert "only year 2014: 6 of 12 samples" in divided.index.notes
    with pytest.raises(DatasetError, match="no year '2041'"):
        indexed(parse_recipe(TEXT, {"data.only.year": "2041"}), root)


@pytest.mark.parametrize(
    ("heat", "steps"),
    [("plain", ()), ("relative", (Torso(),)), ("asymmetry", (Torso(paired=True), Mirror()))],
)
def test_heat_chooses_the_steps(heat: str, steps: tuple[object, ...]) -> None:
    pipeline = pipeline_of(parse_recipe(TEXT, {"input.heat": heat}), TASKS.get("thermography"))

    assert pipeline.steps == (Gray(), *steps, Resize(224, 224))


def test_other_modalities_have_no_heat(tmp_path: Path) -> None:
    recipe = parse_recipe(TEXT, {"task": "ultrasound", "dataset": "busi"})

    with pytest.raises(RecipeError, match=r"input\.heat = 'asymmetry' is for thermograms, .* is of ultrasound"):
        indexed(recipe, busi(tmp_path))
