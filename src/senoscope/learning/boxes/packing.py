"""A network that puts boxes around lesions to a bundle: exported, compared with torch, called, and told from others."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

import senoscope
from senoscope.core.domain.box_bundle import BoxManifest
from senoscope.core.domain.bundle import ModelFile
from senoscope.evidence.bundles.novelty import fit_reference
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.tables.rows import write_bytes
from senoscope.learning.boxes.calling import Calling
from senoscope.learning.boxes.folds import Ground, asked
from senoscope.learning.boxes.network import CentreNetwork
from senoscope.learning.models.export import Stored, compare, written
from senoscope.learning.runs.parting import Positions
from senoscope.runtime.session import BOXES, BoxSession

DIRECTIONS = 18
"""Of the reference: its embeddings are long, and what is packed with another network must stay small."""


def export_boxes(network: CentreNetwork, scale: float = 255.0, stored: Stored = "single") -> bytes:
    """Write the network as ONNX with a free batch, and run it against torch on noise.

    Args:
        network: in evaluation mode.
        scale: the number full scale has in the input.
        stored: precision of the weights in the file.

    Raises:
        BundleError: the exported network does not answer as torch does.
    """
    network.eval()
    side = network.side
    example = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * scale
    content = written(network, {"image": example}, BOXES, stored=stored)
    with torch.inference_mode():
        expected = [value.numpy() for value in network(example)]
    compare(BOXES, expected, BoxSession(content).run(example.numpy()), stored)
    return content


def pack(ground: Ground, network: CentreNetwork, calling: Calling, seen: Positions, folder: Path) -> BoxManifest:
    """Write model and manifest of a bundle; its figures come later.

    Args:
        ground: of the run.
        network: in evaluation mode.
        calling: calibrations and thresholds.
        seen: samples the bundle knows.
        folder: of the bundle.
    """
    recipe, task = ground.recipe, ground.task
    known = np.stack([boxes.embedding for _, boxes in asked(ground, network, seen)])
    content = export_boxes(network, ground.pipeline.scale, recipe.model.stored)
    write_bytes(folder / "model.onnx", content)
    facts, groups, point = DATASETS.get(recipe.dataset), ground.index.groups(), calling.point(recipe)
    manifest = BoxManifest(
        name=recipe.name,
        version=senoscope.__version__,
        created=datetime.now(UTC).strftime("%Y-%m-%d"),
        license=f"Weights trained on {facts.title} ({facts.licence}), starting from {ground.backbone.origin}.",
        intended_use=f"{task.title} For researchers, and for readers who want a second look they can dispute.",
        task=task.name,
        labels=task.labels,
        positive=task.positive,
        model=ModelFile(sha256=hashlib.sha256(content).hexdigest(), mean=ground.backbone.mean, std=ground.backbone.std),
        pipeline=ground.pipeline,
        reference=fit_reference(
            known, groups[seen], fitted_on=f"{len(seen)} images of {recipe.dataset}", directions=DIRECTIONS
        ),
        metrics=(),
        datasets=(ground.index.take(seen).fingerprint(),),
        recipe=recipe,
        overlap=recipe.boxes.overlap,
        most=recipe.boxes.most,
        patch=recipe.boxes.patch,
        shown=calling.shown,
        box_calibration=calling.box_calibration,
        calibration=calling.calibration,
        operating_points=calling.operating_points,
        operating_point=point.name if point else "",
    )
    write_manifest(folder, manifest)
    return manifest
