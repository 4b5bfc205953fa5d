"""A tiny bundle, and ways to spoil it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from senoscope.core.domain.image import Image
from senoscope.runtime.seal import sealed
from tests.makers import TINY, tiny_bundle, ultrasound


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "tiny")


def spoil(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the manifest of a bundle, and seal it again."""
    path = folder / "bundle.json"
    values = json.loads(path.read_text())
    change(values)
    values.pop("seal", None)
    path.write_text(sealed(json.dumps(values)))
    return folder


def with_network(folder: Path, content: bytes) -> Path:
    """Give a bundle another network, and the hash that goes with it."""
    (folder / "model.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return spoil(folder, lambda values: values["model"].update(sha256=digest))


def network(
    *,
    logits: list[Any] | None = None,
    saliency: list[Any] | None = None,
    embedding: list[Any] | None = None,
    **names: Any,
) -> bytes:
    """Build a network that always gives the same, whatever it is shown: of two pictures, as of one, by broadcasting.

    Args:
        logits: what is added to a zero of the batch's length, shape (1, 1) where it is honest.
        saliency: likewise, (1, h, w).
        embedding: likewise, (1, D).
        names: `image` renames the input, `side` sets its side.
    """
    name, side = names.get("image", "image"), names.get("side", TINY)
    given = {
        "logits": logits or [[0.5]],
        "saliency": saliency or [[[1.0, 0.0], [0.0, 0.0]]],
        "embedding": embedding or [[0.5] * 16],
    }
    nodes = [
        helper.make_node("ReduceMean", [name, "axes"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean"] * 2, ["zero"]),
    ]
    made = [helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3])]
    outputs = []
    for output, value in given.items():
        array = np.array(value, np.float32)
        shape = [-1, *[1] * (array.ndim - 1)]
        made.append(helper.make_tensor(f"{output}_shape", TensorProto.INT64, [len(shape)], shape))
        made.append(helper.make_tensor(f"{output}_value", TensorProto.FLOAT, array.shape, array))
        nodes.append(helper.make_node("Reshape", ["zero", f"{output}_shape"], [f"{output}_zero"]))
        nodes.append(helper.make_node("Add", [f"{output}_zero", f"{output}_value"], [output]))
        outputs.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    image = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, side, side])
    graph = helper.make_graph(nodes, "constant", [image], outputs, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def picture(seed: int = 0, *, malignant: bool = False) -> Image:
    return Image(ultrasound(seed, (96, 80), malignant=malignant), 255.0, f"picture {seed}")
