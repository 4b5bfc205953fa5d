"""What a dataset lacks for a recipe is said by name, before anything long begins."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import DatasetError, RecipeError, SenoscopeError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index
from senoscope.evidence.index.samples import Sample
from senoscope.learning.data.material import indexed
from senoscope.learning.data.needs import check_images, check_labels
from senoscope.learning.models.weights import resolve
from tests.makers import bus_bra, busi, mini_mias, rsna_exams

TEXT = """
name = "mini"
task = "ultrasound"
dataset = "busi"
[split]
folds = 3
"""
PAPERS = {"fit__solver": "adam", "model__head": "papers"}


def recipe(**changes: str) -> Recipe:
    return parse_recipe(TEXT, {key.replace("__", "."): value for key, value in changes.items()})


def index(count: int = 12) -> Index:
    """Women with two breasts and ages, of either label."""
    samples = tuple(
        Sample(
            f"{number}{side}",
            f"p{number}",
            f"p{number}",
            f"{number}{side}.png",
            "malignant" if number % 2 else "benign",
            boxes=(Box(1, 2, 5, 6),),
            laterality=side,
            view="CC",
            facts={"age": str(40 + number), "tumour_grade": "2"},
        )
        for number in range(count)
        for side in "LR"
    )
    return Index("made", Path(), samples)


def without(**fields: object) -> Index:
    whole = index()
    return replace(whole, samples=tuple(replace(sample, **fields) for sample in whole.samples))  # type: ignore[arg-type]


def test_what_lacks_nothing_passes() -> None:
    asked = recipe(exam__by="breast", record__facts='["age", "laterality", "view"]')

    check_images(asked, index())
    check_labels(asked, TASKS.get("ultrasound"), index())
    check_images(recipe(patch__epochs="1"), index())


@pytest.mark.parametrize(
    ("found", "asked", "words"),
    [
        (lambda: replace(index(), samples=()), {}, "holds no sample"),
        (lambda: without(patient_id=""), {"exam__by": "patient"}, r"whose image is whose \(24 of 24 images\)"),
        (lambda: without(patient_id=""), {"exam__by": "breast"}, "whose image is whose"),
        (lambda: without(laterality=""), {"exam__by": "breast"}, "which breast an image shows"),
        (lambda: without(boxes=()), {"patch__epochs": "2"}, "patch.epochs = 2 needs outlined lesions"),
        (index, {"record__facts": '["grade"]'}, "no sample of made has a fact 'grade'"),
    ],
)
def test_what_images_lack_is_named(found: Callable[[], Index], asked: dict[str, str], words: str) -> None:
    with pytest.raises(SenoscopeError, match=words) as caught:
        check_images(recipe(**asked), found())

    assert caught.value.hint


def test_a_misspelt_fact_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        check_images(recipe(record__facts='["tumor_grade"]'), index())

    assert caught.value.hint == "did you mean: tumour_grade?"


@pytest.mark.parametrize("fact", ["invasiveness", "invasive", "birads", "biopsy", "difficult_negative_case"])
def test_what_is_known_only_after_reading_is_no_input(tmp_path: Path, fact: str) -> None:
    asked = recipe(dataset="rsna", task="screening", record__facts=f'["age", "{fact}"]', **PAPERS)

    with pytest.raises(RecipeError, match=f"'{fact}' of rsna is no input of task 'screening'") as caught:
        indexed(asked, rsna_exams(tmp_path / "rsna"))

    assert "age" in caught.value.hint
    assert fact not in caught.value.hint


def test_an_answer_is_no_input_of_its_own_task_and_one_of_others(tmp_path: Path) -> None:
    films = mini_mias(tmp_path / "films")
    asked = {"dataset": "mini_mias", "record__facts": '["density"]', **PAPERS}

    with pytest.raises(RecipeError, match="'density' of mini_mias is no input of task 'density'"):
        indexed(recipe(task="density", **asked), films)
    for task in ("mammography", "screening"):
        check_images(recipe(task=task, **asked), DATASETS.get("mini_mias").samples_for(TASKS.get(task), films))


def test_what_another_model_predicts_is_an_input() -> None:
    foretold = replace(index(), samples=tuple(replace(s, facts={"predicted_birads": "2"}) for s in index().samples))

    check_images(recipe(dataset="rsna", task="screening", record__facts='["predicted_birads"]'), foretold)


@pytest.mark.parametrize(
    ("count", "changes", "words"),
    [
        (4, {}, r"label 'benign' of made has 2 patients or duplicate groups, fewer than 3 folds"),
        (1, {}, "needs samples labelled 'malignant'; made has none"),
        (4, {"split__protocol": "paper", "split__folds": "5"}, "has 4 images, fewer than 5 folds"),
    ],
)
def test_too_few_of_a_label_are_counted(count: int, changes: dict[str, str], words: str) -> None:
    with pytest.raises(DatasetError, match=words) as caught:
        check_labels(recipe(**changes), TASKS.get("ultrasound"), index(count))

    assert caught.value.hint


def test_images_may_be_divided_where_patients_may_not() -> None:
    check_labels(recipe(split__protocol="paper"), TASKS.get("ultrasound"), index(4))


def test_it_is_said_before_training(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="busi does not say whose image is whose"):
        indexed(recipe(exam__by="patient"), busi(tmp_path / "busi", 6))
    with pytest.raises(RecipeError, match="no sample of bus_bra has a fact 'agee'"):
        indexed(recipe(dataset="bus_bra", record__facts='["agee"]'), bus_bra(tmp_path / "bus_bra", 12))


@pytest.mark.parametrize(
    ("changes", "near"),
    [({"dataset": "bussi"}, "busi"), ({"task": "ultrasuond"}, "ultrasound")],
)
def test_names_that_are_near_are_offered(tmp_path: Path, changes: dict[str, str], near: str) -> None:
    with pytest.raises(UsageError) as caught:
        indexed(recipe(**changes), tmp_path)

    assert near in caught.value.hint


@pytest.mark.parametrize("name", ["resnet51", "mobilnetv2_100+resnet18"])
def test_backbones_that_are_near_are_offered(name: str) -> None:
    with pytest.raises(RecipeError, match="there is no backbone") as caught:
        resolve(name, pretrained=False)

    assert "resnet50" in caught.value.hint or "mobilenetv2_100" in caught.value.hint
