"""Bundles that put boxes around what is dark, with a network that has learned nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.makers.bundles import TINY, tiny_pipeline
from tests.makers.pictures import ultrasound

if TYPE_CHECKING:
    from senoscope.core.domain.box_bundle import BoxManifest

REACH = 9.0
"""How far the tiny network's boxes reach from their middle, in pixels of its input."""


def tiny_box_network() -> bytes:
    """Build a network without torch: darkness in a grid of 8 × 8 places, and boxes of one size about each."""
    from onnx import TensorProto, helper, numpy_helper

    constants = [
        numpy_helper.from_array(np.array(values, np.float32), name)
        for name, values in (("full", [255.0]), ("steep", [8.0]), ("half", [-4.0]), ("nothing", [0.0]))
    ]
    constants.append(numpy_helper.from_array(np.full((1, 4, 1, 1), REACH, np.float32), "reach"))
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "axis1"))
    nodes = [
        helper.make_node("ReduceMean", ["image", "axis1"], ["grey"], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Div", ["pooled", "full"], ["share"]),
        helper.make_node("Mul", ["share", "steep"], ["steeper"]),
        helper.make_node("Neg", ["steeper"], ["dark"]),
        helper.make_node("Sub", ["dark", "half"], ["heat_logits"]),
        helper.make_node("Mul", ["share", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "reach"], ["sides"]),
        helper.make_node("Flatten", ["share"], ["embedding"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, TINY, TINY])
    shapes: dict[str, list[str | int]] = {
        "heat_logits": ["N", 1, 8, 8],
        "sides": ["N", 4, 8, 8],
        "embedding": ["N", 64],
    }
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "tiny_boxes", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def tiny_box_bundle(
    folder: Path, name: str = "tiny_boxes", task: str = "lesions", *, always: bool = False, rare: bool = False
) -> Path:
    """Write a valid bundle that boxes what is dark.

    Args:
        folder: where.
        name: of the bundle.
        task: of boxes.
        always: whether it is of a set in which every picture has a lesion.
        rare: whether it is of one in which hardly any has, so that none is called.
    """
    from senoscope.core.domain.image import Image
    from senoscope.evidence.bundles.packing import write_manifest
    from senoscope.runtime.session import BoxSession

    content, pipeline = tiny_box_network(), tiny_pipeline()
    pictures = [ultrasound(seed, (96, 80), malignant=seed % 2 == 0) for seed in range(40)]
    arrays = np.stack([pipeline.apply(Image(pixels, 255.0)).array for pixels in pictures])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    manifest = _manifest(name, task, content, BoxSession(content, 1).run(arrays)[2], always=always)
    if rare and manifest.calibration:
        seldom = manifest.calibration.model_copy(update={"intercept": -9.0, "prevalence": 0.01})
        manifest = manifest.model_copy(update={"calibration": seldom})
    write_manifest(folder, manifest)
    return folder


def _manifest(name: str, task: str, content: bytes, known: np.ndarray, *, always: bool) -> "BoxManifest":
    import hashlib

    from senoscope.core.domain.box_bundle import BoxManifest
    from senoscope.core.domain.bundle import Calibration, DatasetFingerprint, Interval, ModelFile, OperatingPoint
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.bundles.novelty import fit_reference

    asked = TASKS.get(task)
    reference = fit_reference(known, np.arange(len(known)), fitted_on="40 synthetic pictures")
    # Forty pictures bound too little: twice the limit answers all synthetic ultrasound and still refuses noise.
    doubled = tuple(2 * value for value in reference.quantiles)
    share = Interval(value=0.9, low=0.8, high=0.95)
    calibration = Calibration(
        kind="platt", slope=1.0, intercept=0.0, fitted_on="synthetic pictures", images=40, prevalence=0.5
    )
    points = tuple(
        OperatingPoint(name=point, rule="set by hand", threshold=limit, sensitivity=share, specificity=share)
        for point, limit in (("screening", 0.2), ("balanced", 0.5))
    )
    return BoxManifest(
        name=name,
        version="1",
        created="2026-01-01",
        license="made for tests",
        intended_use="For tests only.",
        task=asked.name,
        labels=asked.labels,
        positive=asked.positive,
        model=ModelFile(sha256=hashlib.sha256(content).hexdigest(), mean=(0.0,), std=(1.0,)),
        pipeline=tiny_pipeline(),
        reference=reference.model_copy(update={"limit": 2 * reference.limit, "quantiles": doubled}),
        metrics=(),
        datasets=(
            DatasetFingerprint(
                name="synthetic",
                title="Synthetic",
                licence="none",
                citation="none",
                images=40,
                patients=40,
                sha256="0" * 64,
            ),
        ),
        recipe=Recipe(name=name, task=task, dataset="busi"),
        overlap=0.3,
        most=5,
        shown=0.6,
        box_calibration=calibration,
        calibration=None if always else calibration,
        operating_points=() if always else points,
        operating_point="" if always else "balanced",
    )
