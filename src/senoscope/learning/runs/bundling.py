"""A fitted network to a bundle: exported, calibrated, called, and told from what it does not know."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import senoscope
from senoscope.core.domain.bundle import BundleManifest, ModelFile
from senoscope.evidence.bundles.novelty import fit_reference
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.tables.rows import write_bytes
from senoscope.learning.data.material import Material, Progress
from senoscope.learning.exams.export import export_exams
from senoscope.learning.exams.network import ExamClassifier
from senoscope.learning.models.ensemble import Ensemble
from senoscope.learning.models.export import export
from senoscope.learning.runs.calling import chosen, fitted, points
from senoscope.learning.runs.fold import Network, embeddings
from senoscope.learning.runs.parting import Positions


def pack(
    material: Material,
    classifier: Network | Ensemble,
    validation: Positions,
    values: NDArray[np.float64],
    words: str,
    seen: Positions,
    folder: Path,
    progress: Progress,
) -> BundleManifest:
    """Write model and manifest of a bundle; its card and figures come later.

    Args:
        material: of the run.
        classifier: in evaluation mode.
        validation: samples that calibrate and choose thresholds.
        values: their logits.
        words: what they are.
        seen: samples of training and validation: what the bundle knows.
        folder: of the bundle.
        progress: told what goes on.
    """
    recipe, task = material.recipe, material.task
    progress("exporting", 0, 1)
    labels, groups = material.labels[validation], material.index.groups()
    own = fitted(recipe, task, values, labels, words)
    found = points(task, own.apply(values), labels, groups[validation])
    known, owners = embeddings(material, classifier, seen)
    content = _exported(material, classifier)
    write_bytes(folder / "model.onnx", content)
    facts = DATASETS.get(recipe.dataset)
    backbone = material.backbone
    start = backbone.origin if backbone else "nothing"
    manifest = BundleManifest(
        name=recipe.name,
        version=senoscope.__version__,
        created=datetime.now(UTC).strftime("%Y-%m-%d"),
        license=f"Weights trained on {facts.title} ({facts.licence}), starting from {start}.",
        intended_use=f"{task.title} For researchers, and for readers who want a second look they can dispute.",
        task=task.name,
        labels=task.labels,
        positive=task.positive,
        model=ModelFile(
            sha256=hashlib.sha256(content).hexdigest(),
            mean=backbone.mean if backbone else (),
            std=backbone.std if backbone else (),
        ),
        pipeline=material.pipeline,
        calibration=own,
        operating_points=found,
        operating_point=chosen(recipe, found).name,
        reference=fit_reference(known, groups[owners], fitted_on=f"{len(owners)} images of {recipe.dataset}"),
        metrics=(),
        datasets=(material.images_of(seen).fingerprint(),),
        recipe=recipe,
        exam=material.exams.spec(recipe) if material.exams else None,
    )
    write_manifest(folder, manifest)
    progress("exporting", 1, 1)
    return manifest


def _exported(material: Material, classifier: Network | Ensemble) -> bytes:
    recipe = material.recipe
    if isinstance(classifier, ExamClassifier):
        return export_exams(classifier, recipe.input.size, material.pipeline.scale, recipe.model.stored)
    return export(classifier, recipe.input.size, material.pipeline.scale, recipe.model.stored)
