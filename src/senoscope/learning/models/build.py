"""From what a recipe says to a head."""

from torch import nn

from senoscope.core.domain.recipe_parts import ModelRecipe
from senoscope.core.errors import RecipeError
from senoscope.learning.models.heads import LogisticHead, PapersHead
from senoscope.learning.models.smallcnn import DenseHead
from senoscope.learning.models.svm import SVMHead

Head = PapersHead | LogisticHead | SVMHead | DenseHead


def asked_for(head: nn.Module) -> tuple[ModelRecipe, int, int]:
    """Return by which recipe, features (of all places) and answers `build` makes such a head.

    Raises:
        RecipeError: it is none that is trained with its backbone.
    """
    if isinstance(head, PapersHead):
        recipe = ModelRecipe(
            head="papers",
            noise=head.noise,
            hidden=head.dense.out_features,
            dropout=head.dropout.p,
            standardise=head.looks,
        )
        return recipe, head.dense.in_features, head.last.out_features
    if isinstance(head, LogisticHead):
        return ModelRecipe(head="logistic"), head.last.in_features, head.last.out_features
    if isinstance(head, DenseHead):
        return ModelRecipe(head="dense", hidden=head.dense.out_features), head.dense.in_features, 1
    raise RecipeError(f"a {type(head).__name__} is not fine-tuned by several processes", "start one process")


def build(recipe: ModelRecipe, features: int, places: int = 1, answers: int = 1) -> Head:
    """Build the head a recipe asks for, on D = `features`, or `features` × `places` where it takes a whole map.

    More `answers` than one are what K > 2 labels need; all but `dense` give them.
    """
    if recipe.head == "papers":
        return PapersHead(features, recipe.hidden, recipe.noise, recipe.dropout, recipe.standardise, answers)
    if recipe.head == "logistic":
        return LogisticHead(features, answers)
    if recipe.head in ("svm_linear", "svm_rbf"):
        return SVMHead(features, recipe.head == "svm_linear", answers)
    if answers > 1:
        raise RecipeError(f"head {recipe.head!r} answers two labels", "the other heads answer more")
    if recipe.head == "dense":
        return DenseHead(features * places, recipe.hidden)
    raise RecipeError(f"there is no head {recipe.head!r}", "papers, logistic, svm_linear, svm_rbf or dense")
