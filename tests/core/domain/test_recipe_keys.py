"""A misspelt key is answered with what was nearly meant."""

import pytest

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.domain.recipe_keys import near_keys
from senoscope.core.errors import RecipeError


@pytest.mark.parametrize(
    ("where", "near"),
    [
        (("fit", "epoch"), "fit.epochs"),
        (("finetune", "layer_decays"), "finetune.layer_decay"),
        (("splits",), "split"),
        (("calibratoin",), "calibration"),
        (("cost",), "fit.cost"),  # it is there, in a table
        (("fit", "backbone"), "model.backbone"),
    ],
)
def test_the_nearest_key_comes_first(where: tuple[str, ...], near: str) -> None:
    assert near_keys(Recipe, where)[0] == near


@pytest.mark.parametrize("where", [("fit", "qqqqqq"), ("zzz",), ("name", "x"), ("nothing", "at", "all"), ("fit", 3)])
def test_what_is_near_to_nothing_finds_nothing(where: tuple[object, ...]) -> None:
    assert near_keys(Recipe, where) == []


def test_the_error_says_it() -> None:
    with pytest.raises(RecipeError, match=r"recipe key 'model.bakbone': there is no such key") as caught:
        parse_recipe('name = "a"\ntask = "b"\ndataset = "c"\n[model]\nbakbone = "resnet18"')

    assert caught.value.hint.startswith("did you mean: model.backbone?")
