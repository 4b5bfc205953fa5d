"""Bundles with a network that has learned nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tests.makers.pictures import ultrasound

if TYPE_CHECKING:
    from senoscope.core.domain.bundle import DatasetFingerprint, EmbeddingReference, ExamSpec
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.preprocess.pipeline import Pipeline

TINY = 32
"""Side of the tiny network's input, in pixels."""


def tiny_network(answers: int = 1) -> bytes:
    """Build a network with a bundle's outputs and no torch: darkness in a 4 × 4 grid, its mean, and its edges."""
    from onnx import TensorProto, helper

    random = np.random.default_rng(7)
    weight = helper.make_tensor(
        "weight", TensorProto.FLOAT, [16, answers], random.normal(0, 1, 16 * answers).astype(np.float32)
    )
    numbers = {"full": [255.0], "one": [1.0], "bias": [0.25]}
    constants = [helper.make_tensor(name, TensorProto.FLOAT, [1], values) for name, values in numbers.items()]
    axis = helper.make_tensor("axis1", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Div", ["image", "full"], ["share"]),
        helper.make_node("Sub", ["one", "share"], ["dark"]),
        helper.make_node("ReduceMean", ["dark", "axis1"], ["grey"], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["grid"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Squeeze", ["grid", "axis1"], ["saliency"]),
        helper.make_node("Flatten", ["grid"], ["embedding"], axis=1),
        helper.make_node("MatMul", ["embedding", "weight"], ["raw"]),
        helper.make_node("Add", ["raw", "bias"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, TINY, TINY])
    shapes: dict[str, list[str | int]] = {"logits": ["N", answers], "saliency": ["N", 4, 4], "embedding": ["N", 16]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "tiny", [image], outputs, [weight, *constants, axis])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def tiny_bundle(folder: Path, name: str = "tiny", task: str = "ultrasound") -> Path:
    """Write a valid bundle with a tiny network that has learned nothing; its reference is of synthetic ultrasound."""
    from senoscope.core.domain.image import Image
    from senoscope.core.tasks import TASKS
    from senoscope.runtime.session import Session

    several = len(TASKS.get(task).labels) > 2
    content = tiny_network(len(TASKS.get(task).labels) if several else 1)
    pipeline = tiny_pipeline()
    pictures = [ultrasound(seed, (96, 80), malignant=seed % 2 == 0) for seed in range(40)]
    arrays = np.stack([pipeline.apply(Image(pixels, 255.0)).array for pixels in pictures])
    return pack_tiny(folder, name, task, content, Session(content, 1).run(arrays).embedding)


def tiny_pipeline() -> "Pipeline":
    """Grey, stretched to the tiny network's square."""
    from senoscope.core.preprocess.pipeline import Pipeline
    from senoscope.core.preprocess.steps import Gray, Resize

    return Pipeline((Gray(), Resize(TINY, TINY, "stretch")))


def tiny_reference(known: NDArray[np.float32]) -> "EmbeddingReference":
    """What embeddings look like, from (40, D) of synthetic pictures."""
    from senoscope.evidence.bundles.novelty import fit_reference

    reference = fit_reference(known, np.arange(len(known)), fitted_on="40 synthetic pictures")
    # Forty pictures bound too little: twice the limit answers all synthetic ultrasound and still refuses noise.
    doubled = tuple(2 * value for value in reference.quantiles)
    return reference.model_copy(update={"limit": 2 * reference.limit, "quantiles": doubled})


def synthetic() -> "DatasetFingerprint":
    """The data behind a bundle that has learned nothing."""
    from senoscope.core.domain.bundle import DatasetFingerprint

    return DatasetFingerprint(
        name="synthetic", title="Synthetic", licence="none", citation="none", images=40, patients=40, sha256="0" * 64
    )


def pack_tiny(
    folder: Path,
    name: str,
    task: str,
    content: bytes,
    known: NDArray[np.float32],
    exam: "ExamSpec | None" = None,
    recipe: "Recipe | None" = None,
) -> Path:
    """Write a network as a valid bundle; `known` are embeddings of what it is to know."""
    import hashlib

    from senoscope.core.domain.bundle import (
        BundleManifest,
        Calibration,
        Interval,
        ModelFile,
        MostProbable,
        OperatingPoint,
        SoftmaxCalibration,
    )
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.bundles.packing import write_manifest

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    asked = TASKS.get(task)
    several = len(asked.labels) > 2
    share = Interval(value=0.9, low=0.8, high=0.95)
    manifest = BundleManifest(
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
        calibration=SoftmaxCalibration(
            kind="softmax",
            temperature=2.0,
            fitted_on="synthetic pictures",
            images=40,
            shares=dict.fromkeys(asked.labels, 1 / len(asked.labels)),
        )
        if several
        else Calibration(
            kind="platt", slope=1.5, intercept=-0.5, fitted_on="synthetic pictures", images=40, prevalence=0.5
        ),
        operating_points=(MostProbable(sensitivities=dict.fromkeys(asked.labels, share)),)
        if several
        else tuple(
            OperatingPoint(name=point, rule="set by hand", threshold=limit, sensitivity=share, specificity=share)
            for point, limit in (("screening", 0.2), ("balanced", 0.5))
        ),
        operating_point="most_probable" if several else "balanced",
        reference=tiny_reference(known),
        metrics=(),
        datasets=(synthetic(),),
        recipe=recipe or Recipe(name=name, task=task, dataset="busi"),
        exam=exam,
    )
    write_manifest(folder, manifest)
    return folder
