"""A network's weights in half precision where a bundle lies, and in single precision where it computes."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 1024
"""Numbers below which weights stay as they are: there is nothing to save."""

LARGEST = 6e4
"""Half precision ends at 65,504."""


def halve(model: onnx.ModelProto) -> None:
    """Store large weights in half precision, each with a node that makes it single again.

    ONNX Runtime computes these nodes once, when it opens the model.

    Args:
        model: changed in place.
    """
    graph, casts = model.graph, []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < SMALLEST or not np.abs(values).max() < LARGEST:
            continue
        short = numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half")
        casts.append(helper.make_node("Cast", [short.name], [tensor.name], to=TensorProto.FLOAT))
        graph.initializer.remove(tensor)
        graph.initializer.append(short)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
