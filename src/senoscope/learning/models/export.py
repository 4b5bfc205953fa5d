"""A classifier to a bundle's `model.onnx`, checked against torch before it is believed."""

import io
import logging
import warnings

import numpy as np
import onnx
import torch

from senoscope.core.errors import BundleError
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble
from senoscope.runtime.session import OUTPUTS, Session

OPSET = 18
TOLERANCE = 1e-4
"""Largest difference between torch and ONNX Runtime, relative to the output's own size or 1."""


def export(classifier: Classifier | Ensemble, size: int, scale: float = 255.0) -> bytes:
    """Write the network as ONNX with a free batch, and run it against torch on noise.

    Args:
        classifier: in evaluation mode.
        size: side of the square input.
        scale: the number full scale has in the input.

    Raises:
        BundleError: the exported network does not answer as torch does.
    """
    classifier.eval()
    example = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * scale
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            classifier,
            (example,),
            input_names=["image"],
            output_names=list(OUTPUTS),
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("N", min=1, max=4096)},),
            verbose=False,
        )
    assert program is not None
    buffer = io.BytesIO()
    onnx.save_model(lean(program.model_proto), buffer)
    _check(classifier, buffer.getvalue(), example)
    return buffer.getvalue()


def lean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Leave out what only describes the machine and the source that exported it."""
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.value_info[:]
    return model


def _check(classifier: Classifier | Ensemble, content: bytes, example: torch.Tensor) -> None:
    with torch.inference_mode():
        expected = [value.numpy() for value in classifier(example)]
    found = Session(content).run(example.numpy())
    for name, value in zip(OUTPUTS, expected, strict=True):
        size = max(1.0, float(np.abs(value).max()))
        difference = float(np.abs(getattr(found, name) - value).max()) / size
        if not difference <= TOLERANCE:
            raise BundleError(f"exported {name} differs from torch by {difference:.1e}", "try another backbone")
