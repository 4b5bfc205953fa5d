"""How training and test data were kept apart, and whether they were."""

from senoscope.core.domain.bundle import BundleBase, DatasetFingerprint
from senoscope.evidence.datasets import DATASETS

PAPER_LEAK = "the split ignores whose image is whose: pictures of one woman lie on both sides"


def provenance(manifest: BundleBase, data: DatasetFingerprint, held_out: str = "") -> tuple[str, str]:
    """Say how training and test data were kept apart, and why the figures leak, if they do.

    Returns:
        The protocol in words, and the reason of the leak or "".
    """
    if any(trained.sha256 == data.sha256 for trained in manifest.datasets):
        return "the training data itself", "the model was trained on exactly these images"
    kin = DATASETS.get(data.name).same_women if data.name in DATASETS.names() else ()
    shared = next((trained.name for trained in manifest.datasets if trained.name in kin), "")
    if shared:
        return f"{data.name} for a model of {shared}", f"{data.name} and {shared} hold some of the same women"
    if all(trained.name != data.name for trained in manifest.datasets):
        return f"external: the model was not trained on {data.name}", ""
    if manifest.recipe.split.mode == "crossval":
        return "the dataset of the training", f"after cross-validation the model was fitted again on all of {data.name}"
    if not held_out:
        return "the dataset of the training", f"the model was trained on images of {data.name}"
    if manifest.recipe.split.protocol == "paper":
        return f"{held_out}, divided image by image", PAPER_LEAK
    return f"{held_out}, divided by patient or duplicate group", ""
