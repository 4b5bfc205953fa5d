"""A network that marks regions to a bundle: exported, compared with torch, and told what it does not know."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import senoscope
from senoscope.core.domain.bundle import Calibration, EmbeddingReference, ModelFile, OperatingPoint
from senoscope.core.domain.outline_bundle import OutlineManifest, WithinSpec
from senoscope.evidence.bundles.novelty import fit_reference
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.tables.rows import write_bytes
from senoscope.learning.models.export import Stored, compare, written
from senoscope.learning.outlines.fit import asked
from senoscope.learning.outlines.folds import Ground
from senoscope.learning.outlines.network import OutlineNetwork
from senoscope.learning.runs.calling import chosen
from senoscope.runtime.session import OUTLINE, OutlineSession
from senoscope.runtime.store import read_model


def export_outlines(network: OutlineNetwork, size: int, scale: float = 255.0, stored: Stored = "single") -> bytes:
    """Write the network as ONNX with a free batch, and run it against torch on noise.

    Args:
        network: in evaluation mode.
        size: side of the square input.
        scale: the number full scale has in the input.
        stored: precision of the weights in the file.

    Raises:
        BundleError: the exported network does not answer as torch does.
    """
    network.eval()
    example = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * scale
    content = written(network, {"image": example}, OUTLINE, stored=stored)
    with torch.inference_mode():
        expected = [value.numpy() for value in network(example)]
    compare(OUTLINE, expected, OutlineSession(content).run(example.numpy()), stored)
    return content


def pack(
    ground: Ground,
    network: OutlineNetwork,
    calling: tuple[Calibration, tuple[OperatingPoint, ...]] | None,
    seen: NDArray[np.int64],
    folder: Path,
) -> OutlineManifest:
    """Write model and manifest of a bundle; its figures come later.

    Args:
        ground: of the run.
        network: in evaluation mode.
        calling: calibration and thresholds of the probability that there is a region at all; None where it is not told.
        seen: samples the bundle knows.
        folder: of the bundle.
    """
    recipe, task = ground.recipe, ground.task
    content = export_outlines(network, recipe.input.size, ground.pipeline.scale, recipe.model.stored)
    write_bytes(folder / "model.onnx", content)
    facts = DATASETS.get(recipe.dataset)
    manifest = OutlineManifest(
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
        reference=_reference(ground, network, seen),
        metrics=(),
        datasets=(ground.shown(seen).fingerprint(),),
        recipe=recipe,
        threshold=recipe.outline.threshold,
        smallest=recipe.outline.smallest,
        calibration=calling[0] if calling else None,
        operating_points=calling[1] if calling else (),
        operating_point=chosen(recipe, calling[1]).name if calling else "",
        within=_boxes_first(ground, folder),
    )
    write_manifest(folder, manifest)
    return manifest


def _reference(ground: Ground, network: OutlineNetwork, seen: NDArray[np.int64]) -> EmbeddingReference:
    """What is known of whole pictures: by this network, or by the one that puts boxes first."""
    if ground.boxing is not None:
        return ground.boxing.manifest.reference
    known = np.stack([embedding for _, embedding in asked(network, ground.source(seen))])
    fitted_on = f"{len(seen)} {ground.counted} of {ground.recipe.dataset}"
    return fit_reference(known, ground.index.groups()[seen], fitted_on=fitted_on)


def _boxes_first(ground: Ground, folder: Path) -> WithinSpec | None:
    """Put the network that puts boxes beside the one that marks; None where whole pictures are outlined."""
    if ground.boxing is None:
        return None
    first = ground.boxing.manifest
    write_bytes(folder / "boxes.onnx", read_model(ground.boxing.folder, first))
    return WithinSpec(
        boxes=ModelFile(path="boxes.onnx", **first.model.model_dump(exclude={"path"})),
        pipeline=first.pipeline,
        overlap=first.overlap,
        most=first.most,
        context=ground.recipe.outline.context,
    )
