"""Recipes: typed, with nothing dropped in silence."""

import pytest

from senoscope.core.domain.recipe import LARGEST_TOML, Recipe, dump_recipe, parse_recipe
from senoscope.core.errors import RecipeError

TEXT = """
name = "tiny"
task = "ultrasound"
dataset = "busi"
[fit]
epochs = 3
"""


def test_only_differences_are_written() -> None:
    recipe = parse_recipe(TEXT)

    assert recipe.fit.epochs == 3
    assert recipe.fit.batch == Recipe(name="a", task="b", dataset="c").fit.batch


def test_overrides_are_toml_and_bare_words_are_strings() -> None:
    overrides = {"fit.epochs": "7", "model.backbone": "resnet18", "model.pretrained": "false", "about": '"a = b"'}

    recipe = parse_recipe(TEXT, overrides)

    assert (recipe.fit.epochs, recipe.model.backbone, recipe.model.pretrained) == (7, "resnet18", False)
    assert recipe.about == "a = b"


@pytest.mark.parametrize(
    ("addition", "key"),
    [
        ("epoch = 3", "fit.epoch"),
        ("rate = 0", "fit.rate"),
        ("batch = 1.5", "fit.batch"),
        ("[split]\nprotocol = 'luck'", "split.protocol"),
        ("[splits]", "splits"),
    ],
)
def test_a_key_that_is_wrong_is_named(addition: str, key: str) -> None:
    with pytest.raises(RecipeError, match=f"recipe key '{key}'") as caught:
        parse_recipe(TEXT + addition)

    assert "recipes.md" in caught.value.hint


@pytest.mark.parametrize(
    "overrides",
    [
        {"fit.epoch": "3"},
        {"fit.epochs.more": "3"},
        {"name": "../up"},
        {"fit.epochs": "many"},
        {"": "1"},
        {"fit.epochs": "[" * 50_000},
    ],
)
def test_a_wrong_override_is_an_error(overrides: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match="recipe key"):
        parse_recipe(TEXT, overrides)


@pytest.mark.parametrize("text", ["name = ", "=", "a = 1\na = 2", "\0", "x = " + "[" * 50_000])
def test_what_is_not_toml_says_so(text: str) -> None:
    with pytest.raises(RecipeError, match="not TOML"):
        parse_recipe(text)


def test_a_recipe_is_bounded() -> None:
    with pytest.raises(RecipeError, match="bytes"):
        parse_recipe(TEXT + "#" * LARGEST_TOML)


def test_contradictions_are_refused() -> None:
    with pytest.raises(RecipeError, match="test_fold must be below"):
        parse_recipe(TEXT + "[split]\nfolds = 5\ntest_fold = 5")


def test_a_contradiction_between_keys_is_said_as_it_is() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(TEXT, {"split.ensemble": "true", "split.mode": "holdout"})

    assert caught.value.message == "split.ensemble needs split.mode = 'crossval'"
    assert "recipes.md" in caught.value.hint


EXAM = """
name = "mini"
task = "screening"
dataset = "rsna"

[exam]
by = "breast"

[record]
facts = ["age"]
"""


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"model.backbone": "none", "record.facts": "[]"}, "record.facts must name"),
        ({"model.backbone": "none", "finetune.epochs": "1"}, "no pictures to fine-tune on"),
        ({"model.head": "svm_rbf", "fit.solver": "libsvm"}, "exams and records need model.head"),
        ({"model.head": "logistic", "fit.solver": "lbfgs"}, "no drop"),
        ({"model.head": "logistic", "fit.solver": "lbfgs", "record.drop": "0.0", "exam.pool": "attention"}, "lbfgs"),
        ({"input.views": "2"}, "exams and records go without input.views"),
        ({"split.mode": "crossval", "split.ensemble": "true"}, "split.ensemble"),
        ({"model.backbone": "smallcnn"}, "must be false"),
        ({"finetune.epochs": "2", "finetune.warmup": "2"}, "warmup must be below"),
        ({"record.facts": '["age", "age"]'}, "named twice"),
        ({"model.backbone": "smallcnn+resnet50"}, "no frozen stage"),
    ],
)
def test_exams_and_records_that_contradict_the_rest_are_refused(overrides: dict[str, str], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_recipe(EXAM, overrides)


def test_facts_alone_make_a_recipe_one_of_exams() -> None:
    assert parse_recipe(EXAM, {"exam.by": "image"}).by_exam
    assert parse_recipe(EXAM, {"record.facts": "[]"}).by_exam
    assert not parse_recipe(EXAM, {"exam.by": "image", "record.facts": "[]"}).by_exam
    solved = {"model.head": "logistic", "fit.solver": "lbfgs", "record.drop": "0.0"}
    assert parse_recipe(dump_recipe(parse_recipe(EXAM, solved))).record.facts == ("age",)


def test_a_part_of_the_data_is_asked_for_by_facts() -> None:
    plain = parse_recipe(TEXT)
    recipe = parse_recipe(TEXT, {"data.only.year": '["2013", "2014"]', "data.only.view": "CC", "data.only.visit": "1"})

    assert plain.data.only == {}
    assert recipe.data.only == {"year": ("2013", "2014"), "view": ("CC",), "visit": ("1",)}
    assert parse_recipe(dump_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    "said", ['{"a b" = "x"}', "{year = []}", "{year = 2.5}", "{year = {a = 1}}", '{year = ""}', "3"]
)
def test_a_part_of_the_data_that_names_nothing_is_refused(said: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe key 'data\.only"):
        parse_recipe(TEXT, {"data.only": said})
