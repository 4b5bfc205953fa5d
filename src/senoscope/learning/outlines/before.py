"""The run that comes before another one: its recipe, and what it found in pictures it had not seen."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.domain.box_bundle import BoxManifest
from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import RecipeError, RunError
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.learning.boxes.folds import Look, answered
from senoscope.learning.boxes.run import opened, train_boxes
from senoscope.runtime.store import read_manifest

BOXES = "boxes"
"""Folder, in a run that outlines, of the run that puts boxes first; one that is there already is taken up."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Boxing:
    """Where to outline.

    Args:
        looks: what was found in every picture, by its identity, by a network that had not seen it.
        manifest: of the bundle of that run.
        folder: of that bundle.
    """

    looks: dict[str, Look]
    manifest: BoxManifest
    folder: Path

    def look(self, sample_id: str) -> Look:
        """What was found in a picture; raises `RunError` where it was not among that run's."""
        try:
            return self.looks[sample_id]
        except KeyError:
            raise RunError(
                f"nothing was asked for boxes in {sample_id}", f"remove {self.folder.parent}, and it is trained again"
            ) from None


def first_recipe(recipe: Recipe, kind: str, folder: Path) -> Recipe:
    """The recipe that comes first: that of a run that is there already, or the one that ships.

    Args:
        recipe: whose `outline.by` names it.
        kind: of the tasks it may be for.
        folder: of its run.

    Raises:
        RecipeError: it is of another kind or modality, or divides other data, or the same data otherwise.
    """
    kept = folder / "recipe.toml"
    found = parse_recipe(kept.read_text("utf-8") if kept.is_file() else recipe_text(recipe.outline.by))
    own, first = TASKS.get(recipe.task), TASKS.get(found.task)
    if found.name != recipe.outline.by or first.kind != kind or first.modality != own.modality:
        wanted = "puts no boxes" if kind == "detect" else "outlines nothing"
        raise RecipeError(f"outline.by = {recipe.outline.by!r} {wanted} for task {own.name!r}", "name another")
    if found.dataset != recipe.dataset or found.split.protocol != recipe.split.protocol:
        raise RecipeError(f"{found.name!r} is of {found.dataset} divided by {found.split.protocol}", "use the same")
    return found


def boxes_recipe(recipe: Recipe, out: Path) -> Recipe:
    """The recipe that puts boxes before one that outlines; raises `RecipeError` where it cannot."""
    first = first_recipe(recipe, "detect", out / BOXES)
    if first.boxes.patch or first.boxes.architecture != "centres":
        raise RecipeError(f"{first.name!r} cannot come first", "boxes.patch must be 0, boxes.architecture 'centres'")
    return first


def train_first(recipe: Recipe, root: Path, out: Path, progress: Progress) -> None:
    """Train what puts boxes for a recipe that outlines, in the folder of its run; raises as `train_boxes`."""
    train_boxes(boxes_recipe(recipe, out), root, out / BOXES, progress)


def boxing_of(recipe: Recipe, root: Path, out: Path) -> Boxing:
    """What `train_first` came to."""
    first = boxes_recipe(recipe, out)
    ground, looks = opened(first, root, out / BOXES), dict[str, Look]()
    for fold in range(first.split.folds):
        found = answered(ground, fold, out / BOXES / "folds" / str(fold), lambda stage, done, total: None)
        for position, look in zip(ground.parted.tested(fold), found.tested, strict=True):
            looks[ground.index.samples[position].sample_id] = look
    folder = out / BOXES / "bundle"
    manifest = read_manifest(folder)
    assert isinstance(manifest, BoxManifest)
    return Boxing(looks, manifest, folder)
