"""The first stage of a fit: the backbone learns patches of the training part before it sees whole pictures."""

import copy
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import FitRecipe
from senoscope.core.errors import DatasetError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray, Resize
from senoscope.evidence.index.patches import ORDINARY, lesions_and_tissue, patch_folder
from senoscope.evidence.tables.rows import write_rows
from senoscope.learning.data.material import Division, Material, Progress, gather
from senoscope.learning.data.pictures import Pictures
from senoscope.learning.fitting.finetune import finetune, outputs
from senoscope.learning.fitting.fit import Examples, fit_head
from senoscope.learning.fitting.loop import Plan
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.models.weights import Backbone, resolve
from senoscope.learning.runs.parting import Positions

START = FitRecipe(solver="lbfgs", epochs=200, decay=1.0, balance=True)
"""How the head of the patches is fitted before the backbone moves: a linear unit a label, to its optimum."""


def patched(material: Material, recipe: Recipe, train: Positions, folder: Path, progress: Progress) -> Material:
    """Train the backbone on patches of these samples alone, and take the material's features anew from it.

    Outlined lesions go by their label, ordinary tissue is a label of its own; which squares they were is listed in
    `patch/patches.csv`, and what the epochs came to in `patch/log.csv`. There are no patches of anyone else, so nothing
    stops the stage early: it takes `patch.epochs`, with the optimiser, batches, jitter and loss of the fine-tuning, and
    both kinds weigh alike. A stage that was cut short is taken up; one that is done is read back.

    Args:
        material: of the run, whose backbone starts the stage.
        recipe: with a `patch`.
        train: samples that patches are cut from.
        folder: of the fit.
        progress: told what goes on.

    Raises:
        DatasetError: the samples have no outlined lesion, or nothing else.
        RunError: as `finetune`.
    """
    backbone = stage(material, recipe, train, folder / "patch", progress)
    whole = Division(material.task, material.index, material.folds, material.index)
    return gather(recipe, whole, backbone, progress)


def stage(material: Material, recipe: Recipe, train: Positions, folder: Path, progress: Progress) -> Backbone:
    """Train a backbone on patches of these samples alone; see `patched`."""
    patches = lesions_and_tissue(material.index.take(train), recipe.patch, recipe.fit.seed, patch_folder())
    names = [ORDINARY, *sorted({sample.label for sample in patches.samples} - {ORDINARY})]
    labels = np.array([names.index(sample.label) for sample in patches.samples], np.int64)
    if len(names) < 2 or not (labels == 0).any():
        raise DatasetError(
            f"the training part of {material.index.dataset} gives no patches of ordinary tissue beside its lesions",
            "set patch.ordinary above 0, or lower patch.context",
        )
    columns = ("sample_id", "group", "label", "file")
    rows = [{"sample_id": s.sample_id, "group": s.group, "label": s.label, "file": s.path} for s in patches.samples]
    write_rows(folder / "patches.csv", columns, rows)
    size = recipe.patch.size
    pictures = Pictures(patches.paths(), Pipeline((Gray(), Resize(size, size, "stretch"))), labels)
    asked, epochs = recipe.model, recipe.patch.epochs
    backbone = resolve(asked.backbone, pretrained=asked.pretrained, seed=recipe.fit.seed, size=size)
    torch.manual_seed(recipe.fit.seed)
    head = LogisticHead(backbone.features, 1 if len(names) == 2 else len(names))
    classifier = Classifier(backbone, head, pictures.pipeline.scale).eval()
    progress(f"{folder.parent.name}: patches", 0, epochs)
    features = outputs(classifier, pictures.paths, pictures.pipeline)[1].numpy()
    fit_head(head, Examples(features, labels), None, START, folder / "head", lambda row: None)
    finetune(
        classifier,
        pictures,
        None,
        recipe.finetune.model_copy(
            update={"epochs": epochs, "warmup": min(recipe.finetune.warmup, epochs - 1), "balance": "weights"}
        ),
        recipe.jitter,
        Plan(epochs, epochs, recipe.fit.seed, folder),
        lambda row: progress(f"{folder.parent.name}: patches", row.epoch, epochs),
    )
    places = material.backbone.places if material.backbone else backbone.places
    return replace(_trained(backbone, classifier), places=places)


def _trained(backbone: Backbone, classifier: Classifier) -> Backbone:
    """The backbone as the stage left it, under a digest of its own, so that no feature of another is taken for its."""
    hasher = hashlib.sha256(f"patches {backbone.digest}".encode())
    for key, value in sorted(classifier.backbone.state_dict().items()):
        hasher.update(key.encode())
        hasher.update(value.numpy().tobytes())
    network = classifier.backbone.eval().requires_grad_(False)
    return replace(backbone, network=network, digest=hasher.hexdigest(), origin=f"{backbone.origin}; then patches")


def copied(backbone: Backbone) -> Backbone:
    """Give a copy to be trained further: the stored features belong to the backbone as it was."""
    # Embedding lays weights out otherwise in memory, and checkpoints keep what lies in order only.
    return replace(backbone, network=copy.deepcopy(backbone.network).to(memory_format=torch.contiguous_format))
