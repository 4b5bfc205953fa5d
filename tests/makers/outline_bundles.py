"""Bundles that mark regions, with a network that has learned nothing: what is dark is the lesion."""

import hashlib
from pathlib import Path

import numpy as np

from tests.makers.bundles import TINY, synthetic, tiny_pipeline, tiny_reference
from tests.makers.pictures import ultrasound

DARK = 0.84
"""Darkness, 0 to 1, at which a pixel is as likely of the lesion as not."""


def tiny_outline_network(maps: int = 1, side: int = TINY) -> bytes:
    """Build a network without torch: logits from darkness, smoothed a little, and the mean darkness of a 4 × 4 grid.

    Args:
        maps: how many; more than one are of bands of darkness, the first the brightest.
        side: of its input, in pixels, a multiple of 4.
    """
    from onnx import TensorProto, helper

    marks = [DARK] if maps == 1 else [number / (maps - 1) for number in range(maps)]
    numbers = {
        "full": ([1], [255.0]),
        "one": ([1], [1.0]),
        "steep": ([1], [40.0 if maps == 1 else -40.0]),
        "marks": ([1, maps, 1, 1], marks),
    }
    made = [helper.make_tensor(name, TensorProto.FLOAT, shape, values) for name, (shape, values) in numbers.items()]
    made.append(helper.make_tensor("axis1", TensorProto.INT64, [1], [1]))
    nodes = [
        helper.make_node("Div", ["image", "full"], ["share"]),
        helper.make_node("Sub", ["one", "share"], ["each"]),
        helper.make_node("ReduceMean", ["each", "axis1"], ["dark"], keepdims=1),
        helper.make_node("AveragePool", ["dark"], ["smooth"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Sub", ["smooth", "marks"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["steeply"]),
        # Of several, the band that is nearest in darkness is the likeliest.
        helper.make_node(*("Identity", ["steeply"]) if maps == 1 else ("Mul", ["steeply", "above"]), ["mask_logits"]),
        helper.make_node("AveragePool", ["dark"], ["grid"], kernel_shape=[side // 4] * 2, strides=[side // 4] * 2),
        helper.make_node("Flatten", ["grid"], ["embedding"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, side, side])
    shapes: dict[str, list[str | int]] = {"mask_logits": ["N", maps, side, side], "embedding": ["N", 16]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "tiny_outline", [image], outputs, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def tiny_outline_bundle(
    folder: Path, name: str = "tiny_outline", task: str = "ultrasound_outline", *, calibrated: bool = True
) -> Path:
    """Write a valid bundle whose network marks what is dark; its reference is of synthetic ultrasound.

    Args:
        folder: where.
        name: of the bundle.
        task: of two labels or more.
        calibrated: of two labels, whether it answers if there is a region at all.
    """
    from senoscope.core.domain.bundle import Calibration, Interval, ModelFile, OperatingPoint
    from senoscope.core.domain.image import Image
    from senoscope.core.domain.outline_bundle import OutlineManifest
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.bundles.packing import write_manifest
    from senoscope.runtime.session import OutlineSession

    asked = TASKS.get(task)
    several = len(asked.labels) > 2
    content, pipeline = tiny_outline_network(len(asked.labels) if several else 1), tiny_pipeline()
    pictures = [ultrasound(seed, (96, 80), malignant=seed % 2 == 0) for seed in range(40)]
    arrays = np.stack([pipeline.apply(Image(pixels, 255.0)).array for pixels in pictures])
    share = Interval(value=0.9, low=0.8, high=0.95)
    points = (("screening", 0.2), ("balanced", 0.5)) if calibrated and not several else ()
    manifest = OutlineManifest(
        name=name,
        version="1",
        created="2026-01-01",
        license="made for tests",
        intended_use="For tests only.",
        task=asked.name,
        labels=asked.labels,
        positive=asked.positive,
        model=ModelFile(sha256=hashlib.sha256(content).hexdigest(), mean=(0.0,), std=(1.0,)),
        pipeline=pipeline,
        reference=tiny_reference(OutlineSession(content, 1).run(arrays)[1]),
        metrics=(),
        datasets=(synthetic(),),
        recipe=Recipe(name=name, task=task, dataset="busi"),
        threshold=0.5,
        smallest=0.005,
        calibration=Calibration(
            kind="platt", slope=1.5, intercept=-1.0, fitted_on="synthetic pictures", images=40, prevalence=0.8
        )
        if points
        else None,
        operating_points=tuple(
            OperatingPoint(name=point, rule="set by hand", threshold=limit, sensitivity=share, specificity=share)
            for point, limit in points
        ),
        operating_point="balanced" if points else "",
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    write_manifest(folder, manifest)
    return folder
