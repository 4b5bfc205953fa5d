"""Bundles that answer exams, with networks that have learned nothing."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tests.makers.bundles import TINY, pack_tiny, tiny_pipeline
from tests.makers.pictures import ultrasound

if TYPE_CHECKING:
    from onnx import NodeProto

AGES = [{"age": str(age), "machine": "29" if age % 2 else "48"} for age in range(40, 80)]
"""Records that the tiny bundles' coding is of."""


def tiny_exam_network(columns: int, answers: int = 1, *, sees: bool = True) -> bytes:
    """Build a network with the outputs of an exam and no torch.

    It weighs images by the softmax of their darkness, and adds the mean of the records; without pictures it takes that
    mean alone.
    """
    from onnx import TensorProto, helper

    def value(name: str, shape: list[str | int]) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    random = np.random.default_rng(11)
    width = 16 * sees + columns
    arrays = {
        "weight": random.normal(0, 1, (width, answers)),
        "full": np.array([255.0]),
        "one": np.array([1.0]),
        "bias": np.array([0.25]),
        "nothing": np.zeros((1, 1, 1)),
    }
    made = [
        helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.astype(np.float32).ravel())
        for name, array in arrays.items()
    ]
    made += [helper.make_tensor(f"axis{axis}", TensorProto.INT64, [1], [axis]) for axis in (0, 1)]
    nodes = [*(_pictures() if sees else []), *(_records() if columns else [])]
    parts = [*(["pooled"] if sees else []), *(["known"] if columns else [])]
    nodes.append(helper.make_node("Concat", parts, ["state"], axis=1))
    nodes.append(helper.make_node("MatMul", ["state", "weight"], ["raw"]))
    nodes.append(helper.make_node("Add", ["raw", "bias"], ["logits"]))
    if not sees:
        nodes += _blind()
    inputs = [value("image", ["N", 3, TINY, TINY])] if sees else []
    inputs += [value("metadata", ["N", columns])] if columns else []
    shapes: dict[str, list[str | int]] = {"logits": [1, answers], "saliency": ["n", "h", "w"]}
    shapes |= {"embedding": ["n", 16 if sees else width], "attention": ["N"]}
    outputs = [value(name, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "tiny exam", inputs, outputs, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def _pictures() -> "list[NodeProto]":
    from onnx import helper

    return [
        helper.make_node("Div", ["image", "full"], ["share"]),
        helper.make_node("Sub", ["one", "share"], ["dark"]),
        helper.make_node("ReduceMean", ["dark", "axis1"], ["grey"], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["grid"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Squeeze", ["grid", "axis1"], ["saliency"]),
        helper.make_node("Flatten", ["grid"], ["embedding"], axis=1),
        helper.make_node("ReduceMean", ["embedding", "axis1"], ["score"], keepdims=1),
        helper.make_node("Softmax", ["score"], ["shares"], axis=0),
        helper.make_node("Squeeze", ["shares", "axis1"], ["attention"]),
        helper.make_node("Mul", ["shares", "embedding"], ["weighed"]),
        helper.make_node("ReduceSum", ["weighed", "axis0"], ["pooled"], keepdims=1),
    ]


def _records() -> "list[NodeProto]":
    from onnx import helper

    return [helper.make_node("ReduceMean", ["metadata", "axis0"], ["known"], keepdims=1)]


def _blind() -> "list[NodeProto]":
    from onnx import helper

    return [
        helper.make_node("Identity", ["known"], ["embedding"]),
        helper.make_node("Identity", ["nothing"], ["saliency"]),
        helper.make_node("ReduceMean", ["metadata", "axis1"], ["said"], keepdims=0),
        helper.make_node("Sub", ["said", "said"], ["alike"]),
        helper.make_node("Softmax", ["alike"], ["attention"], axis=0),
    ]


def tiny_exam_bundle(
    folder: Path,
    *,
    name: str = "tiny_exam",
    task: str = "screening",
    by: Literal["image", "breast", "patient"] = "breast",
    most: int = 4,
    facts: tuple[str, ...] = ("age", "machine"),
    sees: bool = True,
) -> Path:
    """Write a valid bundle of exams; `sees` whether it looks at pictures, and `facts` those of `AGES` it goes by."""
    from senoscope.core.domain.bundle import ExamSpec
    from senoscope.core.domain.coding import fit_coding
    from senoscope.core.domain.image import Image
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.domain.recipe_parts import ExamRecipe, ModelRecipe, RecordRecipe
    from senoscope.core.tasks import TASKS
    from senoscope.runtime.session import ExamSession

    coding = fit_coding(facts, AGES)
    answers = len(TASKS.get(task).labels)
    content = tiny_exam_network(coding.width, answers if answers > 2 else 1, sees=sees)
    session = ExamSession(content, coding.width, 1)
    pictures = [Image(ultrasound(seed, (160, 130), malignant=seed % 2 == 0), 255.0) for seed in range(40)]
    arrays = np.stack([tiny_pipeline().apply(picture).array for picture in pictures])
    codes = coding.encode(AGES)
    if sees:
        known = session.run(arrays, codes).embedding
    else:
        known = np.concatenate([session.run(None, code[None]).embedding for code in codes])
    recipe = Recipe(
        name=name,
        task=task,
        dataset="rsna",
        exam=ExamRecipe(by=by, most=most),
        record=RecordRecipe(facts=facts),
        model=ModelRecipe(backbone="mobilenetv2_100" if sees else "none"),
    )
    return pack_tiny(folder, name, task, content, known, ExamSpec(by=by, most=most, coding=coding), recipe)
