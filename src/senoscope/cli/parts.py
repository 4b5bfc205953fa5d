"""Which part of a dataset a bundle may be measured on."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senoscope.evidence.index import Index
    from senoscope.runtime.detecting import Detector
    from senoscope.runtime.outlining import Outliner
    from senoscope.runtime.predictor import Model


def choose_part(
    model: "Model | Outliner | Detector", index: "Index", split: str, split_file: Path | None, trained_on: bool
) -> tuple["Index", str]:
    """Pick the samples to evaluate on, and say why they were held out.

    Args:
        model: the loaded bundle.
        index: all samples with the task's labels.
        split: part of the split, `all`, or "" for the default.
        split_file: the run's split, or None to look beside the bundle.
        trained_on: whether the user wants training data all the same.

    Returns:
        The samples (of a model of lesions their squares), and in words how it is known that they were not trained on;
        "" where it is not.

    Raises:
        DatasetError: they would be training data and nobody asked for that, the split does not fit the data, or
            a model of lesions finds none outlined.
        UsageError: the split has no such part.
    """
    from senoscope.core.domain.bundle import BundleManifest
    from senoscope.core.errors import DatasetError
    from senoscope.evidence.index.exams import exams_for
    from senoscope.evidence.index.patches import as_trained
    from senoscope.evidence.index.splits import read_split

    manifest, name = model.manifest, index.dataset
    own = any(trained.name == name for trained in manifest.datasets)
    refitted = own and manifest.recipe.split.mode == "crossval"
    part = split or ("test" if own and not refitted and not trained_on else "all")
    if own and not trained_on and (part != "test" or refitted):
        raise DatasetError(f"{manifest.name} was trained on {_what(part, name)}", _hint(refitted))
    if part == "all":
        return as_trained(index, manifest.recipe), ""
    beside = (model.folder / "split.csv", model.folder.parent / "split.csv")
    path = split_file or next((path for path in beside if path.is_file()), None)
    if path is None:
        raise DatasetError(
            f"there is no split.csv beside {model.folder}, so no part of {name} is known to be held out",
            "give the run's with --split-file, evaluate on another dataset, or say --split all --trained-on",
        )
    # A run divides what its recipe left of the dataset, and writes down no more.
    divided = index.only(manifest.recipe.data.only) if own else index
    spec = manifest.exam if isinstance(manifest, BundleManifest) else None
    found = exams_for(as_trained(divided, manifest.recipe), spec)
    chosen = read_split(path, found.index, protocol=manifest.recipe.split.protocol)
    held_out = "" if own and (part != "test" or refitted) else f"part {part!r} of {path.name}"
    return found.take(chosen.positions(part)), held_out


def _what(part: str, name: str) -> str:
    return f"all of {name}" if part in ("all", "test") else f"the part {part!r} of {name}"


def _hint(refitted: bool) -> str:
    if refitted:
        return "its cross-validated figures are in its card; evaluate on another dataset, or say --trained-on"
    return "evaluate on --split test or on another dataset, or say --trained-on"
