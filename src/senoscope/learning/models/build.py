"""From what a recipe says to a head."""

from senoscope.core.domain.recipe_parts import ModelRecipe
from senoscope.core.errors import RecipeError
from senoscope.learning.models.heads import LogisticHead, PapersHead
from senoscope.learning.models.smallcnn import DenseHead
from senoscope.learning.models.svm import SVMHead

Head = PapersHead | LogisticHead | SVMHead | DenseHead


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
