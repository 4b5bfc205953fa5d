"""A recipe: data, preprocessing, model and fit, as typed TOML in which a misspelt key is an error."""

import json
import tomllib
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from senoscope.core.domain.recipe_boxes import BoxesRecipe
from senoscope.core.domain.recipe_keys import near_keys
from senoscope.core.domain.recipe_parts import (
    SMALLCNN,
    AugmentRecipe,
    DataRecipe,
    ExamRecipe,
    FinetuneRecipe,
    FitRecipe,
    InputRecipe,
    JitterRecipe,
    ModelRecipe,
    OutlineRecipe,
    Part,
    PatchRecipe,
    RecordRecipe,
    SplitRecipe,
)
from senoscope.core.errors import RecipeError

LARGEST_TOML = 100_000
"""Bytes; a recipe is a page of text."""


class Recipe(Part):
    """Everything a run needs beside the data's place on disk."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    task: str
    dataset: str
    about: str = ""
    data: DataRecipe = DataRecipe()
    split: SplitRecipe = SplitRecipe()
    input: InputRecipe = InputRecipe()
    exam: ExamRecipe = ExamRecipe()
    record: RecordRecipe = RecordRecipe()
    patch: PatchRecipe = PatchRecipe()
    model: ModelRecipe = ModelRecipe()
    outline: OutlineRecipe = OutlineRecipe()
    boxes: BoxesRecipe = BoxesRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    fit: FitRecipe = FitRecipe()
    finetune: FinetuneRecipe = FinetuneRecipe()
    jitter: JitterRecipe = JitterRecipe()
    calibration: Literal["platt", "temperature"] = "platt"
    operating_point: Literal["screening", "balanced"] = "balanced"

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if self.fit.solver == "lbfgs" and self.model.head != "logistic":
            raise ValueError("fit.solver = 'lbfgs' is for model.head = 'logistic'")
        if (self.fit.solver == "libsvm") != self.model.head.startswith("svm"):
            raise ValueError("fit.solver = 'libsvm' is for model.head = 'svm_linear' or 'svm_rbf', and they need it")
        if self.patch.epochs and (self.input.region == "lesion" or self.augment.before_split):
            raise ValueError("patch.epochs needs whole pictures: input.region other than 'lesion', no before_split")
        if self.model.head.startswith("svm") and self.finetune.epochs:
            raise ValueError("a support vector machine has no fine-tuning: finetune.epochs must be 0")
        if self.finetune.epochs and self.finetune.warmup >= self.finetune.epochs:
            raise ValueError("finetune.warmup must be below finetune.epochs, or the rate is never reached")
        if self.fit.loss == "focal" and self.fit.solver != "adam":
            raise ValueError("fit.loss = 'focal' is for fit.solver = 'adam'")
        if self.split.test_fold >= self.split.folds:
            raise ValueError("split.test_fold must be below split.folds")
        if self.split.ensemble and self.split.mode != "crossval":
            raise ValueError("split.ensemble needs split.mode = 'crossval'")
        return self

    @model_validator(mode="after")
    def _augmented(self) -> "Recipe":
        if self.augment.geometric and self.augment.views > 5:
            raise ValueError("augment.geometric knows 5 views beside the picture as it is")
        if self.augment.answering and (self.input.views == 1 or self.trains_backbone):
            raise ValueError("augment.answering needs input.views above 1 and a frozen backbone")
        if self.augment.before_split and (self.split.mode != "crossval" or self.finetune.epochs):
            raise ValueError("augment.before_split needs split.mode = 'crossval' and finetune.epochs = 0")
        return self

    @model_validator(mode="after")
    def _whole(self) -> "Recipe":
        if self.model.head == "dense" and self.model.backbone != SMALLCNN:
            raise ValueError(f"model.head = 'dense' is for model.backbone = '{SMALLCNN}'")
        if self.model.from_scratch and self.model.pretrained and self.model.backbone == SMALLCNN:
            raise ValueError(f"there are no weights of '{SMALLCNN}': model.pretrained must be false")
        if self.model.from_scratch and (not self.finetune.epochs or self.augment.views):
            raise ValueError(f"'{SMALLCNN}' has no frozen stage: finetune.epochs must be above 0 and augment.views 0")
        if not self.model.sees and not self.record.facts:
            raise ValueError("model.backbone = 'none' looks at no picture: record.facts must name what it goes by")
        if not self.model.sees and (self.finetune.epochs or self.patch.epochs or self.augment.views):
            raise ValueError("model.backbone = 'none' has no pictures to fine-tune on or to augment")
        return self

    @model_validator(mode="after")
    def _exams(self) -> "Recipe":
        if not self.exam.joins and not self.record.facts:
            return self
        if self.model.head not in ("papers", "logistic"):
            raise ValueError("exams and records need model.head = 'papers' or 'logistic'")
        straight = self.exam.pool == "mean" and (self.record.network == "table" or not self.record.facts)
        if self.fit.solver == "lbfgs" and (not straight or self.exam.drop or (self.record.facts and self.record.drop)):
            raise ValueError("fit.solver = 'lbfgs' needs exam.pool = 'mean', record.network = 'table' and no drop")
        if self.input.views > 1 or self.augment.before_split or self.patch.epochs or self.split.ensemble:
            raise ValueError("exams and records go without input.views, augment.before_split, patch and split.ensemble")
        return self

    @property
    def by_exam(self) -> bool:
        """Whether an answer is of several images together, or goes by a record too."""
        return self.exam.joins or bool(self.record.facts)

    @property
    def trains_backbone(self) -> bool:
        """Whether the backbone that answers is another one than its weights made: on pictures, or on their patches."""
        return bool(self.finetune.epochs or self.patch.epochs)


def parse_recipe(text: str, overrides: dict[str, str] | None = None) -> Recipe:
    """Read a recipe from TOML text.

    Args:
        text: TOML, at most `LARGEST_TOML` bytes.
        overrides: `{"fit.epochs": "5"}`; values are TOML, and bare words count as strings.

    Raises:
        RecipeError: it is not TOML, a key is unknown, or a value is out of range; names the key.
    """
    if len(text.encode()) > LARGEST_TOML:
        raise RecipeError(f"a recipe of more than {LARGEST_TOML} bytes", "a recipe holds 10 to 25 lines")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"the recipe is not TOML: {error}") from error
    for key, value in (overrides or {}).items():
        _override(values, key, value)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "value_error" and not where:
            raise RecipeError(str(first["ctx"]["error"]), "see docs/reference/recipes.md for all keys") from error
        near = near_keys(Recipe, first["loc"]) if first["type"] == "extra_forbidden" else []
        raise RecipeError(
            f"recipe key {where!r}: {'there is no such key' if near else first['msg']}",
            (f"did you mean: {', '.join(near)}? " if near else "") + "see docs/reference/recipes.md for all keys",
        ) from error


def _override(values: dict[str, Any], key: str, value: str) -> None:
    *tables, last = key.split(".")
    target = values
    for table in tables:
        target = target.setdefault(table, {})
        if not isinstance(target, dict):
            raise RecipeError(f"recipe key {key!r}: {table!r} is a value, not a table")
    try:
        target[last] = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        target[last] = value


def dump_recipe(recipe: Recipe) -> str:
    """Write a recipe as TOML with every field, so that `parse_recipe` gives the same recipe back."""
    values = recipe.model_dump()
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    # TOML's strings, numbers and truth values are JSON's, but for the one control character JSON lets through.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
