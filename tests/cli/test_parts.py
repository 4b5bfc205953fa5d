"""Which part of a dataset a bundle is measured on, where its run did not divide the dataset as it lies there."""

from pathlib import Path

import pytest

from senoscope.cli.parts import choose_part
from senoscope.core.domain.bundle import DatasetFingerprint
from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import DataRecipe, InputRecipe
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index
from senoscope.evidence.index.patches import as_trained
from senoscope.evidence.index.splits import write_split
from tests.evidence.answers import Answers, manifest
from tests.makers import mias_lesions

OWN = DatasetFingerprint(name="mini_mias", title="", licence="", citation="", images=1, patients=1, sha256="1" * 64)
WHOLE = Recipe(name="mine", task="abnormality", dataset="mini_mias")
LESIONS = WHOLE.model_copy(update={"input": InputRecipe(region="lesion")})
NORMAL = WHOLE.model_copy(update={"data": DataRecipe(only={"lesion": ("NORM",)})})


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    monkeypatch.setenv("SENOSCOPE_CACHE", str(tmp_path / "cache"))
    return DATASETS.get("mini_mias").samples_for(TASKS.get("abnormality"), mias_lesions(tmp_path / "films", 8))


@pytest.mark.parametrize(("recipe", "count"), [(LESIONS, 6), (NORMAL, 10)], ids=["lesions", "data.only"])
def test_the_test_part_is_of_what_the_run_divided(films: Index, tmp_path: Path, recipe: Recipe, count: int) -> None:
    model = Answers({}, of=manifest([OWN]).model_copy(update={"recipe": recipe}))
    model.folder = tmp_path / "run" / "bundle"
    divided = as_trained(films.only(recipe.data.only), recipe)
    groups = sorted({sample.group for sample in divided.samples})
    parts = ["test" if sample.group in groups[1::2] else "train" for sample in divided.samples]
    write_split(tmp_path / "run" / "split.csv", divided, parts)

    chosen, held_out = choose_part(model.as_model(), films, "", None, trained_on=False)

    assert len(divided.samples) == count < len(films.samples)
    assert [sample.sample_id for sample in chosen.samples] == [
        sample.sample_id for sample, part in zip(divided.samples, parts, strict=True) if part == "test"
    ]
    assert held_out == "part 'test' of split.csv"
    if recipe is LESIONS:
        assert as_trained(chosen, recipe) is chosen


def test_lesions_elsewhere_are_cut_out_before_they_are_counted(films: Index) -> None:
    model = Answers({}, of=manifest().model_copy(update={"recipe": LESIONS}))

    chosen, held_out = choose_part(model.as_model(), films, "", None, trained_on=False)

    assert len(chosen.samples) == 6
    assert not held_out
