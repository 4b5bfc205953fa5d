"""A recipe: data, preprocessing, model and fit, as typed TOML in which a misspelt key is an error."""

import json
import tomllib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from senoscope.core.errors import RecipeError

LARGEST_TOML = 100_000
"""Bytes; a recipe is a page of text."""

SMALLCNN = "smallcnn"
"""Name of the one backbone that is no network of timm's."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SplitRecipe(_Part):
    """How patients are divided.

    `mode = "holdout"` keeps one fold for test and one for validation and trains on the rest. `"crossval"` tests every
    fold in turn, with calibration, operating point and epochs from within the other folds (nested where the backbone is
    frozen, on the following fold where it is fine-tuned), reports all folds together, and refits on all patients for
    the bundle, calibrated on the out-of-fold answers; with `ensemble` the bundle answers with the mean logit of all the
    folds' networks instead, and nothing is fitted again. `protocol = "paper"` ignores who the patient is: it is leaky,
    says so in every report, and exists to print the gap.
    """

    mode: Literal["holdout", "crossval"] = "holdout"
    protocol: Literal["patient", "paper"] = "patient"
    folds: Annotated[int, Field(ge=3, le=20)] = 5
    test_fold: Annotated[int, Field(ge=0)] = 0
    seed: Seed = 0
    ensemble: bool = False


class InputRecipe(_Part):
    """What the network sees: square side in pixels, how the picture is fitted in."""

    size: Annotated[int, Field(ge=32, le=1024)] = 224
    fit: Literal["stretch", "pad"] = "pad"


class ModelRecipe(_Part):
    """Any timm backbone by name, and a head on its pooled features.

    `papers` is Gaussian noise → dense 256 ReLU → dropout → batch norm → 1 logit, with `standardise` on standardised
    features; `logistic` is a standardised linear unit; `svm_linear` and `svm_rbf` are support vector machines on
    standardised features. `pretrained = false` starts from random weights. `smallcnn` is no network of timm's: three
    small convolutions that have no weights to begin with, under a `dense` head (dense ReLU → 2 logits) on the flattened
    map; it has no frozen stage, and what `[finetune]` says is its whole training.
    """

    backbone: str = "mobilenetv2_100"
    pretrained: bool = True
    head: Literal["papers", "logistic", "svm_linear", "svm_rbf", "dense"] = "papers"
    noise: Annotated[float, Field(ge=0)] = 0.25
    hidden: Annotated[int, Field(ge=1, le=4096)] = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.25
    standardise: bool = False

    @property
    def from_scratch(self) -> bool:
        """Whether nothing of the network can be computed before it is trained."""
        return self.backbone == SMALLCNN


class AugmentRecipe(_Part):
    """Extra views of training images only: `views` an image beside the plain one, drawn once from the seed.

    With `geometric` they are not drawn: mirrored, three quarter turns, upside down, the first `views` of them.
    With `before_split` every view counts as a picture of its own, trained on, divided and tested on: how papers
    multiply a small set before they divide it. Under `split.protocol = "patient"` a woman's views stay together.
    """

    views: Annotated[int, Field(ge=0, le=64)] = 0
    flip: bool = True
    smallest_crop: Annotated[float, Field(gt=0, le=1)] = 0.8
    rotate: Annotated[float, Field(ge=-180, le=180)] = 0.0
    geometric: bool = False
    before_split: bool = False


class FitRecipe(_Part):
    """Fitting the head on stored features.

    `adam` goes through batches, with early stopping on the validation loss. `lbfgs` (the logistic head only) takes all
    examples at once to the optimum of loss + decay/2 × weights²; `epochs` then bounds its iterations, and `batch`,
    `rate` and `patience` do not apply. `libsvm` (the support vector machines only) solves for the `cost` of a margin
    that is crossed; `gamma` is the kernel's, over the number of features. `balance` weighs both classes alike.
    `loss = "focal"` (with `adam` only) turns from examples that are answered well already, the more so the greater
    `focus` (γ of Lin et al. 2017, doi:10.1109/ICCV.2017.324).
    """

    solver: Literal["adam", "lbfgs", "libsvm"] = "adam"
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    batch: Annotated[int, Field(ge=2, le=4096)] = 8
    rate: Annotated[float, Field(gt=0)] = 1e-3
    decay: Annotated[float, Field(ge=0)] = 0.0
    patience: Annotated[int, Field(ge=1)] = 10
    balance: bool = False
    loss: Literal["bce", "focal"] = "bce"
    focus: Annotated[float, Field(ge=0, le=10)] = 2.0
    cost: Annotated[float, Field(gt=0)] = 1.0
    gamma: Annotated[float, Field(gt=0)] = 1.0
    seed: Seed = 0


class FinetuneRecipe(_Part):
    """Training the backbone too, from the best frozen head; `epochs = 0` leaves it frozen.

    The learning rate climbs over the first `warmup` epochs; then it falls to zero along a cosine, or to a tenth after
    every `wait` epochs without a lower loss (`plateau`), or stays. Every layer below the head has `layer_decay` times
    the rate of the one above it. `accumulate` batches make a step. `smoothing` moves labels that far towards one half.
    `balance` weighs both classes alike in the loss (`weights`), or draws as many of either (`sampling`).
    """

    epochs: Annotated[int, Field(ge=0, le=1000)] = 0
    batch: Annotated[int, Field(ge=2, le=1024)] = 16
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    rate: Annotated[float, Field(gt=0)] = 1e-4
    decay: Annotated[float, Field(ge=0)] = 1e-2
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    warmup: Annotated[int, Field(ge=0, le=1000)] = 0
    wait: Annotated[int, Field(ge=1)] = 2
    accumulate: Annotated[int, Field(ge=1, le=1024)] = 1
    loss: Literal["bce", "focal"] = "bce"
    focus: Annotated[float, Field(ge=0, le=10)] = 2.0
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    balance: Literal["none", "weights", "sampling"] = "none"
    patience: Annotated[int, Field(ge=1)] = 5


class JitterRecipe(_Part):
    """Changes of training pictures in fine-tuning, drawn anew for every picture of every epoch.

    A part of the picture of at least `crop` of its area fills the square; it is mirrored half the time, and with `turn`
    turned by 0, 90, 180 or 270 degrees. Brightness and contrast change by up to a share of `light`. `stain`, for tasks
    in colour, changes how much haematoxylin and eosin a slide took up: each stain × (1 ± stain) ± stain / 10.
    """

    crop: Annotated[float, Field(gt=0, le=1)] = 0.6
    flip: bool = True
    turn: bool = False
    light: Annotated[float, Field(ge=0, lt=1)] = 0.2
    stain: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Recipe(_Part):
    """Everything a run needs beside the data's place on disk."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    task: str
    dataset: str
    about: str = ""
    split: SplitRecipe = SplitRecipe()
    input: InputRecipe = InputRecipe()
    model: ModelRecipe = ModelRecipe()
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
        if self.model.head.startswith("svm") and self.finetune.epochs:
            raise ValueError("a support vector machine has no fine-tuning: finetune.epochs must be 0")
        if self.fit.loss == "focal" and self.fit.solver != "adam":
            raise ValueError("fit.loss = 'focal' is for fit.solver = 'adam'")
        if self.split.test_fold >= self.split.folds:
            raise ValueError("split.test_fold must be below split.folds")
        if self.split.ensemble and self.split.mode != "crossval":
            raise ValueError("split.ensemble needs split.mode = 'crossval'")
        if self.augment.geometric and self.augment.views > 5:
            raise ValueError("augment.geometric knows 5 views beside the picture as it is")
        if self.augment.before_split and (self.split.mode != "crossval" or self.finetune.epochs):
            raise ValueError("augment.before_split needs split.mode = 'crossval' and finetune.epochs = 0")
        return self

    @model_validator(mode="after")
    def _whole(self) -> "Recipe":
        if (self.model.head == "dense") != self.model.from_scratch:
            raise ValueError(f"model.head = 'dense' is for model.backbone = '{SMALLCNN}', which needs it")
        if self.model.from_scratch and self.model.pretrained:
            raise ValueError(f"there are no weights of '{SMALLCNN}': model.pretrained must be false")
        if self.model.from_scratch and (not self.finetune.epochs or self.augment.views):
            raise ValueError(f"'{SMALLCNN}' has no frozen stage: finetune.epochs must be above 0 and augment.views 0")
        return self


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
        raise RecipeError(
            f"recipe key {where!r}: {first['msg']}", "see docs/reference/recipes.md for all keys"
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


def _toml(value: str | float | bool) -> str:
    # TOML's strings, numbers and truth values are JSON's, but for the one control character JSON lets through.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
