"""Bundles that put a box around what is dark before they outline it."""

import hashlib
from pathlib import Path

from tests.makers.boxes import tiny_box_bundle, tiny_box_network
from tests.makers.bundles import tiny_pipeline


def box_first(folder: Path, context: float = 2.5) -> Path:
    """Put a network that finds what is dark before the one of a bundle that marks, or that outlines first.

    Args:
        folder: of `tiny_outline_bundle` or `tiny_chain_bundle`; it is changed.
        context: sides of what is outlined by those of the box.
    """
    from senoscope.core.domain.box_bundle import BoxManifest
    from senoscope.core.domain.bundle import ModelFile
    from senoscope.core.domain.chain import ChainManifest
    from senoscope.core.domain.outline_bundle import OutlineManifest, WithinSpec
    from senoscope.evidence.bundles.packing import write_manifest
    from senoscope.runtime.store import read_manifest

    content, boxes = tiny_box_network(), read_manifest(tiny_box_bundle(folder.parent / f"{folder.name}_boxes"))
    assert isinstance(boxes, BoxManifest)
    within = WithinSpec(
        boxes=ModelFile(path="boxes.onnx", sha256=hashlib.sha256(content).hexdigest(), mean=(0.0,), std=(1.0,)),
        pipeline=tiny_pipeline(),
        overlap=boxes.overlap,
        most=boxes.most,
        context=context,
    )
    (folder / "boxes.onnx").write_bytes(content)
    manifest = read_manifest(folder)
    update = {"within": within, "reference": boxes.reference, "calibration": boxes.calibration}
    if isinstance(manifest, ChainManifest):
        write_manifest(folder, manifest.model_copy(update={"chain": manifest.chain.model_copy(update=update)}))
    else:
        assert isinstance(manifest, OutlineManifest)
        write_manifest(folder, manifest.model_copy(update=update))
    return folder
