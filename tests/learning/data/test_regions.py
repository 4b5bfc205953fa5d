"""The part of a picture that a recipe is about is refused where it makes no sense."""

from pathlib import Path

import pytest

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import RecipeError
from senoscope.core.tasks import TASKS
from senoscope.evidence.index import Index, Sample
from senoscope.learning.data.regions import regional

FILMS = TASKS.get("film_lesions")


def recipe(region: str) -> Recipe:
    return parse_recipe('name = "x"\ntask = "film_lesions"\ndataset = "mini_mias"', {"input.region": region})


def films(*views: str) -> Index:
    samples = tuple(Sample(str(n), "p", "p", f"{n}.pgm", "tissue", view=view) for n, view in enumerate(views))
    return Index("mini_mias", Path("/nowhere"), samples)


def test_the_muscle_is_taken_away_from_oblique_views_only() -> None:
    oblique = films("MLO", "MLO")

    assert regional(recipe("breast_without_muscle"), FILMS, oblique) is oblique
    with pytest.raises(RecipeError, match=r"oblique views, and mini_mias has CC, no view too"):
        regional(recipe("breast_without_muscle"), FILMS, films("MLO", "CC", ""))
    assert len(regional(recipe("breast"), FILMS, films("MLO", "CC"))) == 2


def test_breasts_are_in_mammograms() -> None:
    with pytest.raises(RecipeError, match="is for mammograms, and task 'lesions' is of ultrasound"):
        regional(recipe("breast_without_muscle"), TASKS.get("lesions"), films("MLO"))


def test_a_scan_is_of_ultrasound_alone() -> None:
    images = films("MLO")

    assert regional(recipe("scan"), TASKS.get("ultrasound"), images) is images
    with pytest.raises(RecipeError, match="is for ultrasound"):
        regional(recipe("scan"), FILMS, images)
