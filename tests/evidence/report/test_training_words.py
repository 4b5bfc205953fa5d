"""How a network was chosen, as checklists say it."""

import pytest

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.recipes import recipe_text
from senoscope.evidence.report import box_disclosed, outline_disclosed


def asked(name: str, validation: str) -> Recipe:
    changes = {"split.validation": validation, "finetune.epochs": "7", "finetune.patience": "3"}
    return parse_recipe(recipe_text(name), changes)


@pytest.mark.parametrize("name", ["lesions", "ultrasound_outline"])
def test_a_choice_that_was_not_made_is_not_reported(name: str) -> None:
    told = box_disclosed._recipe if name == "lesions" else outline_disclosed.of_recipe
    said = {validation: told(asked(name, validation)) for validation in ("fold", "none")}

    assert said["fold"]["selection"] == "lowest validation loss, patience 3 epochs"
    assert said["fold"]["training"].startswith("at most 7 epochs")
    assert "nothing was kept out" in said["none"]["selection"]
    assert said["none"]["training"].startswith("7 epochs")
