"""How a network of regions or boxes was trained, in the words of a checklist."""

from senoscope.core.domain.recipe import Recipe


def epochs(recipe: Recipe) -> str:
    """Say how many epochs it had."""
    count = recipe.finetune.epochs
    return f"at most {count} epochs" if recipe.split.validation == "fold" else f"{count} epochs"


def selection(recipe: Recipe) -> str:
    """Say how the network that is reported was chosen among those of all epochs."""
    if recipe.split.validation == "fold":
        return f"lowest validation loss, patience {recipe.finetune.patience} epochs"
    return "the last epoch; nothing was kept out to choose one by"
