"""Which part of a picture a recipe is about: all of it, the breast, the scan, or an outlined lesion."""

from senoscope.core.domain.recipe import Recipe
from senoscope.core.errors import DatasetError, RecipeError
from senoscope.core.preprocess.pectoral import Muscle
from senoscope.core.preprocess.steps import Breast, Scan, Step
from senoscope.core.tasks import Task
from senoscope.evidence.index import Index
from senoscope.evidence.index.patches import lesion_patches, patch_folder

REGION: dict[str, tuple[Step, ...]] = {
    "whole": (),
    "breast": (Breast(),),
    "breast_without_muscle": (Breast(), Muscle()),
    "scan": (Scan(),),
    "lesion": (),
}
"""Steps of `input.region`: lesions are cut before, from outlines that no picture brings along when it is answered."""


def regional(recipe: Recipe, task: Task, images: Index) -> Index:
    """Samples of the region that a recipe is about: as they are, or a square of each outlined lesion.

    Raises:
        RecipeError: the breast is asked for in pictures that are no mammograms, or without the muscle in views that are
            not oblique; or the scan in pictures that are no ultrasound.
        DatasetError: the dataset outlines no lesion.
    """
    region = recipe.input.region
    if region.startswith("breast") and task.modality != "mammography":
        raise RecipeError(
            f"input.region = {region!r} is for mammograms, and task {task.name!r} is of {task.modality}",
            "set input.region to 'whole'",
        )
    if region == "scan" and task.modality != "ultrasound":
        raise RecipeError(
            f"input.region = 'scan' is for ultrasound, and task {task.name!r} is of {task.modality}",
            "set input.region to 'whole'",
        )
    others = sorted({sample.view or "no view" for sample in images.samples} - {"MLO"})
    if region == "breast_without_muscle" and others:
        raise RecipeError(
            f"input.region = {region!r} is for oblique views, and {images.dataset} has {', '.join(others)} too",
            "set data.only to {view = 'MLO'}, or input.region to 'breast'",
        )
    if region != "lesion":
        return images
    if not any(sample.boxes or sample.masks for sample in images.samples):
        raise DatasetError(
            f"input.region = 'lesion' needs outlined lesions, and {images.dataset} has none",
            "set input.region to 'whole', or use a dataset with boxes or masks",
        )
    return lesion_patches(images, recipe.patch, patch_folder())
